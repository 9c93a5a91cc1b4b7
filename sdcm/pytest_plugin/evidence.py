"""A failing test's report carries its class, the logs of the containers it held, and what all threads were doing."""

import os
import shutil
import threading
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest

from sdcm.errors import EnvironmentFailed, SctError
from sdcm.program import as_typed
from sdcm.pytest_plugin import collecting, evidence_folder, failure_class
from sdcm.stop_flag import StopFlag
from sdcm.wait import guarded_by

if TYPE_CHECKING:
    from sdcm.containers.ending import Ending

#: Property of a report that names the failure's class, read by the journal's writer.
CLASS_PROPERTY = "sct.failure_class"
#: Property of a report that says what became of the test's containers.
NOTE_PROPERTY = "sct.note"
#: What all threads were doing when a deadline passed, and with it:
STACKS = pytest.StashKey[str]()
#: Class of a failure that the run's request to stop has made.
BLAME = pytest.StashKey[str]()
#: How the containers were before a failing tear-down gave them back.
BEFORE_RELEASE = pytest.StashKey["Findings"]()
#: Set on a test as soon as one of its phases has failed.
FAILED = pytest.StashKey[bool]()
_LOG_LINES = 60
#: Lines of state before a container's log, and of the log itself, of one that is well.
_STATE_LINES = 2
_BRIEF_LINES = 10
#: Seconds for all evidence of a test: an engine that does not answer must not hold its report.
_DEADLINE = 15.0
_ANSWER = 5.0
#: Bytes: with less than that free, what failed has failed for want of room.
_FULL = 2**20
_MORE_ROOM = "`sct.py clean --images`, or set SCT_ENGINE_DIR"


class Watched(Protocol):
    """What can tell what happened to it; a container, unless its `WHAT` names something else."""

    @property
    def name(self) -> str:
        """Name for the report's section."""

    def evidence(self, lines: int) -> str:
        """Return its state and the last lines of its log, or of its pods'."""


_WATCHED = pytest.StashKey[list[Watched]]()


def watched_by(item: pytest.Item) -> list[Watched]:
    """Return what a test has, that of its module and wider included."""
    return [container for node in item.listchain() for container in node.stash.get(_WATCHED, ())]


def watch(node: pytest.Item | pytest.Collector, container: Watched) -> None:
    """Attach this container's log to the reports of a test, or of a module's or session's tests, that fail."""
    node.stash.setdefault(_WATCHED, []).append(container)


def unwatch(node: pytest.Item | pytest.Collector, container: Watched) -> None:
    """Look at this container no more: it is given back."""
    watched = node.stash.get(_WATCHED, [])
    watched[:] = [each for each in watched if each is not container]


@dataclass(frozen=True)
class Findings:
    """What the containers of a failed test tell.

    Attributes:
        sections: Title and text of each one's log.
        endings: How those have ended that have.
        engine_lost: Why the engine does not answer; empty when it does.
    """

    sections: tuple[tuple[str, str], ...]
    endings: tuple["Ending", ...]
    engine_lost: str


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note when the test begins: its evidence starts there."""
    evidence_folder.begin(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """End the waits of a test as soon as a container that it holds has ended by itself."""

    def sentinel(_started: float) -> SctError | None:
        for container in watched_by(item):
            given_up = getattr(container, "given_up", None)
            if given_up is not None and (ended := given_up()) is not None:
                return ended if isinstance(ended, SctError) else None
        return None

    item.stash[evidence_folder.BODY] = time.time()
    with guarded_by(sentinel):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Class the failure and add evidence while the containers still stand, when all others have had their say of it."""
    report = yield
    stacks = blame = ""
    if STACKS in item.stash:
        stacks, blame = item.stash[STACKS], item.stash[BLAME]
        del item.stash[STACKS], item.stash[BLAME]
    if not report.failed:
        return report
    item.stash[FAILED] = True
    if call.excinfo is None:
        return report
    error = call.excinfo.value
    # After a tear-down nothing stands any more; what was seen before its leases went is what counts.
    findings = item.stash.get(BEFORE_RELEASE, None) or look(item)
    full = _disk_full(item)
    name = blame or failure_class.classify(
        error,
        report.when,
        nodes_ended=bool(findings.endings),
        environment_lost=bool(findings.engine_lost or full) or any(ending.memory for ending in findings.endings),
    )
    report.user_properties.append((CLASS_PROPERTY, name))
    note = "; ".join(filter(None, (findings.engine_lost, full, *(ending.text for ending in findings.endings))))
    if note:
        report.user_properties.append((NOTE_PROPERTY, note))
    if isinstance(error, SctError):
        if error.evidence:
            report.sections.append(("evidence", error.evidence))
        if name == failure_class.ENVIRONMENT and isinstance(error, EnvironmentFailed) and report.when != "call":
            report.longrepr = str(error)
    kept = evidence_folder.keep(item, call, report, findings, name, stacks=stacks, hurry=bool(blame))
    # Whoever has typed Ctrl-C is not to be shown a hundred lines for each test that ran: they are in its folder.
    if stacks and not (kept and name == StopFlag.INTERRUPTED):
        report.sections.append(("stacks of all threads when its time was up", stacks))
    # Containers that are well have the rest in the folder: an assertion is not to stand above a screen of a boot's log.
    well = kept and report.when == "call" and not (findings.endings or findings.engine_lost or stacks)
    report.sections.extend((title, brief(text) if well else text) for title, text in findings.sections)
    return report


