from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace

import pytest

from sdcm.exit_codes import ExitCode
from sdcm.journal import Journal
from sdcm.reporters.outcome import RunResult
from sdcm.run import report_files
from sdcm.run.options import RunOptions
from sdcm.run.pipeline import STAGES, Run
from sdcm.run.pytest_session import PytestOutcome, keeps_terminal, pytest_argv
from sdcm.run.reading_along import ReadingAlong
from sdcm.run.report import exit_code, finish, tell_github
from unit_tests.lib.journals import HandJournal


def result(*ends, status=0, stopped=""):
    records = [{"event": "run-start", "at": 1.0, "run": "r", "command": "integration-tests"}]
    for number, end in enumerate(ends):
        records += [
            {"event": "test-start", "at": 2.0, "test": f"t{number}"},
            {"event": "test-end", "at": 3.0, "test": f"t{number}", "phase": "call", **end},
        ]
    return RunResult.from_journal([*records, {"event": "pytest-end", "at": 4.0, "status": status, "stopped": stopped}])


def run(outcome, tmp_path, interrupts=0, **options):
    return Run(
        RunOptions("integration-tests", **options), {}, SimpleNamespace(), "r", tmp_path, (), SimpleNamespace(),
        SimpleNamespace(count=interrupts), ExitStack(), SimpleNamespace(), outcome=outcome,
    )  # fmt: skip


PASSED = {"outcome": "passed"}
FAILED = {"outcome": "failed", "failure_class": "test", "reason": "no"}
ENVIRONMENT = {"outcome": "error", "failure_class": "environment", "phase": "setup", "reason": "no node"}
SKIPPED = {"outcome": "skipped", "reason": "aws: AWS_PROFILE is not set", "phase": "setup"}


UNENDED = {"outcome": "failed", "failure_class": "environment", "reason": "did not finish"}


@pytest.mark.parametrize(
    ("ends", "outcome", "code"),
    [
        pytest.param([PASSED], PytestOutcome(0), ExitCode.OK, id="passed"),
        pytest.param([PASSED, FAILED], PytestOutcome(1), ExitCode.TESTS_FAILED, id="failed"),
        pytest.param([PASSED, ENVIRONMENT], PytestOutcome(1), ExitCode.ENVIRONMENT_FAILED, id="environment"),
        pytest.param([FAILED, ENVIRONMENT], PytestOutcome(1), ExitCode.TESTS_FAILED, id="both"),
        pytest.param([SKIPPED], PytestOutcome(0), ExitCode.UNAVAILABLE, id="all-skipped"),
        pytest.param([PASSED, SKIPPED], PytestOutcome(0), ExitCode.OK, id="some-skipped"),
        pytest.param([PASSED], PytestOutcome(2, fault="the broker"), ExitCode.ENVIRONMENT_FAILED, id="broker-lost"),
        pytest.param([UNENDED], PytestOutcome(-9, fault="the engine"), ExitCode.ENVIRONMENT_FAILED, id="engine-lost"),
        pytest.param([FAILED], PytestOutcome(1, fault="the engine"), ExitCode.TESTS_FAILED, id="failed-before-that"),
        pytest.param([PASSED], PytestOutcome(-9), ExitCode.ENVIRONMENT_FAILED, id="pytest-killed"),
        pytest.param([PASSED], PytestOutcome(1), ExitCode.TESTS_FAILED, id="pytest-says-so"),
        pytest.param([], PytestOutcome(4), ExitCode.PYTEST_USAGE_ERROR, id="pytest-refuses-its-arguments"),
        pytest.param([], PytestOutcome(3), ExitCode.PYTEST_INTERNAL_ERROR, id="pytest-defect"),
        pytest.param([], PytestOutcome(17), ExitCode.TESTS_FAILED, id="pytest-ended-by-a-plugin"),
    ],
)
def test_the_first_code_that_applies(ends, outcome, code, tmp_path):
    status = outcome.status if outcome.status in {0, 1, 2} else 0
    assert exit_code(run(outcome, tmp_path), result(*ends, status=status)) == code


@pytest.mark.parametrize("status", [2, 3, 4, 5])
def test_the_status_with_which_a_test_ended_its_process_is_not_pytests(status, tmp_path):
    begun = [
        {"event": "run-start", "at": 1.0, "run": "r", "command": "integration-tests"},
        {"event": "test-start", "at": 2.0, "test": "t"},
    ]
    outcome = PytestOutcome(status)
    assert exit_code(run(outcome, tmp_path), RunResult.from_journal(begun)) == ExitCode.TESTS_FAILED
    ended = [*begun, {"event": "pytest-end", "at": 4.0, "status": status, "stopped": ""}]
    assert exit_code(run(outcome, tmp_path), RunResult.from_journal(ended)) == status


