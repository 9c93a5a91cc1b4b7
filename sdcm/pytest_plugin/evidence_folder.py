"""Keeps a folder of evidence for each failed test that needs services, while its containers still stand.

It costs a passing test nothing but the noting of two times.
"""

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from sdcm import journal
from sdcm.broker.protocol import PLAIN_VARIABLE, RUN_VARIABLE
from sdcm.errors import SctError
from sdcm.pytest_plugin import collecting
from sdcm.pytest_plugin.secrecy import redactor_of_now
from sdcm.pytest_plugin.session import worker_name

if TYPE_CHECKING:
    from sdcm.evidence.findings import Gathered, Piece, Source
    from sdcm.evidence.index import Failed
    from sdcm.pytest_plugin.evidence import Findings

#: Epoch seconds at which the test's own code began.
BODY = pytest.StashKey[float]()
_BEGAN = pytest.StashKey[float]()
_KEPT = pytest.StashKey[bool]()
_GATHERED = pytest.StashKey["Gathered"]()
#: Seconds for all answers, and where the run was asked to stop.
SECONDS = 10.0
_IN_A_HURRY = 3.0
_LINES_OF_DOC = 1


def begin(item: pytest.Item) -> None:
    """Note that a test begins; it may have run before."""
    item.stash[_BEGAN] = time.time()
    if BODY in item.stash:
        del item.stash[BODY]
    if _KEPT in item.stash:
        del item.stash[_KEPT]


def keep(
    item: pytest.Item,
    call: "pytest.CallInfo[None]",
    report: pytest.TestReport,
    findings: "Findings",
    kind: str,
    *,
    stacks: str,
    hurry: bool,
) -> bool:
    """Write a failed test's folder, and a record of it into the journal; once for each time it runs.

    Args:
        item: The test.
        call: The phase that failed.
        report: Its report.
        findings: What its containers said already.
        kind: Class of the failure.
        stacks: What all threads were doing when its time was up.
        hurry: The run was asked to stop.

    Returns:
        Whether it has one.
    """
    if not _wanted(item):
        return False
    from sdcm.evidence.findings import FAILURE, UNWELL, Piece

    error = call.excinfo.value if call.excinfo is not None else None
    own = [Piece("failure.txt", "the failure as pytest tells it", report.longreprtext, FAILURE)]
    if isinstance(error, SctError) and error.evidence:
        own.append(Piece("failure-evidence.txt", "what came with the error", error.evidence, FAILURE))
    if stacks:
        own.append(Piece("stacks.txt", "what all threads did when its time was up", stacks, FAILURE))
    told = [f"--- {title} ---\n{text}" for title, text in report.sections if title.startswith("Captured")]
    if told:
        own.append(Piece("output.txt", "what the test printed and logged", "\n".join(told), UNWELL))
    reason = getattr(getattr(report.longrepr, "reprcrash", None), "message", "") or report.longreprtext
    failed = _failed(item, str(report.when), kind, _reason(error, str(reason)), call.stop)
    _write(item, failed, findings, own, _IN_A_HURRY if hurry else SECONDS)
    return journal.of_this_run() is not None


def gather_before_release(item: pytest.Item, findings: "Findings") -> None:
    """Ask what a test has before its failing tear-down gives it back; `keep` writes it down then."""
    if _wanted(item):
        item.stash[_GATHERED] = _gather(item, findings, time.time(), SECONDS)


def keep_last(item: pytest.Item, findings: "Findings") -> None:
    """Write the folder of a test that must be ended with its process; the stacks are in that process's last words."""
    if _wanted(item):
        reason = "its deadline passed, and it did not end when it was interrupted; its process was ended"
        phase = "call" if item.stash.get(BODY, 0.0) else "setup"
        _write(item, _failed(item, phase, "test", reason, time.time()), findings, [], _IN_A_HURRY)