def brief(text: str) -> str:
    """Return what a container tells as its state and the last lines of its log."""
    lines = text.splitlines()
    left_out = len(lines) - _STATE_LINES - _BRIEF_LINES
    if left_out <= _STATE_LINES:
        return text
    said = f"... ({left_out} lines more are in the test's evidence)"
    return "\n".join([*lines[:_STATE_LINES], said, *lines[-_BRIEF_LINES:]])


def _disk_full(item: pytest.Item) -> str:
    """Return that the disk of the test's engine is full; empty when it is not, or cannot be seen from here."""
    host = os.environ.get("DOCKER_HOST", "")
    if not host.startswith("unix://") or not (watched_by(item) or "docker" in collecting.services_of(item)):
        return ""
    from sdcm.ownership.docker_endpoint import Endpoint

    try:
        _, told = Endpoint(host).call("GET", "/info", timeout=_ANSWER)
        root = str(told["DockerRootDir"])
        free = shutil.disk_usage(root).free
    except (SctError, OSError, LookupError, TypeError):
        return ""
    return f"the disk of the engine is full ({root}): {as_typed(_MORE_ROOM)}" if free < _FULL else ""


def look(item: pytest.Item) -> Findings:
    """Look at what a test has, as it is now."""
    return _look(watched_by(item))


def _look(containers: Iterable[Watched]) -> Findings:
    """Ask the containers, each in a thread of its own, for as long as the evidence may take."""
    end = time.monotonic() + _DEADLINE
    asked = [(container, _Asking(container)) for container in containers]
    for _, asking in asked:
        asking.thread.join(max(0.0, end - time.monotonic()))
    sections = tuple(
        (f"{getattr(container, 'WHAT', 'container')} {container.name}", asking.text) for container, asking in asked
    )
    endings = tuple(asking.ending for _, asking in asked if asking.ending is not None)
    return Findings(sections, endings, next((asking.lost for _, asking in asked if asking.lost), ""))


class _Asking:
    """Asks one container what happened to it."""

    def __init__(self, container: Watched) -> None:
        self.text = f"(its engine gave no log within {_DEADLINE:g} s)"
        self.ending: Ending | None = None
        self.lost = ""
        self._container = container
        self.thread = threading.Thread(target=self._ask, daemon=True)
        self.thread.start()

    def _ask(self) -> None:
        try:
            ending = getattr(self._container, "ending", None)
            self.ending = ending() if ending is not None else None
            if self.ending is None or not self.ending.removed:
                self.text = self._container.evidence(_LOG_LINES)
            else:
                self.text = f"({self.ending.text})"
        except Exception as exc:  # noqa: BLE001 - evidence must never hide the failure it is for
            self.text = f"(its log cannot be read: {exc!r})"
            self.lost = str(exc) if type(exc).__name__ == "EngineLost" else ""


def has_failed(node: pytest.Item | pytest.Collector) -> bool:
    """Return whether a test has failed so far; for a module or a session, whether any test of this process has."""
    if isinstance(node, pytest.Item):
        return node.stash.get(FAILED, False)
    return node.session.testsfailed > 0


def last_evidence(item: pytest.Item) -> str:
    """Return the sections of a test that must be ended with its process, as one text."""
    findings = look(item)
    evidence_folder.keep_last(item, findings)
    return "\n".join(f"--- {title} ---\n{text}" for title, text in findings.sections)
