"""Writes what the tests do into the run's journal, from the process that sees all reports."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sdcm import journal
from sdcm.broker.protocol import SERVICES_VARIABLE, TESTS_BEGUN_FILE
from sdcm.near_names import did_you_mean
from sdcm.pytest_plugin import evidence, going_on
from sdcm.pytest_plugin.phase_notes import PhaseNotes
from sdcm.pytest_plugin.session import is_worker
from sdcm.pytest_plugin.worker_endings import reason_of
from sdcm.scheduling.units import split_group

#: Characters of a failure's text, and of each of its sections, that the journal keeps.
_TEXT_LIMIT = 60_000
_PHASES = ("setup", "call", "teardown")
#: What pytest writes before the lines that say why, of a fixture that is not there, and before those that are.
_ERROR_LINE = "E "
_NO_FIXTURE = re.compile(r"fixture '([^']+)' not found")
_AVAILABLE = "available fixtures: "


class JournalWriter:
    """Collects a test's phase reports and writes one record when its teardown is reported."""

    def __init__(self, config: pytest.Config) -> None:
        """Start with no test under way."""
        self._config = config
        self._reports: dict[str, list[pytest.TestReport]] = {}
        self._note = journal.Notes()
        self._phases = PhaseNotes()
        self._stopped = ""
        self._collected = False
        self._begun = False

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note that a test starts."""
        if not self._begun:
            self._begun = True
            tell_that_tests_begin()
        self._note("test-start", test=plain(nodeid), worker=self._holder(nodeid))

    def _holder(self, nodeid: str) -> str:
        """Return the worker that has just started a test: xdist's hook does not tell, our scheduler knows."""
        session = self._config.pluginmanager.getplugin("dsession")
        if session is None:
            return "main"
        holder = getattr(getattr(session, "sched", None), "holder", None)
        return str(holder(nodeid)) if holder is not None else ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a phase; the last one ends the test, as does the crash of its worker."""
        nodeid = report.nodeid  # made anew each time it is asked for
        reports = self._reports.setdefault(nodeid, [])
        reports.append(report)
        if report.when == "setup" and report.passed:
            self._phases.begins("test-body", plain(nodeid), worker=_worker(report), started=round(report.stop, 3))
        if report.when == "call":
            self._phases.begins("test-teardown", plain(nodeid))
        if report.when == "teardown" or report.when not in _PHASES:
            del self._reports[nodeid]
            self._phases.over(plain(nodeid))
            self._note("test-end", **record_of(reports))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be collected; of one that was to tell what runs, the runner tells."""
        if report.failed and not going_on.is_paused(self._config):
            self._note("collect-error", test=report.nodeid, text=_cut(report.longreprtext))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Note how many tests there are, once."""
        self._note_collected(len(ids))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Note how many tests there are, in the one process there is."""
        if session.items and not going_on.is_paused(session.config):
            self._note_collected(len(session.items))

    def _note_collected(self, tests: int) -> None:
        if not self._collected:
            self._collected = True
            self._note("collected", tests=tests)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        """Note a worker that is up."""
        self._note("worker", worker=node.gateway.id, state="up")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Note a worker that is gone, and how it ended if it was lost."""
        state = "lost" if error else "down"
        self._note("worker", worker=node.gateway.id, state=state, reason=reason_of(node, error))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note whether keys ended the session, or a debugger's `q` and the like."""
        if isinstance(excinfo.value, pytest.Session.Interrupted):
            return  # pytest's own word for ending early: it is a KeyboardInterrupt, but no key was pressed
        self._stopped = "keys" if isinstance(excinfo.value, KeyboardInterrupt) else "exit"

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Note tests whose teardown was never reported, as a debugger's `q` leaves them, and pytest's verdict."""
        if going_on.is_paused(session.config):
            return  # it has run nothing
        self._phases.close()
        for reports in self._reports.values():
            if any(report.failed for report in reports):
                self._note("test-end", **record_of(reports))
        maxfail = int(session.config.getoption("maxfail") or 0)
        stopped = "maxfail" if 0 < maxfail <= session.testsfailed else self._stopped
        self._note("pytest-end", status=int(exitstatus), stopped=stopped)
        self._note.close()


def tell_that_tests_begin() -> None:
    """Leave word for the broker, where there is one."""
    if services := os.environ.get(SERVICES_VARIABLE):
        with suppress(OSError):
            Path(services).with_name(TESTS_BEGUN_FILE).touch()


def plain(nodeid: str) -> str:
    """Return a node id without the suffix that xdist appends for groups."""
    return split_group(nodeid)[0]


def record_of(reports: list[pytest.TestReport]) -> dict[str, Any]:
    """Return a test's journal record from the reports of its phases."""
    decisive = next((report for report in reports if report.failed), None) or next(
        (report for report in reports if report.skipped), reports[-1]
    )
    outcome: str = decisive.outcome if decisive.when in {"call", "???"} or not decisive.failed else "error"
    if hasattr(decisive, "wasxfail"):
        outcome = "xfailed" if decisive.skipped else "xpassed"
    properties = _properties(reports)
    return {
        "test": plain(reports[0].nodeid),
        "worker": _worker(reports[0]),
        "outcome": outcome,
        "phase": decisive.when,
        "seconds": round(sum(report.duration for report in reports), 3),
        "phases": {str(report.when): round(report.duration, 3) for report in reports},
        "started": next((round(report.stop, 3) for report in reports if report.when == "setup" and report.passed), 0),
        "reason": _noted(_reason(decisive), str(properties.get(evidence.NOTE_PROPERTY, ""))),
        "text": _cut(decisive.longreprtext) if decisive.failed else "",
        "sections": [[title, _cut(text)] for title, text in decisive.sections] if decisive.failed else [],
        "failure_class": properties.pop(evidence.CLASS_PROPERTY, "test") if decisive.failed else "",
        "properties": [[name, value] for name, value in properties.items() if name != evidence.CLASS_PROPERTY],
    }


