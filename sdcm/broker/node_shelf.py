"""The nodes that stand ready, by what they can be used for, how many more are on their way, and who waits for one."""

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sdcm.broker.asking import Asking
from sdcm.containers.records import NodeRecord

if TYPE_CHECKING:
    from sdcm.containers.pristine import State


@dataclass
class Standing:
    """A node that stands.

    Attributes:
        node: The node.
        take_away: Removes it.
        key: What it can be used for; empty: for one test alone.
        known: Its state since before its first test; None when it is not to be handed on.
        tests: Node ids of the tests it has served.
    """

    node: NodeRecord
    take_away: Callable[[], None]
    key: str
    known: "State | None" = None
    tests: list[str] = field(default_factory=list)


class NodeShelf:
    """Counts and hands out; safe to use from several threads."""

    def __init__(self) -> None:
        """Start empty and open."""
        self._change = threading.Condition()
        self._ready: dict[str, deque[Standing]] = defaultdict(deque)
        #: Nodes by key that are being booted ahead or put back, and requests that wait for one.
        self._coming: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        #: Nodes by key that are being booted ahead, and all there are.
        self._booting: Counter[str] = Counter()
        self._standing: Counter[str] = Counter()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether nothing is handed on any more."""
        return self._closed

    def ready(self, key: str) -> int:
        """Return how many stand ready."""
        with self._change:
            return len(self._ready[key])

    def coming(self, key: str) -> int:
        """Return how many are on their way."""
        with self._change:
            return self._coming[key]

    def is_awaited(self, key: str) -> bool:
        """Return whether more requests wait for one than stand ready."""
        with self._change:
            return self._waiting[key] > len(self._ready[key])

    def counts(self) -> dict[str, int]:
        """Return how many stand, stand ready, and are being put back or booted ahead."""
        with self._change:
            ready = sum(len(row) for row in self._ready.values())
            return {"standing": self._standing.total(), "ready": ready, "coming": self._coming.total()}

    def stands(self, key: str) -> None:
        """Count a node that has booted."""
        with self._change:
            self._standing[key] += 1

    def falls(self, key: str) -> None:
        """Count a node off that is taken away."""
        with self._change:
            self._standing[key] -= 1

    def expect(self, key: str) -> None:
        """Say that a node is on its way; `arrived` must follow."""
        with self._change:
            self._coming[key] += 1

    def expect_boot(self, key: str, wanted: Callable[[int], bool]) -> bool:
        """Say that a node is booted ahead, unless one stands ready or is booted already; `booted` must follow.

        Args:
            key: What it can be used for.
            wanted: Given how many stand in all, says whether one more is worth its boot.

        Returns:
            Whether it is to be booted.
        """
        with self._change:
            if self._closed or self._ready[key] or self._booting[key] or not wanted(self._standing[key]):
                return False
            self._coming[key] += 1
            self._booting[key] += 1
            return True

    def booted(self, key: str, standing: Standing | None) -> None:
        """Put a node that was booted ahead on the shelf; None: it did not come up."""
        with self._change:
            self._booting[key] -= 1
        self.arrived(key, standing)

    def arrived(self, key: str, standing: Standing | None) -> None:
        """Put a node that was expected on the shelf; None: it does not come."""
        with self._change:
            self._coming[key] -= 1
            if standing is not None and not self._closed:
                self._ready[key].append(standing)
            self._change.notify_all()

    def take(self, key: str, asking: Asking, patience: float) -> Standing | None:
        """Return a ready node, waiting for one that is on its way; None when one must be booted.

        Args:
            key: What it must be good for.
            asking: The request that waits.
            patience: Seconds to wait for one.

        Raises:
            Interrupted: The request was given up.
        """
        end = time.monotonic() + patience
        with asking.when_given_up(self._look_again), self._change:
            self._waiting[key] += 1
            try:
                while True:
                    asking.require()
                    if self._ready[key]:
                        return self._ready[key].popleft()
                    # As many come as wait: then each gets one sooner than it could be booted.
                    if self._closed or self._coming[key] < self._waiting[key]:
                        return None
                    if not self._change.wait(max(0.0, end - time.monotonic())):
                        return None
            finally:
                self._waiting[key] -= 1

    def _look_again(self) -> None:
        with self._change:
            self._change.notify_all()

    def take_least_used(self) -> Standing | None:
        """Return one that stands ready, whatever for; None when none does."""
        with self._change:
            rows = [row for row in self._ready.values() if row]
            return min(rows, key=lambda row: len(row[0].tests)).popleft() if rows else None

    def take_spare(self, is_spare: Callable[[str], bool]) -> Standing | None:
        """Return one that stands ready, the longest of its kind, for a key that `is_spare` says can do without it."""
        with self._change:
            row = next((row for key, row in self._ready.items() if row and is_spare(key)), None)
            return row.popleft() if row else None

    def in_all(self) -> int:
        """Return how many stand ready, whatever for."""
        with self._change:
            return sum(map(len, self._ready.values()))

    def close(self) -> None:
        """Hand nothing out any more."""
        with self._change:
            self._closed = True
            self._ready.clear()
            self._change.notify_all()
