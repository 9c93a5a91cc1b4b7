"""`params`: order of layers, look-up, setting, and where values come from."""

import copy
import os
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sdcm import process
from sdcm.config.model import SCTConfiguration, load_params
from sdcm.config.origins import Setting
from sdcm.config.problems import ConfigurationProblem
from sdcm.config.schema import json_schema
from sdcm.errors import UsageProblem
from sdcm.exit_codes import ExitCode

ROOT = Path(__file__).parents[3]


def _load(tmp_path: Path, *texts: str, **environ: str) -> SCTConfiguration:
    """Load files with these contents, a.yaml, b.yaml, ..., and these variables."""
    names = []
    for number, text in enumerate(texts):
        names.append(f"{'abcdef'[number]}.yaml")
        (tmp_path / names[-1]).write_text(text)
    return load_params(names, environ, tmp_path)


def test_a_docker_test_gets_its_backend_and_role_without_a_file(tmp_path: Path) -> None:
    params = _load(tmp_path)
    assert params["cluster_backend"] == "docker"
    assert params["authenticator"] == "PasswordAuthenticator"
    assert (params["authenticator_user"], params["authenticator_password"]) == ("cassandra", "cassandra")
    assert params["authorizer"] == "CassandraAuthorizer"
    assert params["logs_transport"] == "docker"
    assert params["user_credentials_path"] == "~/.ssh/scylla_test_id_ed25519"
    assert params["docker_image"] == ""
    params.verify_configuration()


def test_later_layers_win(tmp_path: Path) -> None:
    params = _load(
        tmp_path,
        "n_db_nodes: 3\ntest_duration: 5\nuser_prefix: first\nauthorizer: AllowAllAuthorizer",
        "n_db_nodes: 4\ntest_duration: 6",
        SCT_N_DB_NODES="5",
    )
    found = {key: params[key] for key in ("n_db_nodes", "test_duration", "user_prefix", "authorizer", "n_loaders")}
    assert found == {
        "n_db_nodes": 5,
        "test_duration": 6,
        "user_prefix": "first",
        "authorizer": "AllowAllAuthorizer",
        "n_loaders": 1,
    }


def test_the_backend_decides_its_defaults_wherever_it_is_named(tmp_path: Path) -> None:
    assert _load(tmp_path, "cluster_backend: aws")["authenticator"] == ""
    assert _load(tmp_path, "cluster_backend: aws", "cluster_backend: docker")["authorizer"] == "CassandraAuthorizer"
    forced = _load(tmp_path, "cluster_backend: aws\nauthorizer: Own", SCT_CLUSTER_BACKEND="docker")
    assert (forced["cluster_backend"], forced["authenticator"]) == ("docker", "PasswordAuthenticator")
    assert forced["authorizer"] == "Own", "a file wins over the backend's defaults"


