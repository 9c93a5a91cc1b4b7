"""Notes how long each test took, for the next run's order of tests."""

import os
from pathlib import Path

import pytest

from sdcm import journal, paths
from sdcm.pytest_plugin.session import acts, is_worker
from sdcm.scheduling.protocol import WAITED_PROPERTY
from sdcm.scheduling.units import split_group
from sdcm.services import selected

#: What durations that could not be noted are journalled as, a step that failed.
STEP = "durations"


class DurationRecorder:
    """Sums up each test's phases, and saves them at the session's end."""

    def __init__(self, file: Path) -> None:
        """Save to `file`."""
        self._file = file
        self._running: dict[str, float] = {}
        self._measured: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a phase; only a test that passed or failed on its own tells how long it takes."""
        nodeid, _ = split_group(report.nodeid)
        seconds = self._running.pop(nodeid, 0.0) + report.duration
        if report.when == "setup":
            waited = [float(str(value)) for key, value in report.user_properties if key == WAITED_PROPERTY]
            seconds = max(0.0, seconds - sum(waited))
            if not report.passed:
                return
        if report.when == "teardown":
            self._measured[nodeid] = seconds
        else:
            self._running[nodeid] = seconds

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Save what was measured; a disk that is full costs the next run's order, not this run.

        A defect of ours is a failed step of the run, and takes nothing from what the tests have told.
        """
        if not self._measured:
            return
        from sdcm.scheduling import durations

        try:
            durations.note(self._file, self._measured)
        except OSError as exc:
            journal.note("durations-lost", reason=str(exc))
        except Exception as exc:  # noqa: BLE001 - pytest would end with a traceback, and as if a test had failed
            from sdcm.broker.defects import note_in_run

            journal.note("durations-lost", reason=repr(exc))
            note_in_run(STEP, exc)


def _changes_its_own_split() -> bool:
    """Whether the run is a share split by this machine's own file; then the shares after it must find it as it was."""
    from sdcm.scheduling import durations

    return selected.SHARE_VARIABLE in os.environ and not os.environ.get(durations.FILE_VARIABLE)


def pytest_configure(config: pytest.Config) -> None:
    """Record in the process that sees all reports, where our scheduler acts."""
    if is_worker(config) or config.option.collectonly or not acts(config) or _changes_its_own_split():
        return
    from sdcm.scheduling import durations

    file = durations.own_file(config.rootpath, paths.from_environment())
    config.pluginmanager.register(DurationRecorder(file), "sct-duration-recorder")
