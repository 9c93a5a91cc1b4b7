"""JUnit XML out of a run's journal, for CI systems.

The steps of set-up, where there were any, are a suite of their own, `sct.setup`; the tests are the
suite `pytest`; what tests left behind is a suite `sct.leaks`, one case each, named for the test; where
teardown could not remove something there is a suite `sct.teardown` that says so. The report of a merged run has a suite
`sct.shards`, one case each; tests that did not run because their shard was lost are skipped cases of `pytest`.

Files that belong to a case (a step's log, a test's evidence) are named in its output, each in a line
`[[ATTACHMENT|path]]`. Jenkins' JUnit Attachments plugin takes all of them, by absolute path; GitLab takes the first,
by its path below the job's folder.
"""

import os
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

from sdcm.reporters.outcome import RunResult
from sdcm.reporters.records import EndedStep, EndedTest, Leak
from sdcm.reporters.shard_records import NotRun, ShardEnd
from sdcm.reporters.whole_files import whole_file

#: What XML 1.0 cannot hold, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def write_junit(result: RunResult, path: Path, environ: Mapping[str, str] | None = None) -> None:
    """Write the report; the file appears whole or not at all.

    Args:
        result: The run, finished or not.
        path: The file; its folder is made.
        environ: Tells which CI system the report is for; this process's own when omitted.
    """
    with whole_file(path) as temporary:
        ET.ElementTree(to_junit(result, environ)).write(temporary, encoding="utf-8", xml_declaration=True)


def to_junit(result: RunResult, environ: Mapping[str, str] | None = None) -> ET.Element:
    """Return the report's root element, `testsuites`; see `write_junit`."""
    attached = _Attachments(os.environ if environ is None else environ)
    tests = [_test(test, result, attached) for test in result.tests]
    suites = [_suite("pytest", [*tests, *(_never_ran(test) for test in result.never_ran)], result)]
    for properties in _census(result):
        suites[0].insert(0, properties)
    if result.steps:
        suites.insert(0, _suite("sct.setup", [_step(step, attached) for step in result.steps], result))
    if result.shards:
        suites.insert(0, _suite("sct.shards", [*map(_shard, result.shards), _fit(result.misfits)], result))
    if result.leaks:
        suites.append(
            _suite("sct.leaks", [_leak(leak, leak in result.leaks_that_count) for leak in result.leaks], result)
        )
    if result.leftovers:
        suites.append(_suite("sct.teardown", [_left_over(result.leftovers)], result))
    root = ET.Element("testsuites", name="sct")
    for key in ("tests", *_COUNTED.values()):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    root.set("time", f"{result.seconds:.3f}")
    root.extend(suites)
    return root


def _suite(name: str, cases: Sequence[ET.Element], result: RunResult) -> ET.Element:
    suite = ET.Element("testsuite", name=name, tests=str(len(cases)))
    for kind, key in _COUNTED.items():
        suite.set(key, str(sum(case.find(kind) is not None for case in cases)))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    suite.set("timestamp", datetime.fromtimestamp(result.started, UTC).isoformat(timespec="seconds"))
    suite.set("hostname", _legal(socket.gethostname()))
    suite.extend(cases)
    return suite


def _census(result: RunResult) -> list[ET.Element]:
    """Return what the suite says as a whole: why how many tests were skipped, and whose outcome changed."""
    said = [(f"skipped.{skip.service or 'other'}", f"{skip.count}: {skip.reason}") for skip in result.skips]
    said += [("changed", f"{test}: {', then '.join(found)}") for test, found in result.changed.items()]
    if not said:
        return []
    parent = ET.Element("properties")
    for name, value in said:
        ET.SubElement(parent, "property", name=name, value=_legal(value))
    return [parent]


def _case(classname: str, name: str, seconds: float) -> ET.Element:
    return ET.Element("testcase", classname=_legal(classname), name=_legal(name), time=f"{seconds:.3f}")


def _add(case: ET.Element, kind: str, message: str, content: str = "", type_name: str = "") -> None:
    child = ET.SubElement(case, kind, message=_legal(message))
    if type_name:
        child.set("type", _legal(type_name))
    child.text = _legal(content) or None


