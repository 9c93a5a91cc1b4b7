"""The HTML report: one file that holds all it needs, opened from disk.

The page's policy (`Content-Security-Policy`) forbids every request. What matters to a reader without scripts is in the
page itself; the timeline and the list of all tests are drawn by its script from compact data, the list only as
far as it is in view, so that thousands of tests cost little.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sdcm.evidence.folder import Kept
from sdcm.exit_codes import ExitCode
from sdcm.reporters.critical_path import critical_path, folded
from sdcm.reporters.critical_path_text import critical_path_line
from sdcm.reporters.html_data import html_data, plain, unsuccessful
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.phrases import seconds_text
from sdcm.reporters.records import EndedTest
from sdcm.reporters.timeline import Timeline
from sdcm.reporters.whole_files import whole_file

FILE_NAME = "report.html"
_TEMPLATES = Path(__file__).parent / "templates"
_SCRIPTS = ("page.js", "timeline.js", "tests.js")
#: Failures told in full, and characters of one of their texts and of all together; JUnit has the rest.
_TOLD = 200
_LONGEST = 60_000
_ALL = 8_000_000
_SLOWEST = 15
#: Files of evidence that hold what a failure's own part of the page shows.
_TOLD_ANYWAY = {"failure.txt", "failure-evidence.txt", "stacks.txt", "output.txt"}


def write_html(result: RunResult, timeline: Timeline, path: Path) -> None:
    """Write the report; the file appears whole or not at all.

    Args:
        result: The run, finished or not.
        timeline: When what ran.
        path: The file; its folder is made.
    """
    with whole_file(path) as temporary:
        temporary.write_text(to_html(result, timeline), encoding="utf-8", errors="replace")


def to_html(result: RunResult, timeline: Timeline) -> str:
    """Return the report's page."""
    # Imported here: runs that write no page need not wait for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(seconds=seconds_text, plain=plain)
    return environment.get_template("report.html.j2").render(_values(result, timeline))


def _values(result: RunResult, timeline: Timeline) -> dict[str, Any]:
    failures = _shortened(result, unsuccessful(result)[:_TOLD])
    path = critical_path(result)
    return {
        "result": result,
        "verdict": _verdict(result),
        "good": result.exit_code == ExitCode.OK,
        "began": datetime.fromtimestamp(result.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "failures": failures,
        "not_told": len(unsuccessful(result)) - len(failures),
        "slowest": sorted((test for test in result.tests if test.finished), key=lambda test: -test.seconds)[:_SLOWEST],
        "waited": timeline.waited,
        "host": bool(timeline.host),
        "path": folded(path),
        "path_line": critical_path_line(path),
        "style": (_TEMPLATES / "report.css").read_text(),
        "script": "\n".join((_TEMPLATES / name).read_text() for name in _SCRIPTS),
        "data": _embedded(html_data(result, timeline)),
    }


def _verdict(result: RunResult) -> str:
    if not result.finished or result.exit_code is None:
        return "did not come to its end"
    names = {code.value: code.name.lower().replace("_", " ") for code in ExitCode}
    return f"exit code {result.exit_code} ({names.get(result.exit_code, 'not one of ours')})"


def _shortened(result: RunResult, tests: tuple[EndedTest, ...]) -> list[dict[str, Any]]:
    """Return the failures with as much of their texts as fits."""
    left = _ALL

    def cut(content: str) -> str:
        nonlocal left
        longest = max(0, min(_LONGEST, left))
        left -= min(len(content), longest)
        if len(content) <= longest:
            return plain(content)
        head, tail = longest // 3, longest - longest // 3
        told = f"[... {len(content) - longest} characters left out ...]"
        return f"{plain(content[:head])}\n{told}\n{plain(content[len(content) - tail :])}"

    return [
        {
            "test": test,
            "text": cut(test.text),
            "sections": [(plain(title), cut(content)) for title, content in test.sections],
            "folder": result.folder_of(test),
            "files": [
                (each.file, f"{each.what}, {each.bytes} bytes{', shortened' if each.cut else ''}", cut(content))
                for each, content in _files(result.folder_of(test), test)
            ],
        }
        for test in tests
    ]


def _files(folder: Path | None, test: EndedTest) -> Iterator[tuple[Kept, str]]:
    """Yield the files of a test's evidence that are still there, with their content.

    The failure's own text and what it came with are in the report anyway.
    """
    if folder is None or test.evidence is None:
        return
    for each in test.evidence.files:
        if each.file in _TOLD_ANYWAY:
            continue
        with suppress(OSError):
            yield each, (folder / each.file).read_text(encoding="utf-8", errors="replace")


def _embedded(data: dict[str, Any]) -> str:
    """Return data as JSON that may stand in a script element: nothing in it can end the element."""
    told = json.dumps(data, separators=(",", ":"))
    return told.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
