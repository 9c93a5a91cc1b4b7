"""`SCT_` variables: parsed by the option's type, whole or key by key."""

from pathlib import Path
from typing import Any

import pytest

from sdcm.config.environment import file_list, unsupported
from sdcm.config.model import load_params
from sdcm.config.problems import ConfigurationProblem


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        pytest.param("USER_PREFIX", "  name \n", "name", id="text is stripped"),
        pytest.param("USER_PREFIX", "123", "123", id="text stays text"),
        pytest.param("N_DB_NODES", "3", 3, id="number"),
        pytest.param("N_DB_NODES", "3 3", [3, 3], id="numbers"),
        pytest.param("N_DB_NODES", "[3, 4]", [3, 4], id="numbers as a literal"),
        pytest.param("GEMINI_SEED", "42", 42, id="optional number"),
        pytest.param("STRESS_CMD", "one two", "one two", id="text or texts"),
        pytest.param("STRESS_CMD", "['one', 'two']", ["one", "two"], id="texts as a literal"),
        pytest.param("GEMINI_TABLE_OPTIONS", "one", ["one"], id="a text where a list is needed"),
        pytest.param("GEMINI_TABLE_OPTIONS", '["one", "two"]', ["one", "two"], id="a list"),
        pytest.param("CLIENT_ENCRYPT", "yes", True, id="yes"),
        pytest.param("CLIENT_ENCRYPT", "True", True, id="True"),
        pytest.param("CLIENT_ENCRYPT", "1", True, id="1"),
        pytest.param("ALTERNATOR_TRUST_ALL_CERTIFICATES", "off", False, id="off"),
        pytest.param("LATTE_SCHEMA_PARAMETERS", "{'a': 1}", {"a": 1}, id="mapping as a literal"),
        pytest.param("LATTE_SCHEMA_PARAMETERS", "a: 1\nb: [2]", {"a": 1, "b": [2]}, id="mapping as YAML"),
        pytest.param("KAFKA_CONNECTORS", "[{'name': 'a'}]", [{"name": "a"}], id="list of mappings"),
        pytest.param("CLUSTER_BACKEND", "aws ", "aws", id="choice"),
    ],
)
def test_values(tmp_path: Path, variable: str, text: str, expected: Any) -> None:
    params = load_params((), {f"SCT_{variable}": text}, tmp_path)
    assert params[variable.lower()] == expected
    assert type(params[variable.lower()]) is type(expected)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        pytest.param("N_DB_NODES", "many", id="number"),
        pytest.param("N_DB_NODES", "", id="no number"),
        pytest.param("ALTERNATOR_PORT", "80.5", id="fraction"),
        pytest.param("CLIENT_ENCRYPT", "maybe", id="boolean"),
        pytest.param("LATTE_SCHEMA_PARAMETERS", "just text", id="mapping"),
        pytest.param("LATTE_SCHEMA_PARAMETERS", "{'a': ", id="broken mapping"),
        pytest.param("KAFKA_CONNECTORS", "{'name': 'a'}", id="a mapping for a list"),
        pytest.param("N_DB_NODES.first", "3", id="a key of what has none"),
        pytest.param("LATTE_SCHEMA_PARAMETERS__a", "[", id="broken value within"),
    ],
)
def test_what_does_not_parse_names_the_variable(tmp_path: Path, variable: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"failed to parse SCT_{variable} from environment variable") as caught:
        load_params((), {f"SCT_{variable}": text}, tmp_path)
    assert isinstance(caught.value, ConfigurationProblem)
    assert "\n" not in str(caught.value)


def test_a_value_out_of_the_options_range_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationProblem, match="SCT_CLUSTER_BACKEND: wrong value for cluster_backend"):
        load_params((), {"SCT_CLUSTER_BACKEND": "moon"}, tmp_path)


@pytest.mark.parametrize(
    ("environ", "key", "expected"),
    [
        pytest.param({"SCT_STRESS_IMAGE.ycsb": "x"}, "stress_image.ycsb", "x", id="dot"),
        pytest.param({"SCT_STRESS_IMAGE__ycsb": "x"}, "stress_image.ycsb", "x", id="underscores"),
        pytest.param({"SCT_STRESS_IMAGE__YCSB": "x"}, "stress_image.ycsb", "x", id="lower-cased"),
        pytest.param(
            {"SCT_STRESS_IMAGE__ycsb": "x", "SCT_STRESS_IMAGE.ycsb": "y"}, "stress_image.ycsb", "x", id="both"
        ),
        pytest.param({"SCT_STRESS_IMAGE__cassandra_stress": "x"}, "stress_image.cassandra-stress", "x", id="dash"),
        pytest.param({"SCT_STRESS_IMAGE__new_tool": "x"}, "stress_image.new_tool", "x", id="new key"),
        pytest.param({"SCT_STRESS_IMAGE.a.b": "x"}, "stress_image", None, id="first level only"),
        pytest.param({"SCT_LATTE_SCHEMA_PARAMETERS__n": "3"}, "latte_schema_parameters.n", 3, id="a value's type"),
        pytest.param({"SCT_REGION_NAME.0": "a", "SCT_REGION_NAME.1": "b"}, "region_name", ["a", "b"], id="list"),
        pytest.param({"SCT_N_DB_NODES__1": "4", "SCT_N_DB_NODES__0": "3"}, "n_db_nodes", [3, 4], id="numbers"),
        pytest.param(
            {f"SCT_GEMINI_TABLE_OPTIONS.{n}": str(n) for n in range(11)},
            "gemini_table_options",
            [str(n) for n in range(11)],
            id="ten comes after nine",
        ),
        pytest.param(
            {"SCT_LATTE_SCHEMA_PARAMETERS": "{a: 1, b: 2}", "SCT_LATTE_SCHEMA_PARAMETERS__b": "3"},
            "latte_schema_parameters",
            {"a": 1, "b": 3},
            id="key over whole",
        ),
    ],
)
def test_nested_variables(tmp_path: Path, environ: dict[str, str], key: str, expected: Any) -> None:
    params = load_params((), environ, tmp_path)
    if expected is None:
        assert params[key]["a.b"] == "x"
    else:
        assert params[key] == expected
    if key.startswith("stress_image."):
        assert params["stress_image.latte"], "the other keys stay"
    params.verify_configuration()


def test_unsupported_variables_are_those_that_set_nothing() -> None:
    environ = dict.fromkeys(
        ["SCT_N_DB_NODES", "SCT_STRESS_IMAGE.ycsb", "SCT_CONFIG_FILES", "SCT_TYPO", "SCT_NOT__it", "OTHER"], "1"
    )
    assert unsupported(environ) == ["SCT_NOT__it", "SCT_TYPO"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("a.yaml", ["a.yaml"]),
        (" a b.yaml ", ["a b.yaml"]),
        ("['a.yaml', 'b.yaml']", ["a.yaml", "b.yaml"]),
        ('["a.yaml"]', ["a.yaml"]),
        ("[odd.yaml", ["[odd.yaml"]),
    ],
)
def test_lists_of_files(text: str, expected: list[str]) -> None:
    assert file_list(text) == expected
