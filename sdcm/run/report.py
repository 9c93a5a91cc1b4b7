"""What the user reads at the end of a run, and its exit code."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm import journal as journals
from sdcm.exit_codes import ExitCode, first_that_applies
from sdcm.journal import Journal
from sdcm.reporters.junit import write_junit
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.summary import summary_lines, summary_record
from sdcm.run.plan import Plan

if TYPE_CHECKING:
    from sdcm.run.pipeline import Run


#: pytest's exit statuses that are ours too.
_PYTEST_CODES = {2, 3, 4, 5}


def say(line: str) -> None:
    """Print a line for the user; a reader that has gone changes nothing about the run."""
    try:
        print(line, flush=True)  # noqa: T201 - this is the runner's voice
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(line: str) -> None:
    """Print a line about something that went wrong."""
    print(f"sct: {line}", file=sys.stderr, flush=True)  # noqa: T201 - this is the runner's voice


def print_plan(plan: Plan, *, as_json: bool) -> None:
    """Print what would run and be set up."""
    if as_json:
        say(json.dumps(plan.to_record(), indent=2))
    else:
        for line in plan.lines():
            say(line)


def say_kept(journal: Journal, run_id: str, environ: Mapping[str, str]) -> None:
    """Say how to enter a kept environment, and how to end it."""
    journal.write("kept", environ=dict(environ))
    say(f"environment {run_id} is kept; to use it:")
    for name, value in environ.items():
        say(f"  export {name}={value}")
    say("  `sct.py env status` shows it, `sct.py env down` ends it")


def write_reports(run: "Run") -> RunResult:
    """Write JUnit and the summary from the journal, as far as the run has come.

    Called before teardown, so that a teardown that is cut short loses nothing, and again at the end.
    """
    chosen = run.selection.tests if run.selection else ()
    result = RunResult.from_file(run.state / journals.FILE_NAME, chosen)
    folder = reports_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    write_junit(result, folder / "junit.xml")
    if run.options.junit_xml:
        write_junit(result, run.options.junit_xml)
    (folder / "summary.json").write_text(json.dumps(summary_record(result, folder), indent=2))
    return result


def reports_folder(run: "Run") -> Path:
    """Return where the run's reports go."""
    return (run.options.report_dir or run.state).absolute()


def exit_code(run: "Run", result: RunResult) -> ExitCode:
    """Return the first exit code that applies."""
    codes = result.codes(allow_all_skipped=run.options.allow_all_skipped)
    outcome = run.outcome
    if outcome is None:
        return first_that_applies(codes)
    if outcome.interrupted:
        codes.add(ExitCode.INTERRUPTED)
    if outcome.broker_lost or outcome.status < 0:
        codes.add(ExitCode.ENVIRONMENT_FAILED)
    if outcome.status > 0 and (outcome.status != ExitCode.TESTS_FAILED or not result.failures):
        # pytest may end before there is a session to write of, over its own arguments for example.
        codes.add(_of_pytest(outcome.status))
    if outcome.interrupted or outcome.broker_lost:
        # It was we who interrupted pytest.
        codes.discard(ExitCode.PYTEST_INTERRUPTED)
    return first_that_applies(codes)


def _of_pytest(status: int) -> ExitCode:
    """Return the code for pytest's own exit status; one that it does not document counts as failed tests."""
    return ExitCode(status) if status in _PYTEST_CODES else ExitCode.TESTS_FAILED


def finish(run: "Run") -> ExitCode:
    """Write the reports, print the summary, and return the run's exit code."""
    code = exit_code(run, write_reports(run))
    run.journal.write("run-end", exit_code=code)
    result = write_reports(run)
    for line in summary_lines(result, reports_folder(run)):
        say(line)
    return code