def _worker(report: pytest.TestReport) -> str:
    gateway = getattr(getattr(report, "node", None), "gateway", None)
    return gateway.id if gateway else "main"


def _properties(reports: list[pytest.TestReport]) -> dict[str, str]:
    """Return what the test and its fixtures had to tell: each report has what was told up to then."""
    return {str(name): _cut(str(value)) for report in reports for name, value in report.user_properties}


def _reason(report: pytest.TestReport) -> str:
    """Return why a test was skipped, or the line of its failure that says most."""
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return str(crash.message).strip().splitlines()[0] if str(crash.message).strip() else ""
    lines = report.longreprtext.strip().splitlines() if report.failed else []
    # A fixture that is not there is told of above the place of the test that asks for it.
    told = next((line.removeprefix(_ERROR_LINE).strip() for line in lines if line.startswith(_ERROR_LINE)), "")
    return f"{told}{_near_fixture(told, lines)}" if told else lines[-1] if lines else ""


def _near_fixture(told: str, lines: Sequence[str]) -> str:
    """Return "-- did you mean ...?" for a fixture that pytest has not found among those it lists."""
    wrong = _NO_FIXTURE.match(told)
    if wrong is None:
        return ""
    listed = "".join(line.partition(_AVAILABLE)[2] for line in lines)
    meant = did_you_mean(wrong[1], (name.strip() for name in listed.split(",")))
    return f" -- {meant}" if meant else ""


def _noted(reason: str, note: str) -> str:
    """Return the reason with what became of the test's containers, unless it says so itself."""
    return f"{reason} ({note})" if note and note not in reason else reason


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT_LIMIT else f"... {text[-_TEXT_LIMIT:]}"


def pytest_configure(config: pytest.Config) -> None:
    """Write from the controller, or from the one process there is."""
    if not is_worker(config):
        config.pluginmanager.register(JournalWriter(config), "sct-journal-writer")
