"""Each test's deadline: body, set-up and teardown each have one, and the waits for services and leases are left out.

The body's comes from the nearest `timeout(seconds)` marker, else `--test-timeout`, else the setting `test_timeout`,
else `DEFAULT`; set-up and teardown have as long as the body each, and `FIXTURES` at least. docs/decisions says why this
is not pytest-timeout.
"""

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

_CLOCK = pytest.StashKey[DeadlineClock]()
_CURRENT = pytest.StashKey[pytest.Item]()
_DEFAULT = pytest.StashKey[object]()
#: How many markers a test carried when it was looked at, and the seconds of its body.
_SECONDS = pytest.StashKey[tuple[int, float | None]]()


def add_options(parser: pytest.Parser) -> None:
    """Declare the option and the setting."""
    parser.getgroup("sct").addoption(
        OPTION, type=float, default=None, metavar="SECONDS", help="deadline of a test's body; 0: none"
    )
    parser.addini(INI, "seconds that the body of a test may take; 0: as long as it likes", default=None)


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
        pytest.UsageError: The marker or the setting holds no number.
    """
    wanted = _wanted(item)
    try:
        seconds = float(str(wanted))
    except ValueError as exc:
        raise pytest.UsageError(f"{item.nodeid}: {wanted!r} is no number of seconds for a deadline") from exc
    return seconds if seconds > 0 else None


def _wanted(item: pytest.Item) -> object:
    marker = item.get_closest_marker(MARKER)
    if marker is not None:
        # pytest-timeout's own names; `method` and `func_only` mean nothing here.
        value = marker.args[0] if marker.args else marker.kwargs.get("timeout", marker.kwargs.get("seconds"))
        return 0 if value is None else value
    config = item.config
    if _DEFAULT not in config.stash:
        config.stash[_DEFAULT] = _default(config)
    return config.stash[_DEFAULT]


def _default(config: pytest.Config) -> object:
    if (value := config.getoption(OPTION)) is not None:
        return value
    if value := config.getini(INI):
        return value
    return DEFAULT if acts(config) else 0


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