class _Attachments:
    """How a CI system wants attached files to be named."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._base = environ.get("CI_PROJECT_DIR", "") if environ.get("GITLAB_CI") else ""

    def line(self, path: str | Path) -> str:
        """Return the line that attaches a file."""
        named = Path(path)
        if self._base and named.is_relative_to(self._base):
            named = named.relative_to(self._base)
        return f"[[ATTACHMENT|{named}]]"


def _step(step: EndedStep, attached: _Attachments) -> ET.Element:
    case = _case("sct.setup", step.step, step.seconds)
    if step.status == "failed":
        _add(case, "error", step.error, "\n".join(filter(None, (step.evidence, step.log))), "environment")
    elif step.status == "unfinished":
        _add(case, "error", "did not finish", type_name="environment")
    elif step.status != "done":
        _add(case, "skipped", step.error or step.status)
    if step.log and step.status not in {"done", "skipped"}:
        ET.SubElement(case, "system-out").text = _legal(attached.line(step.log))
    return case


def _test(test: EndedTest, result: RunResult, attached: _Attachments) -> ET.Element:
    case = _case(*_names(test.test), test.seconds)
    folder = result.folder_of(test)
    own = {"worker": test.worker, "failure_class": test.failure_class, "services": ",".join(test.services)}
    if test.evidence is not None:
        own |= {"tells_most": test.evidence.line, "evidence": str(folder or test.evidence.folder)}
    properties = [*own.items(), *test.properties]
    if any(value for _, value in properties):
        parent = ET.SubElement(case, "properties")
        for name, value in properties:
            if value:
                ET.SubElement(parent, "property", name=name, value=_legal(value))
    if test.outcome == "failed":
        _add(case, "failure", test.reason, test.text, test.failure_class)
    elif test.outcome == "error":
        where = f" in {test.phase}" if test.phase in {"setup", "teardown"} else ""
        _add(case, "error", (f"failed{where}: " if where else "") + test.reason, test.text, test.failure_class)
    elif test.outcome in {"skipped", "xfailed"}:
        _add(case, "skipped", test.reason, type_name="pytest.xfail" if test.outcome == "xfailed" else "pytest.skip")
    files = [attached.line(folder / each.file) for each in test.evidence.files] if test.evidence and folder else []
    if test.sections or files:
        ET.SubElement(case, "system-out").text = _legal("\n".join([*files, _sections(test.sections)]))
    return case


def _never_ran(test: NotRun) -> ET.Element:
    """Return a test that was chosen and did not run; what lost it is a case of its own."""
    case = _case(*_names(test.test), 0.0)
    _add(case, "skipped", f"not run: {test.reason}", type_name="sct.not-run")
    return case


def _shard(shard: ShardEnd) -> ET.Element:
    case = _case("sct.shards", f"shard {shard.shard}", shard.seconds)
    if shard.lost:
        _add(case, "error", shard.lost, type_name="environment")
    return case


def _fit(misfits: Sequence[str]) -> ET.Element:
    case = _case("sct.shards", "the shards fit together", 0.0)
    if misfits:
        _add(case, "error", misfits[0], "\n".join(misfits), "usage")
    return case


def _leak(leak: Leak, counts: bool) -> ET.Element:
    """Return a leak as a case: an error where it counts, else a good case that tells of it."""
    case = _case("sct.leaks", f"{leak.test or ', '.join(leak.during) or 'the run'} leaves no {leak.kind}", 0.0)
    if counts:
        _add(case, "error", f"leaked {leak.what}", str(leak), "leak")
    else:
        ET.SubElement(case, "system-out").text = _legal(str(leak))
    return case


def _left_over(leftovers: Sequence[str]) -> ET.Element:
    case = _case("sct.teardown", "nothing is left over", 0.0)
    _add(case, "error", f"{len(leftovers)} left over", "\n".join(leftovers), "leak")
    return case


def _names(nodeid: str) -> tuple[str, str]:
    """Return class name and name of a test as pytest's own report has them."""
    head, bracket, parameters = nodeid.partition("[")
    file, *inner = head.split("::")
    if not inner:
        return "", nodeid
    module = file.removesuffix(".py").replace("/", ".")
    return ".".join([module, *inner[:-1]]), inner[-1] + bracket + parameters


def _sections(sections: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{f' {title} ':-^80}\n{content}" for title, content in sections)


def _legal(value: str) -> str:
    """Return text with characters that XML cannot hold made visible, for example `#x1B`."""
    return _ILLEGAL.sub(lambda match: f"#x{ord(match[0]):02X}", value)