def test_files_are_named_by_list_text_literal_or_variable(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("n_db_nodes: 3")
    (tmp_path / "b.yaml").write_text("n_loaders: 2")
    for files, environ in (
        (["a.yaml", "b.yaml"], {}),
        ('["a.yaml", "b.yaml"]', {}),
        ("['a.yaml', 'b.yaml']", {}),
        ([tmp_path / "a.yaml", "b.yaml"], {}),
        ((), {"SCT_CONFIG_FILES": "['a.yaml', 'b.yaml']"}),
        ("", {"SCT_CONFIG_FILES": "['a.yaml', 'b.yaml']"}),
    ):
        params = load_params(files, environ, tmp_path)  # type: ignore[arg-type]
        assert (params["n_db_nodes"], params["n_loaders"]) == (3, 2)
    assert load_params("a.yaml", {"SCT_CONFIG_FILES": "b.yaml"}, tmp_path)["n_loaders"] == 1, "the test's own win"
    assert load_params((), {"SCT_CONFIG_FILES": "b.yaml"}, tmp_path)["n_loaders"] == 2
    assert load_params(tmp_path / "b.yaml", {}, tmp_path / "elsewhere")["n_loaders"] == 2


def test_the_environment_is_read_and_never_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text("cluster_backend: docker")
    monkeypatch.setenv("SCT_CONFIG_FILES", "a.yaml")
    before = dict(os.environ)
    load_params("a.yaml", os.environ, tmp_path)["n_db_nodes"] = 7
    assert dict(os.environ) == before


def test_every_configuration_is_its_owners_alone(tmp_path: Path) -> None:
    first = _load(tmp_path)
    first["stress_image"]["ycsb"] = "changed"
    first["n_db_nodes"] = 9
    second = _load(tmp_path)
    assert second["n_db_nodes"] == 1
    assert second["stress_image.ycsb"] != "changed"
    third = copy.deepcopy(first)
    third["n_db_nodes"] = 2
    assert first["n_db_nodes"] == 9


def test_look_up(tmp_path: Path) -> None:
    params = _load(tmp_path)
    assert params.get("stress_image.ycsb") == params["stress_image"]["ycsb"] == "docker.io/scylladb/ycsb:1.3.2"
    assert params.get("nonsense") is None
    assert params.get("stress_image.nonsense") is None
    assert params.get("n_db_nodes.nonsense", 3) == 3
    assert "n_db_nodes" in params
    assert "stress_image.ycsb" in params
    assert "nonsense" not in params
    assert "stress_image.nonsense" not in params
    assert dict(params) == params.to_dict()


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("n_db_node", "Unknown configuration item='n_db_node' -- did you mean n_db_nodes"),
        ("stress_image.ycbs", "Unknown configuration item='stress_image.ycbs' -- did you mean stress_image.ycsb"),
        ("n_db_nodes.first", "Unknown configuration item='n_db_nodes.first'"),
    ],
)
def test_an_unknown_key_is_a_value_error_and_wrong_usage_with_near_names(
    tmp_path: Path, key: str, message: str
) -> None:
    params = _load(tmp_path)
    with pytest.raises(ValueError, match="Unknown configuration item") as caught:
        params[key]
    assert str(caught.value).startswith(message)
    assert isinstance(caught.value, UsageProblem)
    assert caught.value.exit_code is ExitCode.USAGE
    if "ycbs" not in key:
        with pytest.raises(ValueError, match="Unknown configuration item"):
            params[key] = 1


def test_setting_validates(tmp_path: Path) -> None:
    params = _load(tmp_path)
    params["n_db_nodes"] = [3, 3]
    params["stress_image.ycsb"] = "ycsb:own"
    params.update({"client_encrypt": True}, docker_network="net")
    assert params["n_db_nodes"] == [3, 3]
    assert params["stress_image"]["ycsb"] == "ycsb:own"
    assert params["stress_image.latte"], "the other tools stay"
    assert (params["client_encrypt"], params["docker_network"]) == (True, "net")
    with pytest.raises(ConfigurationProblem, match=r"the test: wrong value for n_db_nodes: .*valid integer"):
        params["n_db_nodes"] = "many"
    with pytest.raises(ConfigurationProblem, match=r"wrong value for cluster_backend: .*'docker'"):
        params["cluster_backend"] = "moon"
    assert params["n_db_nodes"] == [3, 3]


def test_an_update_sets_all_or_nothing(tmp_path: Path) -> None:
    params = _load(tmp_path)
    params.update({})
    with pytest.raises(ConfigurationProblem):
        params.update({"n_loaders": 7, "nonsense": 1})
    assert params["n_loaders"] == 1
    assert params.explain("n_loaders").settings[-1].origin != "the test"


def test_a_value_remembers_every_layer_that_set_it(tmp_path: Path) -> None:
    params = _load(tmp_path, "# first\nn_db_nodes: 3", "user_prefix: x\n\nn_db_nodes: 4", SCT_N_DB_NODES="5")
    params["n_db_nodes"] = 6
    explained = params.explain("n_db_nodes")
    assert explained.settings == (
        Setting("defaults/test_default.yaml:3", 1),
        Setting("a.yaml:2", 3),
        Setting("b.yaml:3", 4),
        Setting("SCT_N_DB_NODES", 5),
        Setting("the test", 6),
    )
    assert (explained.value, explained.type) == (6, "int | list[int]")
    assert explained.description == "Database nodes; one number a data centre."
    assert params.explain("cs_debug").settings == (Setting("built-in default", False),)


