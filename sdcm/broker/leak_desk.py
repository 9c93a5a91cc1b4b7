"""Takes in what workers tell of their tests' times, and has the engine and the cluster looked at accordingly."""

import threading
from collections.abc import Mapping
from typing import Any

from sdcm.broker.asking import Asking
from sdcm.broker.cluster_leaks import ClusterWatch
from sdcm.broker.leaks import LeakWatch
from sdcm.broker.spans import Spans
from sdcm.errors import UsageProblem

#: Seconds that a worker waits at its end for the verdicts on its tests.
_SETTLE_DEADLINE = 20.0


class LeakDesk:
    """The watches of one broker, as its desk sees them."""

    def __init__(self, spans: Spans, engine: LeakWatch, cluster: ClusterWatch) -> None:
        """Tell both watches of `spans`."""
        self._spans = spans
        self._engine = engine
        self._cluster = cluster
        self._lock = threading.Lock()
        self._looks = 0

    def take(self, worker: str, told: Mapping[str, Any], asking: Asking) -> None:
        """Take in that a test, or a fixture that outlives tests, begins, ceases to make things, or is over.

        Args:
            worker: Who tells.
            told: What: its `state`, and what belongs to that.
            asking: Whether the worker still waits for the answer.

        Raises:
            UsageProblem: The state is unknown.
        """
        with self._lock:
            self._looks += 1
        try:
            self._take(worker, told, asking)
        finally:
            with self._lock:
                self._looks -= 1

    def _take(self, worker: str, told: Mapping[str, Any], asking: Asking) -> None:
        state, number, at = str(told["state"]), str(told.get("span", "")), float(told.get("at", 0.0))
        if state == "open":
            self._cluster.begin(self._spans.open(worker, told))
        elif state == "shut":
            self._spans.shut(worker, number, at)
        elif state == "over":
            span = self._spans.end(worker, number, at, [str(other) for other in told.get("after") or ()])
            if span is not None:
                self._cluster.end(span)
        elif state == "settle":
            # Who asks for that has ended, though it may have been too early to say so of each of its tests.
            for span in self._spans.left(worker):
                self._cluster.end(span)
            self._engine.settle(worker, _SETTLE_DEADLINE, asking)
            self._cluster.settle()
        else:
            raise UsageProblem(f"unknown state {state!r} of a span")

    def is_watched(self, service: str) -> bool:
        """Whether a test that needs a service is yet to be looked at for what it leaves."""
        with self._lock:
            # One that is over may still be looked at, in another thread.
            return self._looks > 0 or self._spans.is_watched(service)

    def left(self, worker: str) -> None:
        """End the times of a worker that is gone."""
        self._spans.left(worker)

    def move(self, earlier: str, worker: str) -> None:
        """Give what a connection told to the one that continues it."""
        self._spans.move(earlier, worker)

    def close(self) -> None:
        """Give the last verdicts."""
        self._cluster.close()
        self._engine.close()
