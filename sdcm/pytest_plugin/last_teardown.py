"""Tears down, within a deadline, what the last test left standing for a next one that never comes.

With `-x`, or when the run is asked to stop, tests that a worker already holds are left out. The module's fixtures,
which were kept for them, would otherwise go at the session's end: without a deadline, and with nobody to report to.
"""

from collections.abc import Generator

import pytest

from sdcm import journal
from sdcm.pytest_plugin import deadlines
from sdcm.pytest_plugin.journalling import record_of
from sdcm.pytest_plugin.session import acts, worker_name


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Do it before anything else is ended; what fails is told as a second end of the last test."""
    item = deadlines.last_item(session.config)
    if item is not None and acts(session.config) and session._setupstate.stack:
        report = _tear_down(item)
        if report.failed:
            record = {**record_of([report]), "worker": worker_name(session.config)}
            journal.note("test-end", **record)
    return (yield)


def _tear_down(item: pytest.Item) -> pytest.TestReport:
    def end() -> None:
        with deadlines.timed(item, "its teardown"):
            item.session._setupstate.teardown_exact(None)

    call = pytest.CallInfo.from_call(end, "teardown", reraise=(pytest.exit.Exception, KeyboardInterrupt))
    report: pytest.TestReport = item.ihook.pytest_runtest_makereport(item=item, call=call)
    return report
