import os
import signal
from contextlib import suppress

import pytest

from sdcm.errors import Interrupted
from sdcm.run.signals import Interrupts


def _send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def test_the_first_request_ends_the_run_at_once() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="SIGTERM"), Interrupts():
        _send(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_one_whose_exception_was_swallowed_ends_it_at_the_next_stage() -> None:
    with Interrupts() as interrupts:
        interrupts.check()
        with suppress(Interrupted):
            _send(signal.SIGINT)
        with pytest.raises(Interrupted, match="SIGINT"):
            interrupts.check()


def test_deferred_requests_are_only_counted() -> None:
    with Interrupts() as interrupts:
        interrupts.deferred = True
        _send(signal.SIGINT)
        _send(signal.SIGTERM)
        assert interrupts.count == 2


def test_keys_are_pytests_while_it_has_the_terminal() -> None:
    with Interrupts() as interrupts:
        interrupts.keys_are_pytests = True
        _send(signal.SIGINT)
        assert interrupts.count == 0
