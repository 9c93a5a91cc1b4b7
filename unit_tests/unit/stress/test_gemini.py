import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm.config.model import load_params
from sdcm.events.device import EventsDevice
from sdcm.events.severity import Severity
from sdcm.stress.gemini import GeminiStressThread, parse_result
from sdcm.stress.summary import UnreadableOutput
from unit_tests.lib.fake_loader import Answer, FakeLoaders
from unit_tests.lib.recorded_output import recorded

COMMAND = "gemini --duration 30s --warmup 5s --mode mixed --max-columns=4 --concurrency 2"


def _result(**counts: int) -> str:
    """Return a result file: the recorded one with other counts."""
    document = json.loads(recorded("gemini-nothing-done.txt"))
    document["result"].update(counts)
    return json.dumps(document)


def _answers(result: str, *, log: str = "", stderr: str = "") -> Callable[[str], Answer]:
    return lambda line: (0, result, "") if line.startswith("cat ") else (0, log, stderr)


@pytest.fixture
def oracle(node: Any) -> Any:
    return SimpleNamespace(cql_address="10.0.0.7", record=replace(node.record, ip="10.0.0.7"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "it is empty", id="empty"),
        pytest.param(recorded("gemini-nothing-done.txt"), "it wrote nothing and read nothing", id="nothing-done"),
        pytest.param(recorded("gemini-rows-differ.txt"), "is no JSON", id="cut-short"),
        pytest.param("{}", "has no result", id="no-result"),
        pytest.param('{"result": {"write_ops": 3, "read_ops": "many"}}', "has no read_ops", id="garbled"),
        pytest.param("[1, 2]", "has no result", id="another-document"),
    ],
)
def test_what_cannot_be_read_is_an_error(text: str, why: str) -> None:
    with pytest.raises(UnreadableOutput, match="gemini's output cannot be read") as caught:
        parse_result(text)
    assert why in str(caught.value)


def test_two_runs_at_once_have_their_own_files_and_ports(
    tmp_path: Path, node: Any, oracle: Any, device: EventsDevice
) -> None:
    loaders = FakeLoaders(tmp_path, _answers(_result(write_ops=120, read_ops=80)))
    thread = GeminiStressThread(SimpleNamespace(nodes=[node]), oracle, loaders.set, COMMAND, 60, stress_num=2)
    verdict = thread.run().verify_gemini_results()
    counts = {"write_ops": 120, "read_ops": 80, "write_errors": 0, "read_errors": 0, "errors": []}
    assert verdict == {"status": "PASSED", "results": [counts, counts], "errors": []}
    [request] = loaders.requests
    assert (request.image, request.network) == ("gemini", "sct-12345678")
    runs = [shlex.split(line) for line in loaders.containers[0].commands if line.startswith("gemini")]
    for words in runs:
        assert words[0] == "gemini"
        assert words[-len(shlex.split(COMMAND)) + 1 :] == shlex.split(COMMAND)[1:]
        assert {"--test-cluster=10.0.0.1", "--oracle-cluster=10.0.0.7", "--test-username=cassandra"} <= set(words)
    for flag in ("--outfile", "--bind", "--profiling-port"):
        given = [word for words in runs for word in words if word.startswith(f"{flag}=")]
        assert len(set(given)) == 2, given
    assert {word for words in runs for word in words if word.startswith("--bind")} == {
        "--bind=0.0.0.0:2112",
        "--bind=0.0.0.0:2113",
    }
    assert device.get_event_summary() == {"NORMAL": 4}


def test_a_default_is_left_out_only_for_the_very_flag(tmp_path: Path, node: Any) -> None:
    thread = GeminiStressThread(node, None, FakeLoaders(tmp_path, lambda _: None).set, COMMAND, 60)
    words = shlex.split(thread.generate_gemini_command())
    assert "--max-columns=16" not in words
    assert "--max-columns=4" in words
    assert {"--min-columns=8", "--max-tables=1", "--async-objects-stabilization-attempts=10"} <= set(words)
    assert not any(word.startswith("--oracle-cluster") for word in words)