def test_what_has_not_run_has_not_passed(tmp_path):
    begun = {"event": "run-start", "at": 1.0, "run": "r", "command": "unit-tests"}
    ended = {"event": "pytest-end", "at": 4.0, "status": 0, "stopped": ""}
    done = PytestOutcome(0)
    assert exit_code(run(done, tmp_path), RunResult.from_journal([begun])) == ExitCode.TESTS_FAILED
    unrun = RunResult.from_journal([begun, {"event": "collected", "at": 2.0, "tests": 2}, ended])
    assert exit_code(run(done, tmp_path), unrun) == ExitCode.TESTS_FAILED
    assert exit_code(run(done, tmp_path, pytest_args=("--collect-only",)), unrun) == ExitCode.OK


def test_a_request_to_stop_comes_first_and_ctrl_c_on_pytests_own_terminal_is_one(tmp_path):
    failed = result(FAILED, status=1)
    assert exit_code(run(PytestOutcome(1, interrupted=True), tmp_path, interrupts=1), failed) == ExitCode.INTERRUPTED
    assert exit_code(run(PytestOutcome(2), tmp_path), result(PASSED, status=2, stopped="keys")) == ExitCode.INTERRUPTED
    quit_debugger = result(FAILED, status=2, stopped="exit")
    assert exit_code(run(PytestOutcome(2), tmp_path), quit_debugger) == ExitCode.PYTEST_INTERRUPTED


def test_minus_x_under_xdist_ends_as_the_failed_test_does(tmp_path):
    assert exit_code(run(PytestOutcome(2), tmp_path), result(FAILED, status=2, stopped="maxfail")) == 1
    assert exit_code(run(PytestOutcome(2), tmp_path), result(ENVIRONMENT, status=2, stopped="maxfail")) == 75


def test_all_skipped_may_be_allowed(tmp_path):
    assert exit_code(run(PytestOutcome(0), tmp_path, allow_all_skipped=True), result(SKIPPED)) == ExitCode.OK


def test_the_stages_stand_in_the_order_of_the_design():
    assert [stage.__name__ for stage in STAGES] == ["select", "plan", "bring_up", "run_tests"]


def test_pytest_gets_workers_expression_and_targets_and_the_users_own_arguments_untouched():
    options = RunOptions("unit-tests", marks="slow", keyword="a or b", pytest_args=("--lf", "-x"))
    argv = pytest_argv(options, ("unit_tests/t.py",), 3)
    assert argv[3:] == [
        "-v", "-n", "3", "--strict-markers",
            "-m", "(not integration) and (slow)", "-k", "a or b", "--lf", "-x", "unit_tests/t.py",
    ]  # fmt: skip


@pytest.mark.parametrize(("arguments", "workers", "keeps"), [((), 0, True), (("-s",), 4, True), ((), 4, False)])
def test_pytest_keeps_the_terminal_where_a_person_may_type_into_it(arguments, workers, keeps):
    assert keeps_terminal(RunOptions("unit-tests", pytest_args=arguments), workers) == keeps


def test_a_broker_that_ended_pytest_before_the_runner_saw_it_is_the_environments_failure(tmp_path):
    ended = RunResult.from_journal(
        [
            {"event": "step-end", "at": 1.0, "step": "broker", "status": "failed", "seconds": 0.0,
             "error": {"type": "EnvironmentFailed", "what": "the broker was told to stop", "why": "SIGTERM"}},
            {"event": "pytest-end", "at": 2.0, "status": 2, "stopped": ""},
        ]
    )  # fmt: skip
    assert exit_code(run(PytestOutcome(2), tmp_path), ended) == ExitCode.ENVIRONMENT_FAILED


def test_a_job_of_github_gets_its_annotations_and_its_summary_and_no_other_process_does(tmp_path, capsys):
    summary = tmp_path / "summary.md"
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    tell_github(result(FAILED), tmp_path, {**environ, "GITHUB_ACTIONS": ""})
    assert not summary.exists()
    tell_github(result(FAILED), tmp_path, environ)
    assert summary.read_text().startswith("## integration-tests")
    tell_github(result(FAILED), tmp_path, {**environ, "GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "folder")})
    told = capsys.readouterr()
    assert told.out.splitlines() == ["::error file=t0,title=t0::[test] failed: no"] * 2
    assert told.err.startswith("sct: the job's summary could not be written")


def test_a_run_whose_reports_cannot_be_written_is_summed_up_all_the_same(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    state = tmp_path / "state"
    state.mkdir()
    places = SimpleNamespace(run_state=lambda _run: state)
    begun = HandJournal().write("run-start", run="r", command="integration-tests").test("f.py::t")
    begun.write("pytest-end", status=0).save(state / "journal.jsonl")
    (tmp_path / "full").touch()
    report_files.settle(state, tmp_path / "full" / "reports", None)
    journal = Journal(state / "journal.jsonl")
    over = replace(
        run(PytestOutcome(0), tmp_path),
        journal=journal,
        run_id="state",
        places=places,
        reading=ReadingAlong(state),
    )
    assert finish(over) == ExitCode.ENVIRONMENT_FAILED
    journal.close()
    told = capsys.readouterr()
    assert "the run's reports cannot be written" in told.err
    assert "1 passed" in told.out
