"""What GitHub Actions shows beside a job: annotations of failures, and the job's summary page.

Both are documented by GitHub: workflow commands are lines of a step's output, of which it shows ten errors a step;
GITHUB_STEP_SUMMARY names a file that takes Markdown, at most 1 MiB a step.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from sdcm.reporters.markdown import to_markdown
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.records import EndedTest

#: Errors of one step that GitHub shows.
SHOWN = 10
_SUMMARY_LIMIT = 1024 * 1024
_PLACE = re.compile(r"^(\S+\.py):(\d+): ", re.MULTILINE)


def annotations(result: RunResult, project: Path, workspace: Path) -> list[str]:
    """Return the workflow commands that mark the failures in the changed files' view, at most `SHOWN`.

    Args:
        result: The run.
        project: The folder that node ids start from.
        workspace: The repository's checkout, which paths of annotations start from.
    """
    lines = [_of_test(test, project, workspace) for test in (*result.failures, *result.unfinished)]
    lines += [f"::error title=set-up::{_message(f'{step.step}: {step.error}')}" for step in result.failed_steps]
    lines += [f"::error title=leak::{_message(str(leak))}" for leak in result.leaks_that_count]
    return lines[:SHOWN]


def add_to_summary(result: RunResult, path: Path) -> None:
    """Append the run's report to a job's summary; one that would not fit is left out with a word."""
    told = to_markdown(result).encode(errors="replace") + b"\n"
    room = _SUMMARY_LIMIT - (path.stat().st_size if path.exists() else 0)
    with path.open("ab") as file:
        file.write(told if len(told) <= room else b"The report does not fit here; see report.html.\n"[: max(0, room)])


def under_github(environ: Mapping[str, str]) -> bool:
    """Return whether a job of GitHub Actions is under way."""
    return environ.get("GITHUB_ACTIONS") == "true"


def _of_test(test: EndedTest, project: Path, workspace: Path) -> str:
    file, line = _where(test)
    path = os.path.relpath(project / file, workspace)
    place = f"file={_property(path)}" + (f",line={line}" if line else "")
    where = f" in {test.phase}" if test.phase in {"setup", "teardown"} else ""
    kind = f"[{test.failure_class}] " if test.failure_class else ""
    most = f"\ntells most: {test.evidence.line}" if test.evidence and test.evidence.line else ""
    return f"::error {place},title={_property(test.test)}::{_message(f'{kind}failed{where}: {test.reason}{most}')}"


def _where(test: EndedTest) -> tuple[str, int]:
    """Return file and line of a failure: the last line of the test's own file that its text names."""
    own = test.test.partition("::")[0]
    lines = [int(match[2]) for match in _PLACE.finditer(test.text) if match[1] == own]
    return own, lines[-1] if lines else 0


def _message(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _message(value).replace(":", "%3A").replace(",", "%2C")
