"""What the user reads at the end of a run, and its exit code."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm.errors import EnvironmentFailed
from sdcm.exit_codes import OF_PYTEST, ExitCode, first_that_applies
from sdcm.journal import Journal
from sdcm.program import as_typed
from sdcm.reporters.folding import folded
from sdcm.run import report_files
from sdcm.run.end_steps import BROKER

if TYPE_CHECKING:
    from sdcm.reporters.outcome import RunResult
    from sdcm.run.pipeline import Run
    from sdcm.run.plan import Plan


#: Classes of failure that are the tests' or the product's.
_OF_TESTS = {"test", "product"}
_TESTS_FAILED = (ExitCode.TESTS_FAILED,)


def say(line: str) -> None:
    """Print a line for the user, folded where it goes to a terminal."""
    print("\n".join(folded(line, _columns())), flush=True)  # noqa: T201 - this is the runner's voice


def _columns() -> int:
    """Return the width of the terminal that lines go to; more than any line has where it is none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or sys.maxsize
    except (OSError, ValueError):
        return sys.maxsize


def complain(line: str) -> None:
    """Print a line about something that went wrong."""
    print(f"sct: {line}", file=sys.stderr, flush=True)  # noqa: T201 - this is the runner's voice


def print_plan(plan: "Plan", *, as_json: bool) -> None:
    """Print what would run and be set up."""
    if as_json:
        say(json.dumps(plan.to_record(), indent=2))
    else:
        for line in plan.lines():
            say(line)


def say_kept(
    journal: Journal, run_id: str, environ: Mapping[str, str], leases: Iterable[Mapping[str, str]], seconds: float
) -> None:
    """Say how to enter a kept environment and what failed tests have left in it, and how to end it."""
    journal.write("kept", environ=dict(environ))
    for lease in leases:
        say(as_typed(f"  {'kept':<16} {lease['what']} of {lease['test']}: `sct.py env enter {lease['what']}`"))
    say(f"environment {run_id} is kept for {seconds / 3600:g} h; to use it:")
    for name, value in environ.items():
        say(f"  export {name}={value}")
    say(as_typed("  `sct.py env status` shows it, `sct.py env down` ends it"))


#: With these pytest ends well without having run what was chosen.
_NO_TEST_RUNS = frozenset(
    {"--collect-only", "--co", "--setup-plan", "--fixtures", "--funcargs", "--fixtures-per-test", "--markers", "--help"}
    | {"-h", "--version", "-V", "--cache-show"}
)


def exit_code(run: "Run", result: "RunResult") -> ExitCode:
    """Return the first exit code that applies."""
    codes = result.codes(allow_all_skipped=run.options.allow_all_skipped)
    outcome = run.outcome
    if outcome is None:
        return first_that_applies(codes)
    # A broker that ended by itself may have ended pytest before the runner saw that it was gone.
    fault = outcome.fault or any(step.step == BROKER for step in result.failed_steps)
    if run.interrupts.count or result.pytest_stopped == "keys":
        codes.add(ExitCode.INTERRUPTED)
    if fault or outcome.status < 0:
        codes.add(ExitCode.ENVIRONMENT_FAILED)
    if outcome.status > 0 and (outcome.status != ExitCode.TESTS_FAILED or not result.failures):
        # pytest may end before there is a session to write of, over its own arguments for example. But where it has
        # not ended its session while a test ran, the status is what that test ended the process with.
        its_own = not result.unfinished or result.pytest_status == outcome.status
        codes.add(_of_pytest(outcome.status) if its_own else ExitCode.TESTS_FAILED)
    unrun = result.pytest_status is None or (result.not_run and not result.pytest_stopped)
    if outcome.status == 0 and unrun and not _NO_TEST_RUNS & set(run.options.pytest_args):
        # Whatever ended it, in order or not: what was chosen and has not run has not passed.
        codes.add(ExitCode.TESTS_FAILED)
    if fault:
        # Tests that were ended with what they stood on, or could not start, say nothing of their own.
        codes -= {ExitCode.NOTHING_SELECTED, *(() if result.failures_by_class.keys() & _OF_TESTS else _TESTS_FAILED)}
    if outcome.interrupted or fault or (result.pytest_stopped == "maxfail" and result.failures):
        # It was we who interrupted pytest, or the user's `-x`, which xdist obeys by interrupting.
        codes.discard(ExitCode.PYTEST_INTERRUPTED)
    return first_that_applies(codes)


def _of_pytest(status: int) -> ExitCode:
    """Return the code for pytest's own exit status; one that it does not document counts as failed tests."""
    return ExitCode(status) if status in OF_PYTEST else ExitCode.TESTS_FAILED


def finish(run: "Run") -> ExitCode:
    """Write the reports, print the summary, and return the run's exit code."""
    # What reports are made with is imported here and below: pytest is started sooner without it.
    from sdcm.reporters.critical_path_text import critical_path_record
    from sdcm.reporters.summary import summary_lines

    journal = run.reading.journal()
    so_far = journal.result()
    code = exit_code(run, so_far)
    run.journal.write("critical-path", **critical_path_record(so_far))
    run.journal.write("run-end", exit_code=code)
    try:
        result = report_files.write_all(run.state, journal)
    except EnvironmentFailed as exc:
        complain(str(exc))
        result, code = journal.result(), first_that_applies({code, exc.exit_code})
    tell_github(result, run.project, run.environ)
    for line in summary_lines(result, report_files.folder_of(run.state)):
        say(line)
    return code


def write_what_there_is(state: Path) -> None:
    """Write the reports of a run that has failed as a whole; that they cannot be written is told beside why."""
    try:
        report_files.write_all(state)
    except EnvironmentFailed as exc:
        complain(str(exc))


def tell_github(result: "RunResult", project: Path, environ: Mapping[str, str]) -> None:
    """Mark failures in the changed files' view and fill the job's summary, in a job of GitHub Actions."""
    from sdcm.reporters import github

    if not github.under_github(environ):
        return
    for line in github.annotations(result, project, Path(environ.get("GITHUB_WORKSPACE") or project)):
        say(line)
    if summary := environ.get("GITHUB_STEP_SUMMARY"):
        try:
            github.add_to_summary(result, Path(summary))
        except OSError as exc:
            complain(f"the job's summary could not be written: {exc}")
