"""A run's result, read from its journal."""

from pathlib import Path
from typing import Any

import pytest

from sdcm.exit_codes import ExitCode
from sdcm.reporters.outcome import RunResult
from sdcm.services.selected import SelectedTest
from unit_tests.lib.journals import START, HandJournal

_ERROR = {
    "type": "EnvironmentFailed",
    "what": "node did not come up",
    "why": "it exited with 1",
    "mend": "see node.log",
    "evidence": "OutOfMemory\nkilled",
}


def _whole() -> HandJournal:
    records = HandJournal()
    records.write("run-start", after=0, run="0123abcd", command="integration-tests", argv=["-n", "2"])
    records.write("selection", tests=6, seconds=0.4)
    records.write("step-start", step="engine")
    records.write("step-end", after=4.0, step="engine", status="done", seconds=4.0, error=None, log="/l/engine.log")
    records.write("step-start", step="cluster")
    records.write("service", service="docker", state="ready", reason="")
    records.write("pytest-start", argv=["pytest"], pid=7)
    records.test("a.py::one", worker="gw0", phase="call", services=["docker"])
    records.test("a.py::two", "failed", phase="call", reason="assert 1 == 2", text="def two...", failure_class="test")
    records.test("b.py::one", "error", phase="setup", reason="no node", failure_class="environment")
    records.test("b.py::two", "skipped", phase="setup", reason="aws: AWS_PROFILE is not set -- set it")
    records.write("step-end", step="cluster", status="done", seconds=5.0, error=None, log="")
    records.write("service", service="kubernetes", state="ready", reason="")
    records.test("c.py::one", "xfailed", phase="call", reason="known")
    records.write("pytest-end", status=1)
    records.write("teardown-start", resources=3)
    records.write("teardown-end", after=2.0, seconds=2.0, leftovers=[])
    return records.write("run-end", exit_code=1, seconds=20.0)


def test_a_whole_run() -> None:
    result = RunResult.from_journal(_whole())
    assert (result.run, result.command) == ("0123abcd", "integration-tests")
    assert result.counts == {"passed": 1, "xfailed": 1, "skipped": 1, "failed": 1, "error": 1}
    assert [test.test for test in result.failures] == ["a.py::two", "b.py::one"]
    assert {name: len(tests) for name, tests in result.failures_by_class.items()} == {"test": 1, "environment": 1}
    assert result.environment_failures == ("b.py::one: no node",)
    assert [str(group) for group in result.skips] == ["1 skipped: aws (AWS_PROFILE is not set -- set it)"]
    assert [(step.step, step.status, step.seconds) for step in result.steps] == [
        ("engine", "done", 4.0),
        ("cluster", "done", 5.0),
    ]
    assert {service.service: service.state for service in result.services} == {"docker": "ready", "kubernetes": "ready"}
    assert result.finished
    assert result.torn_down
    assert result.exit_code == 1
    assert result.pytest_status == 1
    assert result.not_run == 1
    assert result.unfinished == ()
    assert result.tests[0].worker == "gw0"
    assert result.tests[1].text == "def two..."


def test_milestones_count_from_the_start_and_a_docker_test_from_its_body() -> None:
    milestones = RunResult.from_journal(_whole()).milestones
    assert milestones.first_test == pytest.approx(4.6)
    assert milestones.first_docker_test == pytest.approx(4.6)
    assert milestones.cluster_ready == pytest.approx(9.1)
    assert milestones.tests_ended == pytest.approx(10.3)
    assert milestones.end == pytest.approx(12.5)
    none = RunResult.from_journal(HandJournal().write("run-start")).milestones
    assert set(vars(none).values()) == {None}


def test_the_selection_tells_services_where_records_do_not() -> None:
    records = HandJournal().write("run-start").test("a.py::one").test("a.py::two", services=["aws"])
    selected = [SelectedTest(name, file="a.py", services=("docker",)) for name in ("a.py::one", "a.py::two")]
    result = RunResult.from_journal(records, selected)
    assert [test.services for test in result.tests] == [("docker",), ("aws",)]
    assert result.milestones.first_docker_test == pytest.approx(0.1)


def test_a_failed_step_tells_its_error_and_evidence() -> None:
    records = HandJournal().write("step-start", step="image x")
    records.write("step-end", step="image x", status="failed", seconds=3.0, error=_ERROR, log="/l/x.log")
    (step,) = RunResult.from_journal(records).failed_steps
    assert step.error == "node did not come up: it exited with 1 -- see node.log"
    assert (step.evidence, step.log, step.error_type) == ("OutOfMemory\nkilled", "/l/x.log", "EnvironmentFailed")


