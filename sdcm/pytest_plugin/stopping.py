"""What a request to stop the run does here: no test starts any more; running ones are `deadlines`' affair.

A SIGTERM ends pytest in order, from a debugger's prompt too: fixtures are torn down, reports are written.
"""

import os
import signal
import threading
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from sdcm import journal
from sdcm.pytest_plugin.session import acts, context_of, is_worker
from sdcm.real_time import RealTime
from sdcm.stop_flag import StopFlag

_FLAG = pytest.StashKey["StopFlag | None"]()
_PHASES = ("setup", "call", "teardown")
#: Plugins that run a failed test again.
_TRY_AGAIN = ("rerunfailures", "flaky")


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


def failures_end_run(config: pytest.Config) -> bool:
    """Whether some number of failures ends the run."""
    return _most_failures(config) > 0


def _most_failures(config: pytest.Config) -> int:
    """Return after how many failures the run is to end (`-x`, `--maxfail`); 0: it goes on whatever fails."""
    return int(config.getoption("maxfail", 0) or 0)


class FailureCount:
    """Puts the flag up when enough tests have failed.

    xdist's own order to stop comes after what the workers hold, and a report only after its evidence, which may take
    many seconds. So a failure is counted where it happens, before that is gathered.
    """

    def __init__(self, flag: StopFlag, most: int, *, tries_again: bool = False) -> None:
        """Put `flag` up at the `most`-th failure.

        Args:
            flag: The run's.
            most: How many failures end the run.
            tries_again: A plugin may run a failed test once more: then only what is reported in the end counts.
        """
        self._flag = flag
        self._most = most
        self._tries_again = tries_again

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Count a phase that failed in this process."""
        report = yield
        if not self._tries_again:
            self._count(report)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the crash of a worker, which nobody else can tell of."""
        made_here = not hasattr(report, "node")
        if (self._tries_again and made_here) or report.when not in _PHASES:
            self._count(report)

    def _count(self, report: pytest.TestReport) -> None:
        if report.failed and not hasattr(report, "wasxfail"):
            self._flag.count_failure(self._most)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Count failures if their number ends the run."""
    config = session.config
    most = _most_failures(config)
    if most and (flag := flag_of(config)) is not None:
        tries_again = any(config.pluginmanager.hasplugin(name) for name in _TRY_AGAIN)
        config.pluginmanager.register(FailureCount(flag, most, tries_again=tries_again), "sct-failure-count")


def pytest_configure(config: pytest.Config) -> None:
    """End in order on SIGTERM, unless somebody else handles it."""
    if is_worker(config) or not acts(config) or threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    own = os.getpid()

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if os.getpid() != own:  # a child that a test has forked: it ends alone, and as it would without us
            os.kill(os.getpid(), signal.SIGTERM)
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
