"""How busy are the processors that a run may use."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sdcm.broker import cgroups_here

#: Seconds that an answer is about: within less, a single test that begins would look like a busy machine; beyond more,
#: it is not about now.
_AT_LEAST, _AT_MOST = 1.0, 10.0


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
        self._times = times or seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._idle = self._all = 0.0
        self._busy: float | None = None

    def busy(self) -> float | None:
        """Return the share, from 0 to 1, since the latest look that is a second old; None where that is not known."""
        with self._lock:
            now = self._clock()
            since = now - self._looked
            if since < _AT_LEAST:
                return self._busy
            try:
                idle, total = self._times()
            except OSError:
                return None
            known = since <= _AT_MOST and total > self._all
            self._busy = min(1.0, max(0.0, 1.0 - (idle - self._idle) / (total - self._all))) if known else None
            self._looked, self._idle, self._all = now, idle, total
            return self._busy


def seconds(root: Path = Path("/")) -> tuple[float, float]:
    """Return how many seconds the processors that this process may use have idled, and all their seconds.

    Args:
        root: Where `proc` and `sys` are looked for.

    Raises:
        OSError: It cannot be told, or a cgroup limits the time: how busy the processors are says nothing then.
    """
    import psutil

    if any(_is_limited(folder, first) for folder, first in cgroups_here.folders("cpu", root)):
        raise OSError("a cgroup limits the processors' time")
    each = psutil.cpu_times(percpu=True)
    ours = [each[number] for number in os.sched_getaffinity(0) if number < len(each)]
    # What guests take is part of user and nice; see proc(5).
    guests = sum(getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0) for times in ours)
    idle = sum(times.idle + getattr(times, "iowait", 0.0) for times in ours)
    return idle, sum(map(sum, ours)) - guests


def _is_limited(folder: Path, first: bool) -> bool:
    """Whether a cgroup has a quota; https://docs.kernel.org/scheduler/sched-bwc.html."""
    try:
        told = (folder / ("cpu.cfs_quota_us" if first else "cpu.max")).read_text().split()
    except OSError:
        return False
    return told[:1] not in ([], ["max"], ["-1"])
