"""Decorators that try a function again when it raises."""

import functools
import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_LOG = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")


def retrying(
    n: int = 3,
    sleep_time: float = 1,
    allowed_exceptions: type[Exception] | tuple[type[Exception], ...] = (Exception,),
    message: str = "",
    timeout: float = 0,
    raise_on_exceeded: bool = True,
) -> Callable[[Callable[P, R]], Callable[P, R | None]]:
    """Try the decorated function again while it raises.

        @retrying(n=5, sleep_time=0.5, allowed_exceptions=NoHostAvailable)
        def count(): ...

    Args:
        n: How many tries in all; 0: as many as fit into `timeout`.
        sleep_time: Seconds between tries; shortened when less than that is left.
        allowed_exceptions: What is worth another try; anything else escapes at once.
        message: What is tried, for the log and the error; the function's name otherwise.
        timeout: Seconds after which no further try begins; 0: `n` alone decides.
        raise_on_exceeded: Raise the last try's error when no try is left; otherwise return None.

    Raises:
        ValueError: Neither `n` nor `timeout` ends it.
    """
    if n <= 0 and timeout <= 0:
        raise ValueError("retrying without n and timeout would try for ever: give one of them")

    def decorated(func: Callable[P, R]) -> Callable[P, R | None]:
        what = message or getattr(func, "__name__", type(func).__name__)

        @functools.wraps(func)
        def tried(*args: P.args, **kwargs: P.kwargs) -> R | None:
            started, attempt = time.monotonic(), 0
            while True:
                attempt += 1
                try:
                    return func(*args, **kwargs)
                except allowed_exceptions as exc:
                    passed = time.monotonic() - started
                    _LOG.debug("%s: try %d failed after %.1f s: %r", what, attempt, passed, exc)
                    if (n > 0 and attempt >= n) or (timeout > 0 and passed >= timeout):
                        if not raise_on_exceeded:
                            return None
                        exc.add_note(f"{what}: {attempt} tries within {passed:.1f} s, all failed")
                        raise
                time.sleep(min(sleep_time, started + timeout - time.monotonic()) if timeout > 0 else sleep_time)

        return tried

    return decorated


#: `retrying` by time alone: `@timeout(timeout=60)`.
timeout = functools.partial(retrying, n=0)
