"""Filters: while one is open, events that match it are left out, or count as less (or more) severe.

with EventsFilter(NodetoolEvent, regex="Connection refused"):
docker_scylla.restart()

with EventsSeverityChangerFilter(Severity.WARNING, StressEvent, extra_time_to_expiration=30):
...
"""

import re
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sdcm.events import registry
from sdcm.events.event import Event
from sdcm.events.severity import Severity

if TYPE_CHECKING:
    from sdcm.events.device import EventsDevice

EventClass = type[Event] | str | None


def is_of(event: Event, event_class: EventClass) -> bool:
    """Whether an event is of a kind: a class (its subclasses count too), the name of one, or any kind when None."""
    if event_class is None:
        return True
    if isinstance(event_class, str):
        return any(kind.__name__ == event_class for kind in type(event).__mro__)
    return isinstance(event, event_class)


class EventsFilter:
    """Leaves matching events out while it is open: they are neither kept nor counted nor logged."""

    def __init__(
        self,
        event_class: EventClass = None,
        regex: str | re.Pattern[str] | None = None,
        extra_time_to_expiration: float = 0,
        device: "EventsDevice | None" = None,
    ) -> None:
        """Match events that fit all that is given.

        Args:
            event_class: Their kind, a class or its name.
            regex: What is found somewhere in their line.
            extra_time_to_expiration: Seconds that it goes on after its block, for events that come late.
            device: Where it acts; the innermost active device when omitted.
        """
        self._event_class = event_class
        self._regex = re.compile(regex) if isinstance(regex, str) else regex
        self._extra = extra_time_to_expiration
        self._device = device
        self._ends: float | None = None

    def matches(self, event: Event, line: str) -> bool:
        """Whether it acts on an event, given as it is and as its line."""
        return is_of(event, self._event_class) and (self._regex is None or self._regex.search(line) is not None)

    def severity_for(self, severity: Severity) -> Severity | None:
        """Return the severity that a matching event counts with; None leaves it out."""
        return None

    @property
    def is_over(self) -> bool:
        """Whether it acts no more."""
        return self._ends is not None and time.monotonic() >= self._ends

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            RuntimeError: No event system is in use.
        """
        receiver = self._device or registry.active()
        if receiver is None:
            raise RuntimeError("a filter of events needs an event system: use the fixture events")
        self._ends = None
        receiver.add_filter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends = time.monotonic() + self._extra


class EventsSeverityChangerFilter(EventsFilter):
    """Has matching events count with another severity while it is open."""

    def __init__(
        self,
        new_severity: Severity,
        event_class: EventClass = None,
        regex: str | re.Pattern[str] | None = None,
        extra_time_to_expiration: float = 0,
        device: "EventsDevice | None" = None,
    ) -> None:
        """Match as `EventsFilter` does.

        Args:
            new_severity: What matching events count with; their kind's limit still holds.
            event_class: Their kind, a class or its name.
            regex: What is found somewhere in their line.
            extra_time_to_expiration: Seconds that it goes on after its block, for events that come late.
            device: Where it acts; the innermost active device when omitted.
        """
        super().__init__(event_class, regex, extra_time_to_expiration, device)
        self._new_severity = new_severity

    def severity_for(self, severity: Severity) -> Severity | None:
        """Return the new severity."""
        return self._new_severity


class DbEventsFilter(EventsFilter):
    """Leaves out events of a database's log while it is open: those of a type, with a text, of a node."""

    def __init__(
        self,
        db_event: str,
        line: str = "",
        node: str = "",
        extra_time_to_expiration: float = 0,
        device: "EventsDevice | None" = None,
    ) -> None:
        """Match events that fit all that is given.

        Args:
            db_event: Their `type`.
            line: What is contained in their message or `line`.
            node: Their `node`.
            extra_time_to_expiration: Seconds that it goes on after its block, for events that come late.
            device: Where it acts; the innermost active device when omitted.
        """
        super().__init__(extra_time_to_expiration=extra_time_to_expiration, device=device)
        self._type, self._line, self._node = db_event, line, node

    def matches(self, event: Event, line: str) -> bool:
        """Whether it acts on an event."""
        said = f"{event.message}\n{getattr(event, 'line', '')}"
        same_node = not self._node or str(getattr(event, "node", "")) == self._node
        return event.type == self._type and self._line in said and same_node
