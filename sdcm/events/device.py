"""The event system behind the fixtures `events` and `events_function_scope`: synchronous, in memory."""

import contextlib
import copy
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sdcm.events import registry
from sdcm.events.continuous import ContinuousEvent
from sdcm.events.event import Event, format_line
from sdcm.events.expectation import Expectation
from sdcm.events.severity import Severity, maximums

if TYPE_CHECKING:
    from sdcm.events.filters import EventClass, EventsFilter
    from sdcm.events.run_log import RunLog


@dataclass(frozen=True)
class Snapshot:
    """An event as it was when it was published.

    Attributes:
        attrs: What there was to tell about it, in JSON values: `base`, `type`, `subtype`, `severity` (its name),
            `message`, `event_id`, `period_type`, `event_timestamp` (epoch seconds) and its own fields.
        formatted: Its line.
        severity: Its severity, within its kind's limit.
        save_to_files: Whether it shows among the events by category.
        kinds: Names of its class and of those above it.
    """

    attrs: dict[str, Any]
    formatted: str
    severity: Severity
    save_to_files: bool
    kinds: tuple[str, ...] = ()


class EventsDevice:
    """Receives events and keeps them; every method may be called from any thread.

    As a context manager it is the one that events published without a device go to:

        with EventsDevice() as device:
            InfoEvent(message="up").publish()
            assert device.events_counter == 1
    """

    def __init__(self, run_log: "RunLog | None" = None) -> None:
        """Start empty.

        Args:
            run_log: Where events are written down for the whole run too.
        """
        self._changed = threading.Condition()
        self._snapshots: list[Snapshot] = []
        self._running: dict[str, ContinuousEvent] = {}
        self._filters: list[EventsFilter] = []
        self._expectations: list[Expectation] = []
        self._expected: list[Snapshot] = []
        self._run_log = run_log

    def __enter__(self) -> Self:
        registry.activate(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        registry.deactivate(self)
        self.close()

    def publish(self, event: Event) -> None:
        """Keep a copy of what the event is now; events of the system's own, and filtered ones, are not kept."""
        snapshot = self._snapshot(event)
        with self._changed:
            if isinstance(event, ContinuousEvent):
                if event.is_running:
                    self._running[event.event_id] = event
                else:
                    self._running.pop(event.event_id, None)
            if snapshot is not None:
                self._snapshots.append(snapshot)
                if any(expectation.matches(snapshot) for expectation in self._expectations):
                    self._expected.append(snapshot)
            self._changed.notify_all()
        if snapshot is not None:
            if self._run_log is not None:
                self._run_log.write(snapshot)
            registry.tell(self, snapshot)

    def _snapshot(self, event: Event) -> Snapshot | None:
        """Return the event as it is now, None when it is not to be kept."""
        if event.is_system:
            return None
        at = time.time()
        attributes = event.attributes()
        limit = maximums().get(event.base, Severity.CRITICAL)
        severity = min(event.severity, limit)
        formatted = format_line({**attributes, "severity": severity}, at)
        changed = self._filtered(event, formatted, severity)
        if changed is None:
            return None
        if changed != severity:
            severity = min(changed, limit)
            formatted = format_line({**attributes, "severity": severity}, at)
        # Through JSON: an event may hold what cannot be copied, and later changes must not reach the copy.
        told = json.dumps({**attributes, "severity": severity.name, "event_timestamp": at}, default=str)
        kinds = tuple(kind.__name__ for kind in type(event).__mro__[:-1])
        return Snapshot(json.loads(told), formatted, severity, event.save_to_files, kinds)

    def _filtered(self, event: Event, line: str, severity: Severity) -> Severity | None:
        """Return the severity that the open filters leave an event with; None where one leaves it out."""
        with self._changed:
            self._filters = [each for each in self._filters if not each.is_over]
            acting = [each for each in self._filters if each.matches(event, line)]
        changed: Severity | None = severity
        for each in acting:
            if changed is not None:
                changed = each.severity_for(changed)
        return changed

    def add_filter(self, events_filter: "EventsFilter") -> None:
        """Let a filter act until it is over; its `with` block calls this."""
        with self._changed:
            self._filters.append(events_filter)

    def get_event_log_file(self, name: str = "events.log") -> Path:
        """Return the run's file of events: `events.log` for all, or a severity's, such as `error.log`.

        Raises:
            RuntimeError: This device writes no files: there is no run around it.
        """
        if self._run_log is None:
            raise RuntimeError("no file of events: the test does not run in a run with a journal")
        return self._run_log.file(name)

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

    @contextlib.contextmanager
    def expect(
        self,
        event_class: "EventClass" = None,
        *,
        severity: Severity | None = None,
        regex: str | re.Pattern[str] | None = None,
        count: int = 1,
        timeout: float = 10,
    ) -> Iterator[Expectation]:
        """Run the body, then wait until events have come that match all that is given.

        What matches is expected: with `strict_events` it does not fail the test, however severe.

        Args:
            event_class: Their kind, a class or its name; subclasses count too.
            severity: Their very severity.
            regex: What is found somewhere in their line.
            count: How many at least; 0 only lets them come.
            timeout: Seconds to wait after the body.

        Yields:
            The expectation; its `snapshots` are there after the block.

        Raises:
            AssertionError: Fewer came; the message shows what did.
        """
        kind = event_class.__name__ if isinstance(event_class, type) else event_class or ""
        expectation = Expectation(kind, severity, regex, count)
        with self._changed:
            start = len(self._snapshots)
            self._expectations.append(expectation)
        try:
            yield expectation
            with self._changed:
                came = self._changed.wait_for(lambda: expectation.take(self._snapshots[start:]), timeout)
                others = [snapshot.formatted for snapshot in self._snapshots[start:]]
        finally:
            with self._changed:
                self._expectations.remove(expectation)
        if not came:
            listed = "".join(f"\n  {line}" for line in others) or " none"
            raise AssertionError(f"expected {expectation} within {timeout:g} s; what came:{listed}")

    def is_expected(self, snapshot: Snapshot) -> bool:
        """Whether an `expect` has spoken of an event that was published."""
        with self._changed:
            return any(each is snapshot for each in self._expected)

    def forget_running(self) -> None:
        """Forget the continuous events that have begun and not ended, so that a test does not see another's."""
        with self._changed:
            self._running.clear()

    def clear(self) -> None:
        """Forget everything published so far and every running event."""
        with self._changed:
            self._snapshots.clear()
            self._expected.clear()
            self._running.clear()

    def close(self) -> None:
        """Close the run's files, where it writes any."""
        if self._run_log is not None:
            self._run_log.close()
            self._run_log = None
