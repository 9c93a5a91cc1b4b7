"""Waiting: every case test authors know of `wait_for`, and what its timeout tells."""

import contextvars
import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from sdcm import exceptions
from sdcm.errors import EnvironmentFailed
from sdcm.wait import (
    ExitByEventError,
    WaitForTimeoutError,
    exponential_retry,
    forever_wait_for,
    guarded_by,
    no_use,
    wait_for,
)


class Attempts:
    """Gives the values in turn, the last one for ever; raises those that are exceptions."""

    def __init__(self, *values: Any) -> None:
        self.values = values
        self.count = 0

    def __call__(self, **kwargs: Any) -> Any:
        value = self.values[min(self.count, len(self.values) - 1)]
        self.count += 1
        if isinstance(value, BaseException):
            raise value
        return value


def test_a_true_value_is_returned_at_once() -> None:
    attempts = Attempts("up")
    start = time.monotonic()
    assert wait_for(attempts, step=60, timeout=120) == "up"
    assert attempts.count == 1
    assert time.monotonic() - start < 30


def test_keyword_arguments_reach_the_function() -> None:
    assert wait_for(lambda port, host: (host, port), timeout=0, port=9042, host="node") == ("node", 9042)


def test_an_exception_of_one_try_means_not_yet() -> None:
    attempts = Attempts(ConnectionError("refused"), 0, "up")
    assert wait_for(attempts, step=0.01, timeout=60) == "up"
    assert attempts.count == 3


def test_keyboard_interrupt_passes_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        wait_for(Attempts(KeyboardInterrupt()), step=0.01, timeout=5)


def test_the_timeout_names_what_was_awaited_how_long_and_the_last_value(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeClock(monkeypatch)
    with pytest.raises(WaitForTimeoutError) as caught:
        wait_for(Attempts([], 0, ""), step=0.02, text="two nodes up", timeout=0.1)
    assert str(caught.value) == "Wait for: two nodes up: timeout - 0.1 seconds - expired: last value: ''"
    assert caught.value.__cause__ is None


def test_the_timeout_carries_the_last_error_as_its_cause() -> None:
    refused = ConnectionError("refused")
    with pytest.raises(WaitForTimeoutError, match="last error: ConnectionError\\('refused'\\)") as caught:
        wait_for(Attempts(refused), step=0.01, timeout=0.05)
    assert caught.value.__cause__ is refused


def test_without_throwing_the_last_value_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeClock(monkeypatch)
    assert wait_for(Attempts(None, 0, []), step=0.02, timeout=0.1, throw_exc=False) == []


def test_without_throwing_an_error_of_the_last_try_is_swallowed() -> None:
    assert wait_for(Attempts(ValueError("x")), step=0.01, timeout=0.05, throw_exc=False) is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [pytest.param((0,), WaitForTimeoutError, id="false"), pytest.param((OSError(),), WaitForTimeoutError, id="error")],
)
def test_timeout_zero_tries_exactly_once(values: tuple[Any, ...], expected: type[Exception]) -> None:
    attempts = Attempts(*values)
    with pytest.raises(expected):
        wait_for(attempts, step=5, timeout=0)
    assert attempts.count == 1


def test_timeout_none_waits_until_it_is_true_and_retries_errors() -> None:
    attempts = Attempts(OSError(), 0, 0, "up")
    assert wait_for(attempts, step=0.01) == "up"
    assert attempts.count == 4