def test_no_flag_is_added_that_the_pinned_release_ends_over(tmp_path: Path, node: Any, oracle: Any) -> None:
    """The pinned release's flags, as pkg/cmd/flags.go of scylladb/gemini declares them at v2.6.1."""
    params = load_params((), {}, tmp_path)
    params.update({"gemini_log_cql_statements": True, "gemini_table_options": ["cdc={}"]})
    thread = GeminiStressThread(node, oracle, FakeLoaders(tmp_path, lambda _: None).set, "gemini", 60, params=params)
    words = shlex.split(thread.generate_gemini_command("/tmp/schema.json"))[1:]
    assert {word.removeprefix("--").partition("=")[0] for word in words} == {
        "async-objects-stabilization-attempts", "async-objects-stabilization-backoff", "bind", "connect-timeout",
        "consistency", "cql-features", "dataset-size", "drop-schema", "fail-fast", "level", "materialized-views",
        "max-clustering-keys", "max-columns", "max-partition-keys", "max-tables", "min-clustering-keys", "min-columns",
        "min-partition-keys", "oracle-cluster", "oracle-host-selection-policy", "oracle-password",
        "oracle-replication-strategy", "oracle-statement-log-file", "oracle-username", "outfile", "partition-count",
        "partition-key-distribution", "profiling-port", "replication-strategy", "request-timeout", "schema",
        "schema-seed", "seed", "table-options", "test-cluster", "test-host-selection-policy", "test-password",
        "test-statement-log-file", "test-username", "use-counters", "use-lwt",
    }  # fmt: skip


def test_a_schema_file_is_copied_in_and_seeds_follow_the_configuration(tmp_path: Path, node: Any) -> None:
    (tmp_path / "schema.json").write_text('{"keyspace": {"name": "ks1"}}')
    params = load_params((), {}, tmp_path)
    params.update({"gemini_seed": 66, "gemini_schema_url": "schema.json", "gemini_table_options": ["cdc={}"]})
    loaders = FakeLoaders(tmp_path, _answers(_result(write_ops=1)))
    GeminiStressThread(node, None, loaders.set, COMMAND, 60, params=params).run().runs()
    words = shlex.split(loaders.containers[0].commands[0])
    assert {"--schema=/tmp/schema.json", "--seed=66", "--schema-seed=66", "--table-options=cdc={}"} <= set(words)
    assert b'"name": "ks1"' in loaders.containers[0].archives[0]


def test_errors_in_the_result_fail_a_run_that_ended_well(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    document = json.loads(_result(write_ops=11545, read_ops=122, read_errors=1))
    document["result"]["errors"] = [{"message": "Validation failed: rows differ", "query": "SELECT"}]
    loaders = FakeLoaders(tmp_path, _answers(json.dumps(document)))
    thread = GeminiStressThread(node, None, loaders.set, COMMAND, 60).run()
    [summary], errors = thread.parse_results()
    assert summary["read_ops"] == "122"
    assert errors == {"loader-1": [(Severity.ERROR, "gemini found 1 errors: Validation failed: rows differ")]}
    assert thread.verify_gemini_results()["status"] == "FAILED"
    assert device.get_event_summary() == {"NORMAL": 1, "ERROR": 1}


def test_words_on_standard_error_are_a_warning(tmp_path: Path, node: Any, device: EventsDevice) -> None:
    loaders = FakeLoaders(tmp_path, _answers(_result(read_ops=5), stderr="deprecated flag\n"))
    thread = GeminiStressThread(node, None, loaders.set, COMMAND, 60).run()
    assert thread.verify_gemini_results()["status"] == "PASSED"
    assert thread.runs()[0].state == "done"
    assert device.get_event_summary() == {"NORMAL": 1, "WARNING": 1}


@pytest.mark.parametrize("lower", [pytest.param(False, id="older-releases"), pytest.param(True, id="2.6.1")])
def test_lines_of_its_log_have_the_severity_they_say(
    tmp_path: Path, node: Any, device: EventsDevice, lower: bool
) -> None:
    if not lower:
        line = recorded("gemini-log.txt")
        log = line + "".join(line.replace('"INFO"', f'"{level}"') for level in ("WARN", "ERROR", "FATAL"))
    else:
        levels = ("info", "warn", "error", "fatal")
        log = "".join(f'{{"level":"{level}","ts":"2026-01-01T00:00:00Z","msg":"said"}}\n' for level in levels)
    loaders = FakeLoaders(tmp_path, _answers(_result(read_ops=5), log=log))
    GeminiStressThread(node, None, loaders.set, COMMAND, 60).run().runs()
    assert device.get_event_summary() == {"NORMAL": 2, "WARNING": 1, "ERROR": 1, "CRITICAL": 1}
