"""What a test has leased is given back when its whole tear-down is over, so that a failing one leaves evidence.

A fixture's tear-down may fail after that of another has given a node back, or before; either way the node must still
stand when the failure is looked into. The time between is that of the fixtures' own code.
"""

from collections.abc import Callable, Generator
from contextlib import ExitStack, suppress

import pytest

from sdcm.errors import SctError
from sdcm.pytest_plugin import evidence, evidence_folder

_PUT_OFF = pytest.StashKey[list[Callable[[], None]] | None]()


def at_end(config: pytest.Config, action: Callable[[], None]) -> None:
    """Do this at the end of the tear-down that is under way, else at once."""
    put_off = config.stash.get(_PUT_OFF, None)
    if put_off is None:
        action()
    else:
        put_off.append(action)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Look at what the test has should its tear-down fail, then give it back."""
    put_off: list[Callable[[], None]] = []
    item.config.stash[_PUT_OFF] = put_off
    try:
        return (yield)
    except (Exception, pytest.fail.Exception):
        if not evidence.has_failed(item):
            _look(item)
            item.stash[evidence.FAILED] = True
        raise
    finally:
        item.config.stash[_PUT_OFF] = None
        if put_off:
            with ExitStack() as stack:
                for action in reversed(put_off):
                    stack.callback(action)


def _look(item: pytest.Item) -> None:
    from sdcm.pytest_plugin.deadlines import clock_of

    with clock_of(item.config).paused():
        findings = evidence.look(item)
        item.stash[evidence.BEFORE_RELEASE] = findings
        evidence_folder.gather_before_release(item, findings)
    for container in evidence.watched_by(item):
        # Their fixtures have closed them already; looking has opened a connection again.
        with suppress(SctError, OSError):
            getattr(container, "close", lambda: None)()