def test_a_service_that_is_not_to_be_had_is_no_failed_environment() -> None:
    records = HandJournal().write("step-start", step="engine")
    error = _ERROR | {"type": "ServiceUnavailable"}
    records.write("step-end", step="engine", status="failed", seconds=3.0, error=error)
    result = RunResult.from_journal(records)
    assert len(result.failed_steps) == 1
    assert result.environment_failures == ()
    assert result.codes() == set()


class TestTornJournals:
    """The run was killed, or still goes on."""

    def test_tests_and_steps_without_an_end(self) -> None:
        records = HandJournal().write("run-start", run="r").write("step-start", step="engine")
        records.test("a.py::one").write("test-start", test="a.py::two").write("test-start", test="a.py::three")
        records.write("test-body", test="a.py::three", started=START)
        result = RunResult.from_journal(records)
        assert [(test.test, test.outcome, test.reason) for test in result.unfinished] == [
            ("a.py::two", "error", "did not finish"),
            ("a.py::three", "error", "did not finish"),
        ]
        assert result.counts == {"passed": 1, "error": 2}
        assert result.failures == ()
        assert result.steps[0].status == "unfinished"
        assert not result.finished
        assert not result.torn_down
        assert result.exit_code is None
        assert result.codes() == {ExitCode.TESTS_FAILED}

    def test_a_torn_last_line(self, tmp_path: Path) -> None:
        records = HandJournal().write("run-start", run="r").write("test-start", test="a.py::one")
        path = records.save(tmp_path / "journal.jsonl", torn='{"event":"test-end","at":1700000001,"test":"a.p')
        result = RunResult.from_file(path)
        assert [test.test for test in result.unfinished] == ["a.py::one"]

    def test_no_journal_at_all(self, tmp_path: Path) -> None:
        result = RunResult.from_file(tmp_path / "none.jsonl")
        assert result.tests == ()
        assert not result.finished
        assert result.codes() == set()

    def test_an_end_without_a_start(self) -> None:
        records = HandJournal().write("test-end", test="a.py::one", outcome="passed", seconds=1.0)
        records.write("step-end", step="engine", status="done", seconds=1.0)
        result = RunResult.from_journal(records)
        assert result.counts == {"passed": 1}
        assert result.steps[0].status == "done"

    def test_unknown_events_and_fields_are_passed_over(self) -> None:
        records = HandJournal().write("services", service=3).write("on", x=1).write("feed").write("", y=None)
        records.write("test-start", test="a.py::one", colour="red")
        records.write("test-end", test="a.py::one", outcome="strange", seconds=None, sections=None, reason=None)
        result = RunResult.from_journal(records)
        assert result.counts == {"strange": 1}
        assert (result.tests[0].seconds, result.tests[0].reason) == (0.0, "")


class TestRepeats:
    """A test's records come more than once."""

    def test_a_second_run_of_a_test_is_a_second_result(self) -> None:
        records = HandJournal().test("a.py::one", "passed").test("a.py::one", "failed", failure_class="test")
        result = RunResult.from_journal(records)
        assert [test.outcome for test in result.tests] == ["passed", "failed"]
        assert RunResult.from_journal([{"event": "selection", "at": 1.0, "tests": 1}, *records]).not_run == 0

    def test_a_worker_that_dies_after_a_test_makes_that_test_fail(self) -> None:
        records = HandJournal().test("a.py::one", "passed", worker="gw0")
        crash: dict[str, Any] = {
            "outcome": "failed",
            "phase": "???",
            "reason": "worker 'gw0' crashed",
            "failure_class": "test",
        }
        records.write("test-end", test="a.py::one", seconds=0, worker="gw0", **crash)
        result = RunResult.from_journal(records)
        assert [(test.outcome, test.reason) for test in result.tests] == [("failed", "worker 'gw0' crashed")]

    def test_a_worse_end_is_not_made_better_by_a_later_one(self) -> None:
        records = HandJournal().test("a.py::one", "error", reason="first", failure_class="environment")
        records.write("test-end", test="a.py::one", outcome="failed", reason="crash", seconds=0)
        assert RunResult.from_journal(records).tests[0].reason == "first"


