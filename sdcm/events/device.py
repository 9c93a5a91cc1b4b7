"""The event system behind the fixtures `events` and `events_function_scope`: synchronous, in memory."""

import contextlib
import copy
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sdcm.events import registry
from sdcm.events.continuous import ContinuousEvent
from sdcm.events.event import Event, format_line
from sdcm.events.severity import Severity, maximums


@dataclass(frozen=True)
class Snapshot:
    """An event as it was when it was published.

    Attributes:
        attrs: What there was to tell about it, in JSON values: `base`, `type`, `subtype`, `severity` (its name),
            `message`, `event_id`, `period_type`, `event_timestamp` (epoch seconds) and its own fields.
        formatted: Its line.
        severity: Its severity, within its kind's limit.
        save_to_files: Whether it shows among the events by category.
    """

    attrs: dict[str, Any]
    formatted: str
    severity: Severity
    save_to_files: bool


class EventsDevice:
    """Receives events and keeps them; every method may be called from any thread.

    As a context manager it is the one that events published without a device go to:

        with EventsDevice() as device:
            InfoEvent(message="up").publish()
            assert device.events_counter == 1
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._snapshots: list[Snapshot] = []
        self._running: dict[str, ContinuousEvent] = {}

    def __enter__(self) -> Self:
        registry.activate(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        registry.deactivate(self)

    def publish(self, event: Event) -> None:
        """Keep a copy of what the event is now; events of the system's own are not kept."""
        at = time.time()
        attributes = event.attributes()
        severity = min(event.severity, maximums().get(event.base, Severity.CRITICAL))
        formatted = format_line({**attributes, "severity": severity}, at)
        # Through JSON: an event may hold what cannot be copied, and later changes must not reach the copy.
        told = json.dumps({**attributes, "severity": severity.name, "event_timestamp": at}, default=str)
        snapshot = Snapshot(json.loads(told), formatted, severity, event.save_to_files)
        with self._changed:
            if isinstance(event, ContinuousEvent):
                if event.is_running:
                    self._running[event.event_id] = event
                else:
                    self._running.pop(event.event_id, None)
            if not event.is_system:
                self._snapshots.append(snapshot)
            self._changed.notify_all()

    @property
    def events_counter(self) -> int:
        """How many events were published since the last `clear`."""
        with self._changed:
            return len(self._snapshots)

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """Everything published since the last `clear`, oldest first."""
        with self._changed:
            return tuple(self._snapshots)

    @property
    def published_events(self) -> list[dict[str, Any]]:
        """What was published, each event as a dictionary of its own."""
        return [copy.deepcopy(snapshot.attrs) for snapshot in self.snapshots]

    def running_events(self) -> tuple[ContinuousEvent, ...]:
        """Return the continuous events that have begun here and not ended."""
        with self._changed:
            return tuple(self._running.values())

    def get_events_logger(self) -> Self:
        """Return what `wait_for_n_events` takes."""
        return self

    def get_events_by_category(self, limit: int | None = None) -> dict[str, list[str]]:
        """Return the lines of published events by severity.

        Args:
            limit: At most so many a severity: of critical events the first, of others the last.

        Returns:
            Severity name -> lines, oldest first; every severity is there.
        """
        lines: dict[str, list[str]] = {severity.name: [] for severity in Severity}
        for snapshot in self.snapshots:
            if snapshot.save_to_files:
                lines[snapshot.severity.name].append(snapshot.formatted)
        if limit is None:
            return lines
        first = {Severity.CRITICAL.name}
        return {
            name: found[:limit] if name in first else found[max(0, len(found) - limit) :]
            for name, found in lines.items()
        }

    def get_formatted_event_lines(self) -> list[str]:
        """Return the lines of all published events, oldest first."""
        return [snapshot.formatted for snapshot in self.snapshots]

    def get_event_summary(self) -> dict[str, int]:
        """Return how many events of each severity there were; severities without events are left out."""
        return dict(Counter(snapshot.severity.name for snapshot in self.snapshots))

    @contextlib.contextmanager
    def wait_for_n_events(self, logger: "EventsDevice", count: int, timeout: float = 10) -> Iterator[None]:
        """Run the body, then wait until so many events have come since its beginning.

        Args:
            logger: Whose events count, as `get_events_logger` gives it.
            count: How many.
            timeout: Seconds to wait after the body.

        Raises:
            AssertionError: Fewer came; the message shows those that did.
        """
        start = logger.events_counter
        yield
        logger.await_total(start + count, start, timeout)

    def await_total(self, total: int, start: int, timeout: float) -> None:
        """Wait until `total` events were published; see `wait_for_n_events`."""
        with self._changed:
            if self._changed.wait_for(lambda: len(self._snapshots) >= total, timeout):
                return
            came = [snapshot.formatted for snapshot in self._snapshots[start:]]
        listed = "".join(f"\n  {line}" for line in came)
        raise AssertionError(f"{len(came)} of {total - start} events came within {timeout:g} s{listed or ': none'}")

    def clear(self) -> None:
        """Forget everything published so far and every running event."""
        with self._changed:
            self._snapshots.clear()
            self._running.clear()