def test_so_does_each_key_of_a_mapping(tmp_path: Path) -> None:
    params = _load(tmp_path, "stress_image:\n  latte: own:1", SCT_STRESS_IMAGE__ycsb="own:2")
    origins = {
        key: [setting.origin for setting in params.explain(f"stress_image.{key}").settings] for key in ("latte", "ycsb")
    }
    assert origins["latte"][-1] == "a.yaml:2"
    assert origins["ycsb"][-1] == "SCT_STRESS_IMAGE__ycsb"
    assert origins["latte"][0].startswith("defaults/stress_images.yaml:")
    params["stress_image"] = {"latte": "own:3"}
    assert params.explain("stress_image.latte").settings[-1] == Setting("the test", "own:3")
    with pytest.raises(ConfigurationProblem):
        params.explain("nonsense")


def test_secrets_are_shown_nowhere(tmp_path: Path) -> None:
    params = _load(tmp_path, "alternator_secret_access_key: s3cr3t", SCT_AUTHENTICATOR_PASSWORD="s3cr3t")
    assert params["alternator_secret_access_key"] == params["authenticator_password"] == "s3cr3t"
    shown = params.dump_config() + repr(params) + repr(params.explain("authenticator_password"))
    assert "s3cr3t" not in shown
    assert params.explain("authenticator_password").settings[-1].origin == "SCT_AUTHENTICATOR_PASSWORD"


def test_the_dump_is_yaml_of_every_option(tmp_path: Path) -> None:
    dumped = yaml.safe_load(_load(tmp_path, "n_db_nodes: [3, 3]").dump_config())
    assert set(dumped) == set(_load(tmp_path))
    assert dumped["n_db_nodes"] == [3, 3]
    assert dumped["authenticator_password"] == "(hidden)"


@pytest.mark.parametrize(
    ("text", "environ", "message"),
    [
        pytest.param(
            "",
            {"SCT_N_DB_NODE": "3"},
            "Unsupported environment variables were used: SCT_N_DB_NODE -- SCT_N_DB_NODE: did you mean SCT_N_DB_NODES",
            id="variable",
        ),
        pytest.param("authenticator_user: ''", {}, "authenticator is PasswordAuthenticator without a role", id="role"),
        pytest.param("client_encrypt_mtls: true", {}, "client_encrypt_mtls needs client_encrypt", id="mtls"),
        pytest.param("peer_verification: true", {}, "peer_verification needs client_encrypt", id="verification"),
    ],
)
def test_verification(tmp_path: Path, text: str, environ: dict[str, str], message: str) -> None:
    params = _load(tmp_path, text, **environ)
    with pytest.raises(ConfigurationProblem) as caught:
        params.verify_configuration()
    assert str(caught.value).startswith(message)


def test_our_own_variables_and_those_of_tests_pass_verification(tmp_path: Path) -> None:
    environ = {"SCT_JOURNAL": "/j", "SCT_STATE_DIR": "/s", "SCT_TEST_AZURE_REBOOT": "1", "OTHER": "x"}
    _load(tmp_path, **environ).verify_configuration()


@pytest.mark.parametrize("name", [file.stem for file in sorted((ROOT / "test-cases/docker").glob("*.yaml"))])
def test_the_examples_load_verify_and_fit_the_schema(name: str) -> None:
    jsonschema.validate(yaml.safe_load((ROOT / f"test-cases/docker/{name}.yaml").read_text()), json_schema())
    params = load_params(f"test-cases/docker/{name}.yaml", {}, ROOT)
    params.verify_configuration()
    examples: dict[str, dict[str, Any]] = {
        "minimal": {"user_prefix": "minimal", "test_duration": 10},
        "racks": {"simulated_racks": 2, "append_scylla_args": " --overprovisioned"},
        "tls": {"client_encrypt": True, "peer_verification": True},
        "alternator": {"dynamodb_primarykey_type": "HASH_AND_RANGE", "alternator_enforce_authorization": True},
        "kafka": {"kafka_backend": "localstack", "n_db_nodes": 1},
        "multi-dc": {"n_db_nodes": [2, 2], "region_name": ["dc-east", "dc-west"]},
        "stress": {"latte_schema_parameters": {"row_count": 1000}, "gemini_seed": 66},
        "vector-store": {"n_vector_store_nodes": 1, "vector_store_port": 6080},
    }
    expected = examples[name]
    assert {key: params[key] for key in expected} == expected


def test_the_package_itself_is_light() -> None:
    code = "import sys, sdcm.config; print([name for name in ('pydantic', 'yaml') if name in sys.modules])"
    assert process.run([sys.executable, "-c", code], timeout=30, cwd=ROOT).stdout == "[]\n"
