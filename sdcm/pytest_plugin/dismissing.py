"""Tells the broker when the last test that needs a service has ended, so that it need not stand until the run's end."""

from collections.abc import Iterable

import pytest

from sdcm.errors import SctError
from sdcm.pytest_plugin.session import acts, context_of, is_worker
from sdcm.scheduling.units import split_group
from sdcm.services import selected
from sdcm.services.selected import SelectedTest

#: Services that are worth taking down while tests run.
_LABELS = ("kubernetes",)
_PHASES = ("setup", "call", "teardown")


class Dismisser:
    """Counts the chosen tests down, in the process that sees all reports."""

    def __init__(self, config: pytest.Config) -> None:
        """Know of no test yet."""
        self._config = config
        self._waited_for: dict[str, set[str]] | None = None
        self._again: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test off once its last phase, or the death of its worker, is reported."""
        if self._waited_for is not None and not self._waited_for:
            return  # there is nothing, or nothing any more, that could go
        nodeid, _ = split_group(report.nodeid)
        if report.outcome not in {"passed", "failed", "skipped"}:
            self._again.add(nodeid)  # a plugin runs it once more
        elif report.when == "teardown" or report.when not in _PHASES:
            if nodeid in self._again:
                self._again.discard(nodeid)
            else:
                self._ended(nodeid)

    def _ended(self, nodeid: str) -> None:
        if self._waited_for is None:
            file = context_of(self._config).selection_file
            self._waited_for = by_service(selected.read(file) if file and file.is_file() else ())
        for label, tests in list(self._waited_for.items()):
            tests.discard(nodeid)
            if not tests:
                del self._waited_for[label]
                self._tell(label)

    def _tell(self, label: str) -> None:
        client = context_of(self._config).client_at_hand()
        if client is not None:
            try:
                client.ask("unneeded", service=label)
            except SctError as exc:  # it then stands until teardown
                from sdcm.broker.defects import note_in_run

                note_in_run(f"dismissal of {label}", exc)


def by_service(tests: Iterable[SelectedTest]) -> dict[str, set[str]]:
    """Return the node ids of the tests that need each of the services that are worth taking down.

    Tests that are known to be skipped count, too: their end is reported as well. A service whose tests cannot be told
    apart by their node ids is left out.
    """
    found: dict[str, set[str]] = {}
    for label in _LABELS:
        names = [test.nodeid for test in tests if label in test.services]
        if names and len(set(names)) == len(names):
            found[label] = set(names)
    return found


def pytest_configure(config: pytest.Config) -> None:
    """Count in the controller, or in the one process there is."""
    if not is_worker(config) and not config.option.collectonly and acts(config):
        config.pluginmanager.register(Dismisser(config), "sct-dismisser")