def test_the_census_groups_by_service_and_reason() -> None:
    records = HandJournal()
    for number in range(3):
        records.test(f"a.py::{number}", "skipped", reason="aws: neither A nor B is set -- set one")
    records.test("b.py::1", "skipped", reason="AWS credentials not configured", services=["aws", "docker"])
    records.test("b.py::2", "skipped", reason="not today", services=["aws", "docker"])
    records.test("b.py::3", "skipped", reason="not today")
    records.test("b.py::4", "skipped", reason="not today")
    records.test("b.py::5", "skipped")
    assert [str(group) for group in RunResult.from_journal(records).skips] == [
        "3 skipped: aws (neither A nor B is set -- set one)",
        "2 skipped: not today",
        "1 skipped: no reason given",
        "1 skipped: aws (AWS credentials not configured)",
        "1 skipped: aws, docker (not today)",
    ]


def test_files_that_cannot_be_collected_are_errors() -> None:
    records = HandJournal().write("collect-error", test="a.py", text="E   x\nImportError: no module\n")
    result = RunResult.from_journal(records.write("pytest-end", status=2))
    assert [(test.test, test.outcome, test.reason) for test in result.tests] == [
        ("a.py", "error", "ImportError: no module")
    ]
    assert result.codes() == {ExitCode.TESTS_FAILED, ExitCode.PYTEST_INTERRUPTED}


@pytest.mark.parametrize(
    ("records", "codes"),
    [
        (HandJournal().test("t").write("pytest-end", status=0), set()),
        (HandJournal().test("t", "failed", failure_class="product"), {ExitCode.TESTS_FAILED}),
        (HandJournal().test("t", "failed"), {ExitCode.TESTS_FAILED}),
        (HandJournal().test("t", "error", failure_class="environment"), {ExitCode.ENVIRONMENT_FAILED}),
        (HandJournal().test("t", "failed", failure_class="leak"), {ExitCode.LEAKED}),
        (HandJournal().test("t").write("leak", test="t", kind="container", name="c"), {ExitCode.LEAKED}),
        (HandJournal().test("t").write("leak", kind="container", name="c", during=["t"], sure=False), set()),
        (HandJournal().write("run-start", leaks="warn").write("leak", test="t", kind="container", name="c"), set()),
        (HandJournal().write("teardown-end", leftovers=[{"kind": "network", "name": "n"}]), {ExitCode.LEAKED}),
        (HandJournal().write("step-end", step="s", status="failed", error=_ERROR), {ExitCode.ENVIRONMENT_FAILED}),
        (HandJournal().test("t", "skipped", reason="aws: none -- set it"), {ExitCode.UNAVAILABLE}),
        (HandJournal().test("t", "skipped", reason="not today"), set()),
        (HandJournal().test("t", "skipped", reason="aws: none -- set it").test("u"), set()),
        (HandJournal().write("pytest-end", status=5), {ExitCode.NOTHING_SELECTED}),
        (HandJournal().write("pytest-end", status=-9), set()),
    ],
)  # fmt: skip
def test_exit_codes_that_apply(records: HandJournal, codes: set[ExitCode]) -> None:
    assert RunResult.from_journal(records).codes() == codes
    if ExitCode.UNAVAILABLE in codes:
        assert RunResult.from_journal(records).codes(allow_all_skipped=True) == set()


def test_what_was_left_is_named() -> None:
    records = HandJournal().write("leak", test="a.py::one", kind="container", name="sct-1-x-1")
    records.write("worker", worker="gw1", state="lost", reason="Not properly terminated")
    records.write("worker", worker="gw2", state="down", reason="")
    left = [{"kind": "network", "name": "sct-1", "reason": "has endpoints"}, {"kind": "volume", "name": "v"}, "odd"]
    result = RunResult.from_journal(records.write("teardown-end", seconds=1.0, leftovers=left))
    assert [(leak.what, leak.test) for leak in result.leaks] == [("container sct-1-x-1", "a.py::one")]
    assert result.leftovers == ("network sct-1 (has endpoints)", "volume v", "odd")
    assert result.workers_lost == {"gw1": "Not properly terminated"}


def test_a_run_without_an_engine_or_node_image_is_no_success_though_other_tests_passed() -> None:
    records = [
        {"event": "run-start", "at": 1.0, "run": "r", "command": "integration-tests"},
        {"event": "service", "at": 2.0, "service": "docker", "state": "unavailable", "reason": "no image"},
        {"event": "test-end", "at": 3.0, "test": "t", "outcome": "passed", "phase": "call"},
    ]
    assert RunResult.from_journal(records).codes() == {ExitCode.UNAVAILABLE}
    records[1]["service"] = "kubernetes"
    assert RunResult.from_journal(records).codes() == set()
