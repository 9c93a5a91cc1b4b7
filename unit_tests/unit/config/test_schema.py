"""What editors are told: the same files pass as `params` takes."""

from typing import Any

import jsonschema
import pytest

from sdcm.config.options import Options
from sdcm.config.schema import json_schema


def test_the_schema_is_one_and_tells_every_option() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert set(schema["properties"]) == set(Options.model_fields)
    assert all(described["description"] for described in schema["properties"].values())
    assert "Secret" in schema["properties"]["authenticator_password"]["description"]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"n_db_nodes": 3},
        {"n_db_nodes": [3, 3]},
        {"append_scylla_args": "++ --x"},
        {"stress_cmd": ["++", "latte run"]},
        {"gemini_table_options": "++compression = {}"},
        {"kafka_connectors": ["++", {"name": "a"}]},
        {"stress_image": {"ycsb": "x"}},
    ],
)
def test_what_a_file_may_say(values: dict[str, Any]) -> None:
    jsonschema.validate(values, json_schema())


@pytest.mark.parametrize(
    "values",
    [
        {"n_db_node": 3},
        {"n_db_nodes": "three"},
        {"cluster_backend": "dokcer"},
        {"gemini_table_options": "compression = {}"},
        {"kafka_connectors": ["--"]},
        {"stress_image": {"ycsb": 1}},
    ],
)
def test_what_a_file_may_not_say(values: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, json_schema())
