"""The HTML report: one file that holds all it needs, opened from disk.

The page's policy (`Content-Security-Policy`) forbids every request. What matters to a reader without scripts is in the
page itself; the timeline and the list of all tests are drawn by its script from compact data, the list only as
far as it is in view, so that thousands of tests cost little.
"""

import json
import shlex
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcm.evidence.folder import Kept
from sdcm.exit_codes import ExitCode
from sdcm.program import as_typed
from sdcm.reporters.critical_path import folded
from sdcm.reporters.critical_path_text import critical_path_line
from sdcm.reporters.html_data import html_data, plain, unsuccessful
from sdcm.reporters.live_words import short_name
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.phrases import seconds_text
from sdcm.reporters.records import EndedTest, ServiceState
from sdcm.reporters.time_spent import time_spent
from sdcm.reporters.timeline import Timeline, test_span
from sdcm.reporters.whole_files import whole_file

if TYPE_CHECKING:
    from jinja2 import Template

FILE_NAME = "report.html"
_TEMPLATES = Path(__file__).parent / "templates"
_SCRIPTS = ("page.js", "timeline.js", "timeline_use.js", "tests.js")
#: Failures told in full, and characters of one of their texts and of all together; JUnit has the rest.
_TOLD = 200
_LONGEST = 60_000
_ALL = 8_000_000
_SLOWEST = 15
#: Failures that the summary names.
_GLANCE = 8
#: Files of evidence that hold what a failure's own part of the page shows.
_TOLD_ANYWAY = {"failure.txt", "failure-evidence.txt", "output.txt"}
_STACKS = "stacks.txt"


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
    return template().render(_values(result, timeline))


@cache
def template() -> "Template":
    """Return the page's template, compiled; a run that has time for it before its end asks for it then."""
    # Imported here: what writes no page need not wait for it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(seconds=seconds_text, plain=plain)
    return environment.get_template("report.html.j2")


def _values(result: RunResult, timeline: Timeline) -> dict[str, Any]:
    unsuccessful_tests = unsuccessful(result)
    failures = _shortened(result, timeline, unsuccessful_tests[:_TOLD])
    path = result.critical_path
    data = html_data(result, timeline, path)
    return {
        "result": result,
        "verdict": _verdict(result),
        "good": result.exit_code == ExitCode.OK,
        "began": datetime.fromtimestamp(result.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        "counts": dict(reversed(result.counts.items())),
        "services": [(service.service, _service(result, service)) for service in result.services],
        "failures": failures,
        "glance": _GLANCE,
        "not_told": len(unsuccessful_tests) - len(failures),
        "slowest": _slowest(result, timeline),
        "spent": time_spent(result, timeline),
        "kinds": _kinds(result, timeline) | ({"wait"} if data["waits"] else set()),
        "path": folded(path),
        "path_line": critical_path_line(path),
        "style": (_TEMPLATES / "report.css").read_text(),
        "script": "\n".join((_TEMPLATES / name).read_text() for name in _SCRIPTS),
        "data": _embedded(data),
    }


def _service(result: RunResult, service: ServiceState) -> str:
    """Return in words what became of a service."""
    why = f": {plain(service.reason)}" if service.reason else ""
    return {
        "ready": "ready" + ("" if result.shards else f" after {seconds_text(max(0.0, service.at - result.started))}"),
        "dismissed": "ready while tests needed it, removed before the run's end",
        "failed": f"failed, its tests fail{why}",
        "unavailable": f"unavailable, its tests are skipped{why}",
        "waiting": "was not ready yet",
    }.get(service.state, service.state + why)


def _slowest(result: RunResult, timeline: Timeline) -> list[dict[str, Any]]:
    """Return the slowest tests, with their places among all, and for how long they waited."""
    ended = sorted(
        ((place, test) for place, test in enumerate(result.tests) if test.finished), key=lambda pair: -pair[1].seconds
    )
    return [
        {"place": place, "test": test, "waited": _waited(result, timeline, test)} for place, test in ended[:_SLOWEST]
    ]


def _waited(result: RunResult, timeline: Timeline, test: EndedTest) -> float:
    span = test_span(test, result.started + result.seconds)
    return timeline.waits.seconds(test, (span.started, span.ended))


def _kinds(result: RunResult, timeline: Timeline) -> set[str]:
    """Return what the timeline draws beside waits, so that its legend names nothing else."""
    kinds = {"setup"} if any(test.phases for test in result.tests) else set()
    kinds |= {{"xpassed": "passed", "xfailed": "skipped", "error": "failed"}.get(each, each) for each in result.counts}
    kinds |= {"host"} if timeline.host else set()
    kinds |= {"step"} if result.steps else set()
    return kinds | ({"boot", "up"} if timeline.containers else set())


def _verdict(result: RunResult) -> str:
    if not result.finished or result.exit_code is None:
        return "did not come to its end"
    names = {code.value: code.name.lower().replace("_", " ") for code in ExitCode}
    return f"exit code {result.exit_code} ({names.get(result.exit_code, 'not one of ours')})"


def _shortened(result: RunResult, timeline: Timeline, tests: tuple[EndedTest, ...]) -> list[dict[str, Any]]:
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
            "name": short_name(test.test) if test.phase != "collect" else test.test,
            "waited": _waited(result, timeline, test),
            "again": _again(result, test),
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


def _again(result: RunResult, test: EndedTest) -> str:
    """Return the command that runs a test again; empty for one that plain pytest ran."""
    return as_typed(f"sct.py {result.command} -t {shlex.quote(test.test)}") if result.command.endswith("-tests") else ""


def _files(folder: Path | None, test: EndedTest) -> Iterator[tuple[Kept, str]]:
    """Yield the files of a test's evidence that are still there, with their content.

    The failure's own text and what it came with are in the report anyway.
    """
    if folder is None or test.evidence is None:
        return
    told = any(title.startswith("stacks") for title, _ in test.sections)
    for each in test.evidence.files:
        if each.file in _TOLD_ANYWAY or (told and each.file == _STACKS):
            continue
        with suppress(OSError, ValueError):  # ValueError: a name that no file can have
            yield each, (folder / each.file).read_text(encoding="utf-8", errors="replace")


def _embedded(data: dict[str, Any]) -> str:
    """Return data as JSON that may stand in a script element: nothing in it can end the element."""
    told = json.dumps(data, separators=(",", ":"))
    return told.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
