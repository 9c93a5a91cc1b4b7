"""Lets Python's collector of garbage leave alone what is there to stay: modules, and the tests that were collected.

While it imports and collects, pytest makes objects by the ten thousand and drops next to none, and a full collection
looks at every one of them, again and again. So there is none until the tests begin; what is there by then is set
apart (https://docs.python.org/3/library/gc.html#gc.freeze), and what the tests make is collected as ever.
"""

import gc
import os

import pytest

from sdcm.broker.protocol import PLAIN_VARIABLE, RUN_VARIABLE

_HELD = pytest.StashKey[bool]()


def hold(config: pytest.Config) -> None:
    """Collect no garbage until the tests begin, or pytest ends; in plain pytest that is not ours to decide."""
    if gc.isenabled() and RUN_VARIABLE in os.environ and PLAIN_VARIABLE not in os.environ:
        config.stash[_HELD] = True
        config.add_cleanup(_let_go)
        gc.disable()


def _let_go() -> None:
    """Set apart what is left, in which Python's own end would look for garbage: of 1,000 tests that takes 20 ms."""
    gc.enable()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Set apart what is there to stay, and collect again."""
    if session.config.stash.get(_HELD, False):
        del session.config.stash[_HELD]
        gc.freeze()
        gc.enable()
