import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sdcm.cli import config
from sdcm.config.problems import ConfigurationProblem


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "unit_tests").mkdir()
    (tmp_path / "a.yaml").write_text("# mine\nn_db_nodes: 2\nstress_image:\n  ycsb: x:1\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(config.command, arguments, env=environ, catch_exceptions=False, standalone_mode=False)


def test_every_layer_is_told_with_its_place_and_the_winner_last(project: Path) -> None:
    out = run("explain", "n_db_nodes", "-f", "a.yaml", SCT_N_DB_NODES="3 3").output
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["n_db_nodes:", "[3,", "3]"]
    assert [line[0] for line in lines[3:]] == ["defaults/test_default.yaml:3", "a.yaml:2", "SCT_N_DB_NODES"]


def test_a_key_of_a_mapping_as_json(project: Path) -> None:
    told = json.loads(run("explain", "stress_image.ycsb", "--json", SCT_CONFIG_FILES="a.yaml").output)
    assert told["value"] == "x:1"
    assert told["settings"][-1] == {"origin": "a.yaml:4", "value": "x:1"}


def test_secrets_are_hidden_and_wrong_keys_answered_with_near_ones(project: Path) -> None:
    out = run("explain", "authenticator_password").output
    assert "(hidden)" in out
    assert '"cassandra"' not in out
    with pytest.raises(ConfigurationProblem, match="did you mean n_db_nodes"):
        run("explain", "n_db_node")


def test_show_writes_yaml_and_refuses_what_does_not_go_together(project: Path) -> None:
    assert "n_db_nodes: 2\n" in run("show", "-f", "a.yaml").output
    with pytest.raises(ConfigurationProblem, match="peer_verification needs client_encrypt"):
        run("show", SCT_PEER_VERIFICATION="true")


def test_the_schema_is_json(project: Path) -> None:
    assert json.loads(run("schema").output)["additionalProperties"] is False
