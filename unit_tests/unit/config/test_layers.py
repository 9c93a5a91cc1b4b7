"""Files of configuration: what is wrong with one is told with its line; values merge by rule."""

from pathlib import Path
from typing import Any

import pytest

from sdcm.config import layers
from sdcm.config.layers import merged
from sdcm.config.model import load_params
from sdcm.config.problems import ConfigurationFileMissing, ConfigurationProblem, NotAppendable
from sdcm.errors import UsageProblem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("n_db_nodes: 1\nuser_prefix: [", "a.yaml:2 is no valid YAML: ", id="syntax"),
        pytest.param("a: b: c", "a.yaml:1 is no valid YAML: mapping values are not allowed here", id="two colons"),
        pytest.param("x: \x00", "a.yaml is no valid YAML: ", id="control character"),
        pytest.param("x: !!python/object:os.system {}", "a.yaml:1 is no valid YAML: ", id="no code is run"),
        pytest.param("\n- n_db_nodes", "a.yaml:2 is no mapping of options", id="list"),
        pytest.param("just text", "a.yaml:1 is no mapping of options", id="text"),
        pytest.param("n_loaders: 1\n3: x", "a.yaml:2 has a key that is no text", id="number as key"),
        pytest.param(
            "n_loaders: 1\n\nn_loaders: 2", "a.yaml:3 sets n_loaders again: it is on line 1 already", id="twice"
        ),
        pytest.param(
            "n_loader: 1",
            "Unknown configuration item='n_loader': set by a.yaml:1 -- did you mean n_loaders",
            id="unknown",
        ),
        pytest.param(
            "\nn_loaders: many", "a.yaml:2: wrong value for n_loaders: Input should be a valid integer", id="type"
        ),
        pytest.param(
            "stress_image:\n  cql-stress: [1]",
            "a.yaml:2: wrong value for stress_image.cql-stress: Input should be a valid string -- stress_image is: ",
            id="type within",
        ),
    ],
)
def test_what_is_wrong_is_one_line_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(UsageProblem) as caught:
        load_params("a.yaml", {}, tmp_path)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert caught.value.mend


def test_a_file_that_is_no_text_or_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"n_loaders: \xff\xfe")
    with pytest.raises(ConfigurationProblem, match=r"cannot read a\.yaml: it is not UTF-8 text"):
        load_params("a.yaml", {}, tmp_path)
    with pytest.raises(ConfigurationProblem, match="cannot read d: Is a directory"):
        layers.read_file(tmp_path, "d")


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "null"])
def test_an_empty_file_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    assert load_params("a.yaml", {}, tmp_path).to_dict() == load_params((), {}, tmp_path).to_dict()


def test_anchors_and_merge_keys_work_below_an_option(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "kafka_connectors:\n  - &one {source: 'hub:x', name: a}\n  - {<<: *one, name: b}\n"
    )
    assert load_params("a.yaml", {}, tmp_path)["kafka_connectors"] == [
        {"source": "hub:x", "name": "a"},
        {"source": "hub:x", "name": "b"},
    ]


def test_a_missing_file_is_told_with_near_names(tmp_path: Path) -> None:
    folder = tmp_path / "test-cases" / "docker"
    folder.mkdir(parents=True)
    (folder / "minimal.yaml").touch()
    with pytest.raises(FileNotFoundError) as caught:
        load_params("test-cases/docker/minimla.yaml", {}, tmp_path)
    assert isinstance(caught.value, ConfigurationFileMissing)
    assert str(caught.value) == (
        "Couldn't find config file: test-cases/docker/minimla.yaml: named by the test"
        " -- did you mean test-cases/docker/minimal.yaml?"
    )
    with pytest.raises(UsageProblem, match=f"named by SCT_CONFIG_FILES -- paths are relative to {tmp_path}"):
        load_params((), {"SCT_CONFIG_FILES": "/no/such/file"}, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param({"a": 1, "b": {"c": 1}}, {"b": {"d": 2}}, {"a": 1, "b": {"c": 1, "d": 2}}, id="mappings merge"),
        pytest.param({"a": 1}, 3, 3, id="anything else replaces a mapping"),
        pytest.param([1, 2], [3], [3], id="lists are replaced"),
        pytest.param("a", "b", "b", id="texts are replaced"),
    ],
)
def test_merging(old: Any, new: Any, expected: Any) -> None:
    assert merged("latte_schema_parameters", old, new) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param("a", "++b", "ab", id="no space is added"),
        pytest.param("a", "++ b", "a b", id="a space that is written is kept"),
        pytest.param("", "++b", "b", id="to nothing"),
        pytest.param("a", "b ++c", "b ++c", id="only at the start"),
        pytest.param(["a"], ["++b", "c"], ["a", "b", "c"], id="list"),
        pytest.param(["a"], ["++", "b"], ["a", "b"], id="list with a bare mark"),
        pytest.param("a", ["++", "b"], ["a", "b"], id="list to text"),
        pytest.param("", ["++", "b"], ["b"], id="list to nothing"),
        pytest.param(["a"], "++b", ["a", "b"], id="text to list"),
    ],
)
def test_appending(old: Any, new: Any, expected: Any) -> None:
    before = list(old) if isinstance(old, list) else old
    assert merged("stress_cmd", old, new) == expected
    assert old == before, "what an earlier layer said stays as it was"


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        pytest.param("n_db_nodes", 1, "++1", id="number"),
        pytest.param("client_encrypt", True, "++x", id="boolean"),
        pytest.param("cluster_backend", "docker", "++x", id="choice"),
        pytest.param("stress_image", {"ycsb": "a"}, {"ycsb": "++b"}, id="within a mapping"),
    ],
)
def test_what_cannot_be_added_to(key: str, old: Any, new: Any) -> None:
    with pytest.raises(AssertionError, match=r"Option \S+ is not appendable") as caught:
        merged(key, old, new)
    assert isinstance(caught.value, NotAppendable)


def test_appending_goes_through_all_layers(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("append_scylla_args: --one\nstress_cmd: [a]")
    (tmp_path / "b.yaml").write_text("append_scylla_args: '++ --two'\nstress_cmd: ['++b', c]")
    environ = {"SCT_APPEND_SCYLLA_ARGS": "++ --three", "SCT_STRESS_CMD": "['++', 'd']"}
    params = load_params(["a.yaml", "b.yaml"], environ, tmp_path)
    assert params["append_scylla_args"] == "--one --two --three"
    assert params["stress_cmd"] == ["a", "b", "c", "d"]
