"""Waiting for something to become true, always with a deadline and with evidence."""

import threading
import time
from collections.abc import Callable
from typing import Any

from sdcm.errors import DeadlinePassed


class WaitForTimeoutError(DeadlinePassed):
    """What was awaited did not happen in time."""


class ExitByEventError(Exception):
    """A wait was ended by its stop event."""


def _name_of(func: Callable[..., Any]) -> str:
    """Return a readable name for any callable, `functools.partial` and callable objects included."""
    inner = getattr(func, "func", func)
    return getattr(inner, "__name__", None) or type(inner).__name__


def wait_for(
    func: Callable[..., Any],
    step: float = 1,
    text: str | None = None,
    timeout: float | None = None,
    throw_exc: bool = True,
    stop_event: threading.Event | None = None,
    **kwargs: Any,
) -> Any:
    """Call `func(**kwargs)` until it returns something true.

    An exception of one try counts as "not yet" and is shown when the time is up.

    Args:
        func: What to try.
        step: Seconds between tries; shortened when less than that is left.
        text: What is awaited, for messages; the function's name otherwise.
        timeout: Seconds; `0` tries once, `None` waits without end.
        throw_exc: Raise when the time is up; otherwise return the last value.
        stop_event: Ends the wait when set.
        **kwargs: Passed to `func`.

    Returns:
        The first true value; with `throw_exc=False` the last value after the time is up.

    Raises:
        WaitForTimeoutError: The time is up; its cause is the last try's exception, if it raised.
        ExitByEventError: `stop_event` was set.
    """
    what = text or _name_of(func)
    start = time.monotonic()
    value: Any = None
    while True:
        failure: Exception | None = None
        try:
            value = func(**kwargs)
        except Exception as exc:  # noqa: BLE001 - any error of one try means "not yet"
            failure = exc
        else:
            if value:
                return value
        if stop_event is not None and stop_event.is_set():
            if not throw_exc:
                return value
            raise ExitByEventError(f"Wait for: {what}: stopped by Event") from failure
        left = None if timeout is None else start + timeout - time.monotonic()
        if left is not None and left <= 0:
            if not throw_exc:
                return value
            last = f"last error: {failure!r}" if failure else f"last value: {value!r}"
            raise WaitForTimeoutError(f"Wait for: {what}: timeout - {timeout} seconds - expired", why=last) from failure
        pause = step if left is None else min(step, left)
        if stop_event is not None:
            stop_event.wait(pause)
        else:
            time.sleep(pause)
