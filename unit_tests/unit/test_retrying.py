from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm import retrying as module
from sdcm.retrying import retrying, timeout


class Failing:
    """Raises some times, then returns."""

    def __init__(self, times: int, error: type[Exception] = LookupError) -> None:
        self.left, self.error, self.calls = times, error, 0

    def __call__(self, value: int = 7) -> int:
        self.calls += 1
        if self.calls <= self.left:
            raise self.error(f"try {self.calls}")
        return value


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time that passes only by sleeping; the list has the pauses."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)

    # This module's name for it alone: other threads go on by the real clock.
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: sum(pauses)))
    return pauses


def test_it_tries_until_it_returns(clock: list[float]) -> None:
    function = Failing(2)
    assert retrying(n=3, sleep_time=0.5)(function)(value=9) == 9
    assert (function.calls, clock) == (3, [0.5, 0.5])


def test_the_last_error_is_raised_and_says_how_often_and_how_long(clock: list[float]) -> None:
    with pytest.raises(LookupError, match="try 3") as caught:
        retrying(message="read the row")(Failing(9))()
    assert caught.value.__notes__ == ["read the row: 3 tries within 2.0 s, all failed"]


def test_none_comes_back_where_nothing_is_to_be_raised(clock: list[float]) -> None:
    assert retrying(n=2, raise_on_exceeded=False)(Failing(9))() is None


def test_other_errors_escape_at_once(clock: list[float]) -> None:
    function = Failing(9, KeyError)
    with pytest.raises(KeyError):
        retrying(allowed_exceptions=(ValueError, OSError))(function)()
    assert function.calls == 1


def test_time_ends_it_and_shortens_the_last_pause(clock: list[float]) -> None:
    function = Failing(99)
    with pytest.raises(LookupError):
        timeout(timeout=1, sleep_time=0.4)(function)()
    assert clock == pytest.approx([0.4, 0.4, 0.2])
    assert function.calls == 4


@pytest.mark.parametrize("make", [lambda: retrying(n=0), timeout])
def test_what_would_never_end_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="for ever"):
        make()


def test_the_function_keeps_its_name_and_anything_callable_has_one(clock: list[float]) -> None:
    @retrying(n=1)
    def named() -> None:
        """What it does."""
        raise OSError

    assert (named.__name__, named.__doc__) == ("named", "What it does.")
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the note is what is looked at
        named()
    assert caught.value.__notes__[0].startswith("named: 1 tries")
    with pytest.raises(LookupError) as told:
        retrying(n=1)(Failing(9))()
    assert told.value.__notes__[0].startswith("Failing: 1 tries")


def test_it_is_known_under_the_name_users_import_it_by() -> None:
    from sdcm import wait

    assert wait.retrying is retrying
    assert wait.timeout is timeout
