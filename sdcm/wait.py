"""Waiting for something to become true, always with evidence of what was seen last."""

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from sdcm.errors import DeadlinePassed, SctError
from sdcm.retrying import retrying, timeout

__all__ = [
    "ExitByEventError",
    "LogLineTimeout",
    "WaitForTimeoutError",
    "exponential_retry",
    "forever_wait_for",
    "guarded_by",
    "no_use",
    "retrying",
    "timeout",
    "wait_for",
    "wait_for_log_lines",
]

_LOG = logging.getLogger(__name__)
_SHOWN_CHARACTERS = 500


class WaitForTimeoutError(DeadlinePassed):
    """What was awaited did not happen in time."""


class LogLineTimeout(WaitForTimeoutError, TimeoutError):
    """A log did not say in time what was awaited."""


class ExitByEventError(Exception):
    """A wait was ended by its stop event."""


#: Asked between the tries of a wait: returns why waiting is no use any more, given when the wait began (monotonic).
Sentinel = Callable[[float], SctError | None]
_SENTINELS: contextvars.ContextVar[tuple[Sentinel, ...]] = contextvars.ContextVar("sentinels", default=())
_HOPELESS: contextvars.ContextVar[list[SctError] | None] = contextvars.ContextVar("hopeless", default=None)
_LOOK_EVERY = 1.0


class guarded_by:  # noqa: N801 - it is used as a function; each test is in one, and a generator's cost is felt there
    """Let every wait of this thread's, inside the block, end as soon as `sentinel` says that it is no use."""

    def __init__(self, sentinel: Sentinel) -> None:
        """Guard the block."""
        self._sentinel = sentinel

    def __enter__(self) -> None:
        self._token = _SENTINELS.set((*_SENTINELS.get(), self._sentinel))

    def __exit__(self, *exc: object) -> None:
        _SENTINELS.reset(self._token)


def no_use(error: SctError) -> None:
    """Say from within the function of a wait why waiting is no use any more; without a wait around it, nothing."""
    told = _HOPELESS.get()
    if told is not None:
        told.append(error)


