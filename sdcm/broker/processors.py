"""How busy this machine's processors are."""

import threading
import time
from collections.abc import Callable

#: Seconds that an answer is about at least: within less, a single test that begins would look like a busy machine.
_WINDOW = 1.0


class Processors:
    """Tells the share of them that has been at work of late; safe to use from several threads."""

    def __init__(
        self, times: Callable[[], tuple[float, float]] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Look for the first time when first asked.

        Args:
            times: Returns the seconds that all processors together have idled, and all their seconds.
            clock: Returns seconds.
        """
        self._times = times or _times
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = 0.0
        self._idle = self._all = 0.0
        self._busy = 1.0

    def busy(self) -> float:
        """Return the share, from 0 to 1, since the latest look that is a second old; 1 while that is not known."""
        with self._lock:
            now = self._clock()
            if self._all and now - self._looked < _WINDOW:
                return self._busy
            idle, total = self._times()
            if self._all and total > self._all:
                self._busy = min(1.0, max(0.0, 1.0 - (idle - self._idle) / (total - self._all)))
            self._looked, self._idle, self._all = now, idle, total
            return self._busy


def _times() -> tuple[float, float]:
    import psutil

    times = psutil.cpu_times()
    # What guests take is part of user and nice; see proc(5).
    guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return times.idle + getattr(times, "iowait", 0.0), sum(times) - guests
