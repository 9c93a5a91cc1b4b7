"""The nodes that stand ready, by what they can be used for, how many more are on their way, and who waits for one."""

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        leased: When the latest of them got it, by the monotonic clock.
    """

    node: NodeRecord
    take_away: Callable[[], None]
    key: str
    known: "State | None" = None
    tests: list[str] = field(default_factory=list)
    leased: float = 0.0


#: Seconds to wait for a node that is on its way, before one is booted instead.
_ON_ITS_WAY = 30.0
#: Key, which give-back of those that tests hold now would be the one, and how many they hold -> seconds worth waiting.
Patience = Callable[[str, int, int], float]


class Place:
    """A request's place in the line for nodes of a key: whoever has waited longest has the next."""

    def __init__(self, key: str, *, holds_others: bool) -> None:
        """Stand in line for a node of a key from now on.

        Args:
            key: What the node must be good for.
            holds_others: The test that asks holds nodes already, maybe all there are.
        """
        self.key = key
        self.holds_others = holds_others
        self.since = time.monotonic()


class NodeShelf:
    """Counts and hands out, first come, first served; safe to use from several threads."""

    def __init__(self, patience: Patience = lambda _key, _turn, _held: 0.0) -> None:
        """Start empty and open.

        Args:
            patience: Says how long it is worth waiting for a node that a test holds, before one is booted.
        """
        self._patience = patience
        self._change = threading.Condition()
        self._ready: dict[str, deque[Standing]] = defaultdict(deque)
        #: Nodes by key that are being booted ahead or put back.
        self._coming: Counter[str] = Counter()
        #: Requests by key that have no node yet and boot none, the oldest first.
        self._line: dict[str, list[Place]] = defaultdict(list)
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

    def waiting(self, key: str) -> int:
        """Return how many requests wait for one."""
        with self._change:
            return len(self._line[key])

    def is_awaited(self, key: str) -> bool:
        """Return whether more requests wait for one than stand ready."""
        with self._change:
            return len(self._line[key]) > len(self._ready[key])

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
            self._change.notify_all()

    def expect(self, key: str) -> None:
        """Say that a node is on its way; `arrived` must follow."""
        with self._change:
            self._coming[key] += 1

    def expect_boot(self, key: str, wanted: Callable[[int, int, int], bool]) -> bool:
        """Say that a node is booted ahead, unless one stands ready or is booted already; `booted` must follow.

        Args:
            key: What it can be used for.
            wanted: Given how many stand in all, how many more tests want one, and how many have or want one, says
                whether one more is worth its boot.

        Returns:
            Whether it is to be booted.
        """
        with self._change:
            if self._closed or self._ready[key] or self._booting[key]:
                return False
            # None is booted ahead, so what comes is put back, and stands.
            standing = self._standing[key]
            short = len(self._line[key]) - self._coming[key]
            if not wanted(standing, max(0, short), standing + short):
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

    @contextmanager
    def in_line(self, key: str, *, holds_others: bool) -> Iterator[Place]:
        """Stand in line for a node of a key during the block, or until `leave_line`; arguments as those of `Place`."""
        place = Place(key, holds_others=holds_others)
        with self._change:
            self._line[key].append(place)
        try:
            yield place
        finally:
            self.leave_line(place)

    def leave_line(self, place: Place) -> None:
        """Have those behind move up: a node is booted for this one."""
        with self._change:
            if place in self._line[place.key]:
                self._line[place.key].remove(place)
                self._change.notify_all()

    def take(self, place: Place, asking: Asking) -> Standing | None:
        """Return a ready node, waiting for one as long as that is better than a boot; None when one must be booted.

        Args:
            place: In the line for it.
            asking: The request that waits.

        Raises:
            Interrupted: The request was given up.
        """
        ready = self._ready[place.key]
        with asking.when_given_up(self._look_again), self._change:
            while True:
                asking.require()
                if self._turn(place) < len(ready):
                    self._line[place.key].remove(place)
                    self._change.notify_all()
                    return ready.popleft()
                left = self._waits_until(place) - time.monotonic()
                if left <= 0:
                    return None
                self._change.wait(left)

    def is_better_off(self, place: Place) -> bool:
        """Return whether a request does better to wait for a node than to boot one."""
        with self._change:
            return self._turn(place) < len(self._ready[place.key]) or self._waits_until(place) > time.monotonic()

    def _turn(self, place: Place) -> int:
        """Return how many requests are before this one."""
        return self._line[place.key].index(place)

    def _waits_until(self, place: Place) -> float:
        """Return when a request should wait no longer, by the monotonic clock; 0: it is to boot a node."""
        if self._closed:
            return 0.0
        key = place.key
        coming, ready = self._coming[key], len(self._ready[key])
        turn = self._turn(place) + 1 - ready - coming
        if turn <= 0:
            # One that is on its way is there sooner than one that is booted now.
            return place.since + _ON_ITS_WAY
        # Those that come are put back, and stand, or are booted, and do not.
        held = self._standing[key] - ready - (coming - self._booting[key])
        if held <= 0 or place.holds_others:
            return 0.0
        return place.since + self._patience(key, turn, held)

    def _look_again(self) -> None:
        with self._change:
            self._change.notify_all()

    def take_least_used(self, since: float) -> Standing | None:
        """Return one that stands ready, whatever for; None when none does, or all are for others.

        Args:
            since: When the one who asks began to wait, by the monotonic clock: what those have stood in line for who
                began before is theirs.
        """

        def is_free(key: str, row: deque[Standing]) -> bool:
            return len(row) > sum(place.since < since for place in self._line[key])

        with self._change:
            rows = [row for key, row in self._ready.items() if is_free(key, row)]
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
