"""A failing test's report carries the logs of the containers it held."""

from collections.abc import Generator
from typing import Protocol

import pytest

from sdcm.errors import EnvironmentFailed, SctError

#: Property of a report that names the failure's class, read by the journal's writer.
CLASS_PROPERTY = "sct.failure_class"
_LOG_LINES = 60


class Watched(Protocol):
    """What can tell what happened to it."""

    @property
    def name(self) -> str:
        """Name for the report's section."""

    def evidence(self, lines: int) -> str:
        """Return its state and the last lines of its log, or of its pods'."""


_WATCHED = pytest.StashKey[list[Watched]]()


def watch(item: pytest.Item, container: Watched) -> None:
    """Attach this container's log to the test's report, should it fail."""
    item.stash.setdefault(_WATCHED, []).append(container)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Class the failure and add evidence while the containers still stand."""
    report = yield
    if not report.failed or call.excinfo is None:
        return report
    error = call.excinfo.value
    environment = isinstance(error, EnvironmentFailed) and report.when != "call"
    item.user_properties.append((CLASS_PROPERTY, "environment" if environment else "test"))
    report.user_properties.append((CLASS_PROPERTY, "environment" if environment else "test"))
    if isinstance(error, SctError):
        if error.evidence:
            report.sections.append(("evidence", error.evidence))
        if environment:
            report.longrepr = str(error)
    for container in item.stash.get(_WATCHED, []):
        try:
            text = container.evidence(_LOG_LINES)
        except Exception as exc:  # noqa: BLE001 - evidence must never hide the failure it is for
            text = f"(its log cannot be read: {exc!r})"
        report.sections.append((f"container {container.name}", text))
    return report
