"""A container's log, followed for lines that matter."""

import calendar
import re
import time
from collections.abc import Callable, Iterator, Sequence


class FollowedLog:
    """Gives the lines that match, each once: an iteration goes on where the last one ended.

    Args:
        read: Gives the log from a time (epoch seconds) on, each line with its time before it.
        patterns: Regular expressions; a line that one of them is found in matches. Every line does when none is
            given.
        since: Where to begin, epoch seconds.
    """

    def __init__(self, read: Callable[[float], str], patterns: Sequence[str], *, since: float) -> None:
        self._read = read
        self._patterns = [re.compile(pattern) for pattern in patterns]
        self._since = since
        self._last = ""
        #: Lines of that very moment that were given already.
        self._seen: list[str] = []

    def skip(self) -> None:
        """Leave out what the log says by now."""
        for _ in self:
            pass

    def __iter__(self) -> Iterator[str]:
        """Yield the matching lines that have come since the last look."""
        for raw in self._read(self._since).splitlines():
            moment, _, line = raw.partition(" ")
            if moment < self._last or (moment == self._last and line in self._seen):
                continue
            if moment > self._last:
                self._last, self._seen = moment, []
            self._seen.append(line)
            if not self._patterns or any(pattern.search(line) for pattern in self._patterns):
                yield line
        if self._last:
            self._since = _seconds(self._last)


def _seconds(moment: str) -> float:
    """Return the whole seconds of a time such as `2026-01-31T10:20:30.123456789Z`."""
    return float(calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S")))
