"""Lines of a tool's output that are worth an event."""

import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sdcm.events.event import Event
from sdcm.events.severity import Severity

#: Events of one kind that one run publishes; a tool in trouble repeats itself without end.
MOST = 20


@dataclass(kw_only=True, eq=False)
class StressLogEvent(Event):
    """A line of a stress tool's output; each tool has a kind of its own below it.

    Attributes:
        node: The loader.
        line: The line.
        line_number: Its number, from 1.
        log_file_name: The run's log.
    """

    node: str = ""
    line: str = ""
    line_number: int = 0
    log_file_name: str = ""


@dataclass(frozen=True)
class LogPattern:
    """What makes a line worth an event.

    Attributes:
        type: Name of the kind of line.
        pattern: Found anywhere in the line.
        severity: How bad it is.
    """

    type: str
    pattern: re.Pattern[str]
    severity: Severity


class LogWatcher:
    """Publishes events for the lines of one run.

    Every event is an object of its own: runs side by side share nothing that changes.
    """

    def __init__(
        self, kind: type[StressLogEvent], patterns: Sequence[LogPattern], *, node: str, log_file_name: str
    ) -> None:
        """Look for `patterns`, and publish what is found as events of `kind`."""
        self._kind = kind
        self._patterns = tuple(patterns)
        self._node = node
        self._log = log_file_name
        self._lines = 0
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, line: str) -> None:
        """Look at the next line; the first pattern that is found decides."""
        with self._lock:
            self._lines += 1
            number = self._lines
            found = next((each for each in self._patterns if each.pattern.search(line)), None)
            if found is None:
                return
            self._counts[found.type] += 1
            if self._counts[found.type] > MOST:
                return
        self._publish(found, line.strip(), number)

    def finish(self) -> None:
        """Tell how many more lines of each kind there were."""
        for pattern in self._patterns:
            if (more := self._counts[pattern.type] - MOST) > 0:
                self._publish(pattern, f"and {more} more such lines, see the log", self._lines)

    def _publish(self, pattern: LogPattern, line: str, number: int) -> None:
        self._kind(
            type=pattern.type,
            severity=pattern.severity,
            node=self._node,
            line=line,
            line_number=number,
            log_file_name=self._log,
        ).publish()
