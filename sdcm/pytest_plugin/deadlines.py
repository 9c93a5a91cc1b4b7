"""Each test's deadline: body, set-up and teardown each have one, and the waits for services and leases are left out.

The body's comes from the nearest `timeout(seconds)` marker, else `--test-timeout`, else the setting `test_timeout`,
else `DEFAULT`; set-up and teardown have as long as the body each, and `FIXTURES` at least. docs/decisions says why this
is not pytest-timeout.
"""

import math
import os
from collections.abc import Generator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from sdcm import journal
from sdcm.paths import LAST_WORDS
from sdcm.pytest_plugin import evidence, stopping
from sdcm.pytest_plugin.clock import DeadlineClock
from sdcm.pytest_plugin.secrecy import redactor_of
from sdcm.pytest_plugin.session import acts, worker_name
from sdcm.pytest_plugin.timed_phase import Phase

MARKER = "timeout"
OPTION = "--test-timeout"
INI = "test_timeout"
#: Seconds for a test's body when nothing says otherwise; the slowest of ours takes a tenth.
DEFAULT = 600.0
#: Seconds that set-up, and teardown, have at least.
FIXTURES = 300.0
#: A week; more than a timer holds would fail each test in its set-up.
LONGEST = 7 * 24 * 3600.0

_CLOCK = pytest.StashKey[DeadlineClock]()
_CURRENT = pytest.StashKey[pytest.Item]()
_DEFAULT = pytest.StashKey[float | None]()
#: How many markers a test carried when it was looked at, and the seconds of its body.
_SECONDS = pytest.StashKey[tuple[int, float | None]]()


def add_options(parser: pytest.Parser) -> None:
    """Declare the option and the setting."""
    parser.getgroup("sct").addoption(
        OPTION, type=float, default=None, metavar="SECONDS", help="deadline of a test's body; 0: none"
    )
    parser.addini(INI, "seconds that the body of a test may take; 0: as long as it likes", default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what is no deadline before anything is collected."""
    default_seconds(config)


def clock_of(config: pytest.Config) -> DeadlineClock:
    """Return this process's clock."""
    if _CLOCK not in config.stash:
        config.stash[_CLOCK] = _make_clock(config)
    return config.stash[_CLOCK]


def _make_clock(config: pytest.Config) -> DeadlineClock:
    path = os.environ.get(journal.ENVIRONMENT_VARIABLE, "")
    folder = Path(path).parent if path and Path(path).exists() else None
    # With `--repeat` a run has several workers of one name.
    file = f"{worker_name(config)}-{os.getpid()}.txt"
    return DeadlineClock(
        _fail,
        stop=stopping.flag_of(config),
        last_words=folder / LAST_WORDS / file if folder else None,
        evidence=lambda: _evidence(config),
        last_resort=float(config.getini("faulthandler_timeout") or 0) <= 0,
    )


def _evidence(config: pytest.Config) -> str:
    if _CURRENT not in config.stash:
        return ""
    redactor = redactor_of(config)
    redactor.learn_named(os.environ)
    return redactor.text(evidence.last_evidence(config.stash[_CURRENT]))


def _fail(message: str) -> None:
    """Fail the running test; no `except Exception` of its own catches that.

    Raises:
        pytest.fail.Exception: Always.
    """
    __tracebackhide__ = True
    pytest.fail(message)


def seconds_of(item: pytest.Item) -> float | None:
    """Return the seconds that a test's body may take; None for as long as it likes.

    Raises:
        pytest.UsageError: The marker, or where it has none the option or the setting, holds no such number.
    """
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        return default_seconds(item.config)
    # pytest-timeout's own names; `method` and `func_only` mean nothing here.
    value = marker.args[0] if marker.args else marker.kwargs.get("timeout", marker.kwargs.get("seconds"))
    return _seconds(0 if value is None else value, item.nodeid)


def default_seconds(config: pytest.Config) -> float | None:
    """Return the seconds for the body of a test without a marker; None for as long as it likes.

    Raises:
        pytest.UsageError: The option or the setting holds no such number.
    """
    if _DEFAULT not in config.stash:
        config.stash[_DEFAULT] = _default(config)
    return config.stash[_DEFAULT]


def _default(config: pytest.Config) -> float | None:
    if (value := config.getoption(OPTION)) is not None:
        return _seconds(value, OPTION)
    if value := config.getini(INI):
        return _seconds(value, INI)
    return DEFAULT if acts(config) else None


def _seconds(wanted: object, where: str) -> float | None:
    try:
        seconds = float(str(wanted))
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise pytest.UsageError(f"{where}: {wanted!r} is no number of seconds for a deadline")
    if seconds > LONGEST:
        raise pytest.UsageError(f"{where}: {wanted!r} seconds are no deadline -- {LONGEST:g} at most, or 0 for none")
    return seconds if seconds > 0 else None


def _limit(item: pytest.Item, what: str) -> float | None:
    carried = len(item.own_markers)  # a fixture may have added one
    if _SECONDS not in item.stash or item.stash[_SECONDS][0] != carried:
        item.stash[_SECONDS] = carried, seconds_of(item)
    body = item.stash[_SECONDS][1]
    if what == "the test":
        return body
    return None if body is None else max(FIXTURES, body)


def last_item(config: pytest.Config) -> pytest.Item | None:
    """Return the test that this process is at, or was at last; None before the first."""
    return config.stash.get(_CURRENT, None)


def timed(item: pytest.Item, what: str) -> AbstractContextManager[Phase]:
    """Bound a phase of a test: `the test`, `its set-up`, `its teardown`."""

    def ended(phase: Phase) -> None:
        item.stash[evidence.STACKS] = phase.stacks
        item.stash[evidence.BLAME] = phase.blame

    item.config.stash[_CURRENT] = item
    return clock_of(item.config).phase(item.nodeid, what, _limit(item, what), ended)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Bound the set-up."""
    with timed(item, "its set-up"):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Bound the test's body."""
    with timed(item, "the test"):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Bound the teardown."""
    with timed(item, "its teardown"):
        return (yield)


def pytest_enter_pdb(config: pytest.Config) -> None:
    """Stop the clock while somebody is at a debugger's prompt."""
    clock_of(config).suspend()


def pytest_leave_pdb(config: pytest.Config) -> None:
    """Let it run on."""
    clock_of(config).resume()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the clock's thread end."""
    if _CLOCK in config.stash:
        config.stash[_CLOCK].close()
