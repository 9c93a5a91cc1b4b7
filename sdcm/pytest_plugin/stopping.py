"""What a request to stop the run does here: no test starts any more; running ones are `deadlines`' affair.

A SIGTERM ends pytest in order, from a debugger's prompt too: fixtures are torn down, reports are written.
"""

import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from sdcm import journal
from sdcm.pytest_plugin.session import acts, context_of, is_worker
from sdcm.real_time import RealTime
from sdcm.stop_flag import StopFlag

_FLAG = pytest.StashKey["StopFlag | None"]()


def flag_of(config: pytest.Config) -> StopFlag | None:
    """Return the flag of the run; None in plain pytest, which has no runner to put it up."""
    if _FLAG not in config.stash:
        path = os.environ.get(journal.ENVIRONMENT_VARIABLE, "")
        there = bool(path) and Path(path).exists() and not context_of(config).plain
        config.stash[_FLAG] = StopFlag(Path(path).parent) if there else None
    return config.stash[_FLAG]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Leave the test out once the run was asked to stop."""
    return True if no_more_tests(item.config) else None


def no_more_tests(config: pytest.Config) -> bool:
    """Whether the run was asked to stop, or has as many failures as `-x` or `--maxfail` allow."""
    flag = flag_of(config)
    return flag is not None and (flag.read() is not None or (_most_failures(config) > 0 and flag.enough()))


def _most_failures(config: pytest.Config) -> int:
    """Return after how many failures the run is to end (`-x`, `--maxfail`); 0: it goes on whatever fails."""
    return int(config.getoption("maxfail", 0) or 0)


class FailureCount:
    """Puts the flag up when enough tests have failed: xdist's own order to stop comes after what workers hold."""

    def __init__(self, flag: StopFlag, most: int) -> None:
        """Put `flag` up at the `most`-th failure."""
        self._flag = flag
        self._left = most

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a phase that failed."""
        if report.failed and not hasattr(report, "wasxfail"):
            self._left -= 1
            if self._left == 0:
                self._flag.put_up_enough()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Count failures where they are all seen, if their number ends the run."""
    config = session.config
    most = _most_failures(config)
    if most and not is_worker(config) and (flag := flag_of(config)) is not None:
        config.pluginmanager.register(FailureCount(flag, most), "sct-failure-count")


def pytest_configure(config: pytest.Config) -> None:
    """End in order on SIGTERM, unless somebody else handles it."""
    if is_worker(config) or not acts(config) or threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if (flag := flag_of(config)) is not None:
            # The workers' tests end too; xdist would wait ten seconds for them.
            flag.put_up(RealTime.time(), "pytest was ended by SIGTERM", StopFlag.INTERRUPTED)
        pytest.exit("ended by SIGTERM", returncode=pytest.ExitCode.INTERRUPTED)

    signal.signal(signal.SIGTERM, end)


def _debugging(config: pytest.Config, *, on: bool) -> None:
    flag = flag_of(config)
    if flag is not None:
        flag.set_debugging(on=on)


def pytest_enter_pdb(config: pytest.Config) -> None:
    """Tell the runner that Ctrl-C is the debugger's now."""
    _debugging(config, on=True)


def pytest_leave_pdb(config: pytest.Config) -> None:
    """Tell the runner that it is not any more."""
    _debugging(config, on=False)