def _wanted(item: pytest.Item) -> bool:
    if item.stash.get(_KEPT, False) or journal.of_this_run() is None:
        return False
    from sdcm.pytest_plugin.evidence import watched_by

    return bool(watched_by(item) or collecting.services_of(item))


def _failed(item: pytest.Item, phase: str, kind: str, reason: str, at: float) -> "Failed":
    from sdcm.evidence.index import Failed

    doc = (getattr(getattr(item, "obj", None), "__doc__", None) or "").strip().splitlines()[:_LINES_OF_DOC]
    return Failed(
        test=_name(item),
        run=os.environ.get(RUN_VARIABLE, ""),
        worker=worker_name(item.config),
        phase=phase,
        kind=kind,
        reason=reason,
        started=item.stash.get(_BEGAN, at),
        body=item.stash.get(BODY, 0.0),
        failed=at,
        doc=" ".join(doc),
    )


def _reason(error: BaseException | None, told: str) -> str:
    lines = told.strip().splitlines() or [repr(error)]
    return "\n".join(lines[:3])


def _name(item: pytest.Item) -> str:
    from sdcm.scheduling.units import split_group

    return split_group(item.nodeid)[0]


def _write(item: pytest.Item, failed: "Failed", findings: "Findings", own: "list[Piece]", seconds: float) -> None:
    from sdcm.evidence.folder import reports_folder
    from sdcm.evidence.keeping import keep

    item.stash[_KEPT] = True
    file = journal.of_this_run()
    if file is None:
        return
    gathered = item.stash.get(_GATHERED, None) or _gather(item, findings, failed.failed, seconds)
    try:
        record = keep(reports_folder(file.parent), failed, gathered, own, redactor_of_now(item.config).text)
    except OSError as exc:
        record = {"test": failed.test, "worker": failed.worker, "line": "", "folder": "", "error": str(exc)}
    journal.note("evidence", **record)


def _gather(item: pytest.Item, findings: "Findings", until: float, seconds: float) -> "Gathered":
    from sdcm.evidence import findings as found

    sources: list[Source] = []
    file = journal.of_this_run()
    since = item.stash.get(_BEGAN, until)
    if file is not None:
        from sdcm.evidence.of_journal import of_journal

        sources += of_journal(file, _name(item), worker_name(item.config), since)
    if not findings.engine_lost:
        sources += _of_watched(item, since, until)
    gathered = found.gather(sources, seconds)
    if findings.engine_lost:
        gathered.missing.append(f"all containers: {findings.engine_lost}")
        gathered.found.append(found.Telling(findings.engine_lost, found.ENDED_ITSELF))
    return gathered


def _of_watched(item: pytest.Item, since: float, until: float) -> "list[Source]":
    from sdcm.pytest_plugin.evidence import watched_by

    held: list[Any] = watched_by(item)
    names = {each.record.ip: each.name for each in held if hasattr(each, "record")}
    sources: list[Source] = []
    for each in held:
        if hasattr(each, "docker_id"):
            from sdcm.evidence.of_container import of_container

            sources += of_container(each, since, until, names)
        elif (namespaces := sys.modules.get("sdcm.kubernetes.namespace")) and isinstance(
            each, namespaces.KubernetesNamespace
        ):
            from sdcm.evidence.of_namespace import of_namespace

            sources += of_namespace(each)
    return sources


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """In plain pytest, where no runner does, say where the evidence lies and what tells most."""
    file = journal.of_this_run()
    if file is None or PLAIN_VARIABLE not in os.environ:
        return
    records = [record for record in journal.read(file) if record["event"] == "evidence" and record.get("folder")]
    if not records:
        return
    from sdcm.evidence.folder import reports_folder

    terminalreporter.section("evidence of failed tests")
    for record in records:
        terminalreporter.line(f"{record['test']}")
        if record.get("line"):
            terminalreporter.line(f"  {record['line']}")
        terminalreporter.line(f"  {reports_folder(file.parent) / record['folder']}")
