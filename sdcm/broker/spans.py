"""Who was making things when: the times of tests, and of the set-ups of fixtures that outlive a test.

What appears on an engine says when it appeared, not who made it. So each worker tells when a test begins and is over,
and the same of each fixture of module scope or wider: what appears while it is set up is its own, and may stay until
the fixture is torn down. Of several spans of one worker the innermost counts.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Spans that ended longer ago than this cannot have made what appears now.
_REMEMBERED = 600.0


@dataclass
class Span:
    """One test, or one wide fixture.

    Attributes:
        worker: The worker it runs on.
        number: The worker's own name for it.
        label: What reports call it: a node id, or the fixture with its scope.
        services: Labels of the services that the test needs.
        journal: The journal of its run.
        opened: Epoch seconds at which it began to make things.
        shut: Epoch seconds at which it ceased to.
        over: Epoch seconds at which what it made had to be gone.
        after: Numbers of the worker's spans that it outlives for this: fixtures that the test used, which may still
            take down what was made through them.
    """

    worker: str
    number: str
    label: str
    services: frozenset[str] = frozenset()
    journal: str = ""
    opened: float = 0.0
    shut: float = 0.0
    over: float = 0.0
    after: tuple[str, ...] = field(default=())

    def covers(self, at: float) -> bool:
        """Whether it made things at that time."""
        return self.opened <= at and (not self.shut or at <= self.shut)


class Spans:
    """All spans that workers told of; safe to use from several threads."""

    def __init__(self) -> None:
        """Know of none."""
        self._lock = threading.Lock()
        self._spans: list[Span] = []

    def open(self, worker: str, told: Mapping[str, Any]) -> Span:
        """Note that a test, or a fixture's set-up, begins."""
        span = Span(
            worker=worker,
            number=str(told["span"]),
            label=str(told["label"]),
            services=frozenset(str(label) for label in told.get("services") or ()),
            journal=str(told.get("journal") or ""),
            opened=float(told["at"]),
        )
        with self._lock:
            forgotten = span.opened - _REMEMBERED
            self._spans = [known for known in self._spans if not known.over or known.over > forgotten]
            self._spans.append(span)
        return span

    def shut(self, worker: str, number: str, at: float) -> None:
        """Note that it makes nothing more, though what it made may stay."""
        for span in self._of(worker, number):
            span.shut = span.shut or at

    def end(self, worker: str, number: str, at: float, after: Iterable[str] = ()) -> Span | None:
        """Note that it is over; what it made must be gone now, or once the spans named in `after` are over."""
        found = None
        for span in self._of(worker, number):
            span.after = tuple(after)
            span.shut, span.over = span.shut or at, span.over or at
            found = span
        return found

    def left(self, worker: str) -> list[Span]:
        """End all spans of a worker that is gone; return those that were not over."""
        now = time.time()
        unended = [span for span in self._of(worker) if not span.over]
        for span in self._of(worker):
            span.shut, span.over, span.after = span.shut or now, span.over or now, ()
        return unended

    def move(self, earlier: str, worker: str) -> None:
        """Give a worker's spans to the connection that continues its own."""
        for span in self._of(earlier):
            span.worker = worker

    def makers(self, at: float) -> list[Span]:
        """Return who may have made what appeared at that time: of each worker its innermost span."""
        innermost: dict[str, Span] = {}
        with self._lock:
            for span in self._spans:
                if span.covers(at) and (span.worker not in innermost or span.opened >= innermost[span.worker].opened):
                    innermost[span.worker] = span
        return list(innermost.values())

    def over_since(self, span: Span) -> float | None:
        """Return since when all that a span made must be gone; None while it may stay."""
        if not span.over:
            return None
        since = span.over
        for number in span.after:
            for other in self._of(span.worker, number):
                if not other.over:
                    return None
                since = max(since, other.over)
        return since

    def is_watched(self, service: str) -> bool:
        """Whether a test, or a wide fixture of one, that needs a service is not over."""
        with self._lock:
            return any(service in span.services and not span.over for span in self._spans)

    def _of(self, worker: str, number: str = "") -> list[Span]:
        with self._lock:
            return [span for span in self._spans if span.worker == worker and number in {"", span.number}]