def test_the_number_of_tries_follows_from_timeout_and_step(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(monkeypatch)
    attempts = Attempts(0)
    with pytest.raises(WaitForTimeoutError):
        wait_for(attempts, step=10, timeout=40)
    assert attempts.count == 5
    assert clock.pauses == [10, 10, 10, 10]


def test_a_step_longer_than_the_timeout_is_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(monkeypatch)
    with pytest.raises(WaitForTimeoutError):
        wait_for(Attempts(0), step=60, timeout=2)
    assert clock.pauses == [2]


def test_a_jump_of_the_wall_clock_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeClock(monkeypatch)
    monkeypatch.setattr(time, "time", Attempts(0.0, 1e12))
    attempts = Attempts(0, 0, "up")
    assert wait_for(attempts, step=1, timeout=10) == "up"


class FakeClock:
    """A monotonic clock that only sleeping moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def _set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_a_set_event_ends_the_wait_after_one_try() -> None:
    attempts = Attempts(0)
    with pytest.raises(ExitByEventError, match="Wait for: node: stopped by Event"):
        wait_for(attempts, step=5, text="node", timeout=30, stop_event=_set_event())
    assert attempts.count == 1


def test_a_set_event_wins_over_a_timeout_of_the_same_moment() -> None:
    with pytest.raises(ExitByEventError):
        wait_for(Attempts(0), timeout=0, stop_event=_set_event())


def test_a_set_event_carries_the_last_error_and_gives_the_value_without_throwing() -> None:
    refused = ConnectionError("refused")
    with pytest.raises(ExitByEventError) as caught:
        wait_for(Attempts(refused), timeout=30, stop_event=_set_event())
    assert caught.value.__cause__ is refused
    assert wait_for(Attempts([]), timeout=30, throw_exc=False, stop_event=_set_event()) == []


def test_a_true_value_wins_over_a_set_event() -> None:
    assert wait_for(Attempts("up"), timeout=30, stop_event=_set_event()) == "up"


def test_an_event_set_later_cuts_the_pause_short() -> None:
    event = threading.Event()
    timer = threading.Timer(0.1, event.set)
    timer.start()
    start = time.monotonic()
    with pytest.raises(ExitByEventError):
        wait_for(Attempts(0), step=60, timeout=120, stop_event=event)
    timer.join()
    assert time.monotonic() - start < 30


class _Broken:
    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


@pytest.mark.parametrize(
    ("func", "shown"),
    [
        pytest.param(functools.partial(max, 0, 0), "Wait for: max: timeout", id="partial"),
        pytest.param(Attempts(0), "Wait for: Attempts: timeout", id="callable object"),
        pytest.param(lambda: 0, "Wait for: <lambda>: timeout", id="lambda"),
        pytest.param(_Broken, "whose repr raised RuntimeError", id="broken repr"),
    ],
)
def test_anything_callable_has_a_name_and_any_value_can_be_shown(func: Callable[..., Any], shown: str) -> None:
    with pytest.raises(WaitForTimeoutError, match=shown):
        wait_for(func, timeout=0)


def test_a_long_last_value_is_shortened() -> None:
    with pytest.raises(WaitForTimeoutError, match=r"\(100002 characters\)") as caught:
        wait_for(Attempts(_FalseText("x" * 100_000)), timeout=0)
    assert len(str(caught.value)) < 1000


class _FalseText(str):
    __slots__ = ()

    def __bool__(self) -> bool:
        return False


def test_a_try_that_hangs_is_left_behind() -> None:
    release = threading.Event()
    start = time.monotonic()
    with pytest.raises(WaitForTimeoutError, match=r"wait did not return within 0\.05 s"):
        wait_for(release.wait, step=0.01, timeout=0.1, attempt_timeout=0.05)
    assert time.monotonic() - start < 30
    assert not release.is_set()
    release.set()


def test_a_bounded_try_returns_raises_and_sees_context_like_any_other() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    variable.set("seen")
    assert wait_for(variable.get, timeout=60, attempt_timeout=60) == "seen"
    with pytest.raises(WaitForTimeoutError, match="ValueError"):
        wait_for(Attempts(ValueError("x")), timeout=0, attempt_timeout=60)


def test_forever_wait_for_returns_the_first_true_value() -> None:
    attempts = Attempts(0, OSError(), "up")
    assert forever_wait_for(attempts, step=0.01, text="up") == "up"
    assert attempts.count == 3


def test_exponential_retry_doubles_its_pauses_up_to_the_threshold(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock(monkeypatch)
    attempts = Attempts(*[OSError(f"try {number}") for number in range(1, 6)], "up")
    with caplog.at_level(logging.DEBUG):
        assert exponential_retry(attempts, exceptions=OSError, threshold=5) == "up"
    assert clock.pauses == [1, 2, 4, 5, 5]
    assert "try 5 of 10 failed: OSError('try 5')" in caplog.text


def test_exponential_retry_gives_up_after_its_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(monkeypatch)
    failure = OSError("down")
    with pytest.raises(WaitForTimeoutError, match="Attempts failed 3 times in a row: last error: OSError") as caught:
        exponential_retry(Attempts(failure), retries=3)
    assert caught.value.__cause__ is failure
    assert clock.pauses == [1, 2]


def test_exponential_retry_lets_other_errors_escape() -> None:
    attempts = Attempts(KeyError("x"))
    with pytest.raises(KeyError):
        exponential_retry(attempts, exceptions=(OSError, ValueError))
    assert attempts.count == 1


def test_the_exceptions_are_known_under_both_names() -> None:
    assert exceptions.WaitForTimeoutError is WaitForTimeoutError
    assert exceptions.ExitByEventError is ExitByEventError


def test_a_wait_ends_when_its_function_says_that_it_is_no_use() -> None:
    def look() -> bool:
        no_use(EnvironmentFailed("node-1 has ended"))
        return False

    started = time.monotonic()
    with pytest.raises(EnvironmentFailed, match="node-1 has ended"):
        wait_for(look, step=60, timeout=120)
    assert wait_for(look, step=60, timeout=120, throw_exc=False) is False
    assert time.monotonic() - started < 30
    no_use(EnvironmentFailed("nobody waits"))


def test_a_wait_ends_when_its_sentinel_says_so_but_not_one_that_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdcm.wait._LOOK_EVERY", 0.0)
    asked: list[float] = []

    def sentinel(started: float) -> EnvironmentFailed | None:
        asked.append(started)
        return EnvironmentFailed("node-1 has ended") if len(asked) == 2 else None

    with guarded_by(sentinel):
        assert wait_for(lambda: True)
        with pytest.raises(EnvironmentFailed, match="node-1 has ended"):
            wait_for(lambda: False, step=0.01, timeout=60)
    assert len(asked) == 2
    with pytest.raises(WaitForTimeoutError):
        wait_for(lambda: False, timeout=0)
