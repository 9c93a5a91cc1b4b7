"""The requests that workers wait for an answer to."""

import itertools
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

#: Requests that may take their time.
_SLOW = {"wait", "node", "container", "namespace", "image", "load-image", "own", "held-back"}


class UnderWay:
    """Remembers each request while it is answered; safe to use from several threads."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._open: dict[int, tuple[float, str, str, str]] = {}

    @contextmanager
    def answering(self, worker: str, op: str, arguments: Mapping[str, Any]) -> Iterator[None]:
        """Remember a request for the time of the block."""
        if op not in _SLOW:
            yield
            return
        what = str(arguments.get("service") or arguments.get("image") or op)
        with self._lock:
            number = next(self._numbers)
            self._open[number] = time.monotonic(), worker, what, str(arguments.get("test", ""))
        try:
            yield
        finally:
            with self._lock:
                del self._open[number]

    def told(self) -> list[dict[str, Any]]:
        """Return who waits for what, and since when, as JSON values; who has waited longest first."""
        now = time.monotonic()
        with self._lock:
            waits = sorted(self._open.values())
        return [
            {"worker": worker, "what": what, "test": test, "seconds": round(now - since, 1)}
            for since, worker, what, test in waits
        ]