class _Hope:
    """What may end a wait before its time."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._looked = started
        self._sentinels = _SENTINELS.get()

        self._told: list[SctError] = []

    def attempt(
        self, func: Callable[..., Any], kwargs: dict[str, Any], limit: float | None
    ) -> tuple[Any, Exception | None]:
        """Try once and return the value or the error; listens for `no_use` meanwhile."""
        self._told = []
        token = _HOPELESS.set(self._told)
        try:
            return _call(func, kwargs, limit), None
        except Exception as exc:  # noqa: BLE001 - any error of one try means "not yet"
            return None, exc
        finally:
            _HOPELESS.reset(token)

    def lost(self) -> SctError | None:
        """Return why waiting is no use after a try that did not succeed."""
        if self._told:
            return self._told[0]
        now = time.monotonic()
        if not self._sentinels or now - self._looked < _LOOK_EVERY:
            return None
        self._looked = now
        return next((error for sentinel in self._sentinels if (error := sentinel(self._started)) is not None), None)


def _name_of(func: Callable[..., Any]) -> str:
    """Return a readable name for any callable, `functools.partial` and callable objects included."""
    inner = getattr(func, "func", func)
    return getattr(inner, "__name__", None) or type(inner).__name__


def _shown(value: object) -> str:
    """Return `value` for a message: one that cannot be shown, or is long, spoils no error."""
    try:
        text = repr(value)
    except Exception as exc:  # noqa: BLE001 - a broken __repr__ must not hide the timeout
        return f"<{type(value).__name__}, whose repr raised {type(exc).__name__}>"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}... ({len(text)} characters)"


def _call(func: Callable[..., Any], kwargs: dict[str, Any], limit: float | None) -> Any:
    """Call `func`; with a limit, in a thread that is left behind when it does not come back in time."""
    if limit is None:
        return func(**kwargs)
    outcome: list[tuple[Any, BaseException | None]] = []

    def attempt() -> None:
        try:
            outcome.append((func(**kwargs), None))
        except BaseException as exc:  # noqa: BLE001 - handed to the waiting thread
            outcome.append((None, exc))

    thread = threading.Thread(target=contextvars.copy_context().run, args=(attempt,), name="sct-wait", daemon=True)
    thread.start()
    thread.join(limit)
    if not outcome:
        raise TimeoutError(f"{_name_of(func)} did not return within {limit:g} s")
    value, failure = outcome[0]
    if failure is not None:
        raise failure
    return value


def wait_for(
    func: Callable[..., Any],
    step: float = 1,
    text: str | None = None,
    timeout: float | None = None,
    throw_exc: bool = True,
    stop_event: threading.Event | None = None,
    *,
    attempt_timeout: float | None = None,
    **kwargs: Any,
) -> Any:
    """Call `func(**kwargs)` until it returns something true.

    An exception of one try counts as "not yet" and is shown when the time is up. The wait ends at once when a
    container that the test holds, and the function asks or that ends meanwhile, has ended by itself.

    Args:
        func: What to try.
        step: Seconds between tries; shortened when less than that is left.
        text: What is awaited, for messages; the function's name otherwise.
        timeout: Seconds; `0` tries once, `None` waits without end.
        throw_exc: Raise when the time is up; otherwise return the last value.
        stop_event: Ends the wait when set; it wins over a timeout of the same moment.
        attempt_timeout: Seconds one try may take; past them it counts as "not yet" and is left behind in
            its thread. Without it a try that hangs holds the wait beyond its timeout.
        **kwargs: Passed to `func`.

    Returns:
        The first true value; with `throw_exc=False` the last value after the time is up.

    Raises:
        WaitForTimeoutError: The time is up; its cause is the last try's exception, if it raised.
        ExitByEventError: `stop_event` was set.
        SctError: Waiting is no use any more (`guarded_by`, `no_use`).
    """
    what = text or _name_of(func)
    start = time.monotonic()
    hope = _Hope(start)
    value: Any = None
    while True:
        got, failure = hope.attempt(func, kwargs, attempt_timeout)
        value = value if failure else got
        if value and not failure:
            return value
        if (lost := hope.lost()) is not None:
            if not throw_exc:
                return value
            raise lost from failure
        if stop_event is not None and stop_event.is_set():
            if not throw_exc:
                return value
            raise ExitByEventError(f"Wait for: {what}: stopped by Event") from failure
        left = None if timeout is None else start + timeout - time.monotonic()
        if left is not None and left <= 0:
            if not throw_exc:
                return value
            last = f"last error: {_shown(failure)}" if failure else f"last value: {_shown(value)}"
            raise WaitForTimeoutError(f"Wait for: {what}: timeout - {timeout} seconds - expired", why=last) from failure
        pause = step if left is None else min(step, left)
        if stop_event is not None:
            stop_event.wait(pause)
        else:
            time.sleep(pause)


def forever_wait_for(func: Callable[..., Any], step: float = 1, text: str | None = None, **kwargs: Any) -> Any:
    """Call `func(**kwargs)` until it returns something true, however long that takes.

    For code that something else bounds (a test's own deadline); prefer `wait_for` with a timeout.
    """
    return wait_for(func, step=step, text=text, timeout=None, **kwargs)


def exponential_retry(
    func: Callable[[], Any],
    exceptions: type[Exception] | tuple[type[Exception], ...] = Exception,
    threshold: float = 300,
    retries: int = 10,
    logger: logging.Logger = _LOG,
) -> Any:
    """Call `func` until it raises none of `exceptions`; the pauses are 1 s, 2 s, 4 s, ... up to `threshold`.

    Args:
        func: What to try; called without arguments.
        exceptions: What is worth another try; anything else escapes at once.
        threshold: Longest pause in seconds.
        retries: How many tries there are in all, at least one.
        logger: Told of each failed try.

    Returns:
        What `func` returned.

    Raises:
        WaitForTimeoutError: Every try failed; its cause is the last try's exception.
    """
    pause, attempt = 1.0, 0
    while True:
        attempt += 1
        try:
            return func()
        except exceptions as exc:
            logger.debug("%s: try %d of %d failed: %r", _name_of(func), attempt, retries, exc)
            if attempt >= retries:
                why = f"last error: {_shown(exc)}"
                raise WaitForTimeoutError(f"{_name_of(func)} failed {attempt} times in a row", why=why) from exc
        time.sleep(min(pause, threshold))
        pause *= 2


class LogsLines(Protocol):
    """A node whose log can be followed."""

    @property
    def name(self) -> str:
        """Its name."""

    def follow_system_log(self, patterns: Sequence[str]) -> Iterable[str]:
        """Return what yields, at each iteration, the matching lines that have come since the last one."""


@contextmanager
def wait_for_log_lines(
    node: LogsLines,
    start_line_patterns: Sequence[str],
    end_line_patterns: Sequence[str],
    start_timeout: float = 60,
    end_timeout: float = 120,
    error_msg_ctx: str = "",
) -> Iterator[None]:
    """Run the body, then wait until the node's log says that what it began has begun and ended.

    The log is followed from before the body. An error of the body escapes at once; nothing is waited for then.

    Args:
        node: Whose log.
        start_line_patterns: Regular expressions; a line that one of them is found in says that it has begun.
        end_line_patterns: The same for its end.
        start_timeout: Seconds after the body for the beginning.
        end_timeout: Seconds after the beginning for the end.
        error_msg_ctx: What it is about, for the error.

    Raises:
        LogLineTimeout: A line did not come in time; a `TimeoutError` too.
    """
    followed = [
        ("start", start_line_patterns, start_timeout, node.follow_system_log(start_line_patterns)),
        ("end", end_line_patterns, end_timeout, node.follow_system_log(end_line_patterns)),
    ]
    yield
    for which, patterns, limit, lines in followed:
        about = f"{error_msg_ctx}: " if error_msg_ctx else ""
        what = f"{about}Timeout occurred while waiting for {which} log line {list(patterns)} on node: {node.name}"
        try:
            wait_for(lambda lines=lines: list(lines), step=0.5, timeout=limit, text=what)
        except WaitForTimeoutError as exc:
            raise LogLineTimeout(what, why=f"not within {limit:g} s") from exc
