"""Users' files and tests name these options: none may go or change its meaning unnoticed."""

import runpy
from pathlib import Path
from typing import Any

import pytest

from sdcm.config.layers import merged
from sdcm.config.model import load_params
from sdcm.config.options import Options, annotation_of, example_of, is_appendable, is_secret

_KNOWN: dict[str, Any] = {
    "cluster_backend": "docker",
    "authenticator": "", "authenticator_user": "", "authenticator_password": "", "authorizer": "",
    "user_prefix": "", "docker_network": "", "docker_image": "", "region_name": "",
    "stress_image": {}, "use_hdrhistogram": False,
    "cs_debug": False, "cs_extra_jvm_opts": "", "c_s_driver_version": "",
    "client_encrypt": False, "client_encrypt_mtls": False, "peer_verification": False,
    "use_prepared_loaders": False, "rack_aware_loader": False, "region_aware_loader": False, "enable_argus": False,
    "latte_schema_parameters": {},
    "alternator_port": 8000, "alternator_loadbalancing": False, "alternator_use_dns_routing": False,
    "alternator_enforce_authorization": False, "alternator_access_key_id": "", "alternator_secret_access_key": "",
    "alternator_trust_all_certificates": True, "dynamodb_primarykey_type": "HASH",
    "gemini_seed": None, "gemini_table_options": [], "gemini_log_cql_statements": False, "gemini_schema_url": "",
    "kafka_backend": "", "kafka_connectors": [],
    "n_vector_store_nodes": 0, "vector_store_docker_image": "", "vector_store_version": "", "vector_store_port": 6080,
    "vector_store_scylla_port": 9042, "vector_store_threads": 2,
    "simulated_racks": 0,
}  # fmt: skip
_GENERATE = runpy.run_path(str(Path(__file__).parents[3] / "docs" / "reference" / "generate.py"))


@pytest.mark.parametrize("name", _KNOWN)
def test_an_option_that_users_know_is_there_with_its_default(name: str) -> None:
    field = Options.model_fields[name]
    assert field.get_default(call_default_factory=True) == _KNOWN[name]
    assert field.description


def test_what_can_be_added_to_and_what_is_hidden() -> None:
    assert {name for name in Options.model_fields if is_secret(name)} == {
        "authenticator_password",
        "alternator_secret_access_key",
    }
    assert all(is_appendable(name) for name in ("append_scylla_args", "stress_cmd", "gemini_table_options"))
    assert not any(is_appendable(name) for name in ("stress_image", "n_db_nodes", "client_encrypt", "gemini_seed"))
    assert annotation_of("n_db_nodes") == int | list[int]


@pytest.mark.parametrize("name", Options.model_fields)
def test_the_documented_example_of_an_option_is_taken_from_a_file_and_from_its_variable(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(_GENERATE["example_line"](name) + "\n")
    before = load_params([], {}, tmp_path)
    expected = merged(name, before[name], example_of(name))
    assert load_params("a.yaml", {}, tmp_path)[name] == expected
    assert load_params([], {f"SCT_{name.upper()}": str(example_of(name))}, tmp_path)[name] == expected
    assert expected != before[name] or name.startswith(("authenticator", "authorizer"))
