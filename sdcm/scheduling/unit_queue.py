"""The units that no worker holds yet, and which of them comes next."""

from bisect import bisect_left, insort
from collections.abc import Iterable

from sdcm.scheduling.protocol import Ready
from sdcm.scheduling.units import Unit

#: Services that take minutes to come up. While nothing is ready, tests of the others wait less long.
_SLOW = frozenset({"kubernetes"})

#: Seconds of short tests that a worker is given at once, and what pytest itself needs for each.
_MOUTHFUL = 0.05
_LEAST = 0.001

#: What the units on one shelf share: services, being alone, limits.
_Kind = tuple[tuple[str, ...], bool, tuple[tuple[str, int], ...]]
#: That of units which need nothing and go beside any other.
_PLAIN: _Kind = ((), False, ())
#: Nothing is held back.
_NONE: frozenset[str] = frozenset()
#: A unit in a list sorted by longest first, then by place in the collection.
_Placed = tuple[float, int, Unit]


class _Shelf:
    """Units of one kind: single tests and longer ones apart, each the longest first."""

    def __init__(self) -> None:
        self.singles: list[_Placed] = []
        self.blocks: list[_Placed] = []

    def __len__(self) -> int:
        return len(self.singles) + len(self.blocks)

    def put(self, unit: Unit) -> None:
        insort(self.singles if len(unit.tests) == 1 else self.blocks, (-unit.seconds, unit.tests[0], unit))

    def longest(self) -> list[_Placed]:
        """Return the list whose first unit is the longest; one of them must not be empty."""
        if not self.singles or (self.blocks and self.blocks[0] < self.singles[0]):
            return self.blocks
        return self.singles

    def shortest(self) -> _Placed:
        """Return the shortest unit, a single test where there is one; among equals the first collected."""
        row = self.singles or self.blocks
        # Among equals the first one: neighbours often share a module fixture.
        return row[bisect_left(row, (row[-1][0],))]

    def longest_within(self, seconds: float) -> _Placed | None:
        """Return the longest single test that takes so long at most; None where there is none."""
        at = bisect_left(self.singles, (-seconds,))
        return self.singles[at] if at < len(self.singles) else None

    def take(self, placed: _Placed) -> Unit:
        row = self.singles if len(placed[2].tests) == 1 else self.blocks
        return row.pop(bisect_left(row, placed))[2]


class UnitQueue:
    """Units in the order in which workers get them.

    Units whose services are up come first, then those whose services are not; within both the
    longest first, but for a service that is up and that nothing uses yet: it is used at once. Those
    under a limit that is used up come after all that could start at once, and those that run alone come
    last: while they wait for the others to end nothing is held up.
    """

    def __init__(self, units: Iterable[Unit], ready: Ready) -> None:
        """Take in `units`; `ready` is asked in `refresh` alone."""
        self._ready = ready
        self._up: set[str] = set()
        #: Labels of services that a unit which was given out needs.
        self._used: set[str] = set()
        self._seconds = 0.0
        self._shelves: dict[_Kind, _Shelf] = {}
        for unit in units:
            self.put(unit)
        self.refresh()

    def __len__(self) -> int:
        return sum(map(len, self._shelves.values()))

    @property
    def seconds(self) -> float:
        """Expected duration of all its units together."""
        return max(0.0, self._seconds)

    def put(self, unit: Unit) -> None:
        """Add a unit, or what is left of one."""
        self._seconds += unit.seconds
        self._shelves.setdefault((unit.services, unit.alone, unit.limits), _Shelf()).put(unit)

    def refresh(self) -> None:
        """Ask which services have come up; one that was up once counts as up, so that its failure is seen soon."""
        awaited = {label for kind, shelf in self._shelves.items() if shelf for label in kind[0]} - self._up
        self._up.update(label for label in sorted(awaited) if self._ready(label))

    def take_longest(self, used_up: frozenset[str] = _NONE) -> Unit | None:
        """Remove and return the unit to run next; None when there is none.

        Args:
            used_up: Names of the limits under which no further test may run now.
        """
        shelves = self._best(used_up, unused_first=True)
        if not shelves:
            return None
        best = min(shelves, key=lambda shelf: shelf.longest()[0][:2])
        return self._given(best.take(best.longest()[0]))

    def take_shortest(self, used_up: frozenset[str] = _NONE, *, single_below: float | None = None) -> Unit | None:
        """Remove and return the shortest of the units to run next, a single test where there is one.

        Args:
            used_up: Names of the limits under which no further test may run now.
            single_below: Only a single test that takes less than so many seconds will do.
        """
        shelves = self._best(used_up, unused_first=False)
        if not shelves:
            return None
        # A shelf with single tests wins over one without.
        best = min(shelves, key=lambda shelf: (not shelf.singles, -shelf.shortest()[0], shelf.shortest()[1]))
        placed = best.shortest()
        if single_below is not None and (len(placed[2].tests) > 1 or placed[2].seconds >= single_below):
            return None
        return self._given(best.take(placed))

    def take_longest_within(self, seconds: float, used_up: frozenset[str] = _NONE) -> Unit | None:
        """Remove and return the longest single test of those to run next that takes so long at most, if there is one.

        Args:
            seconds: How long.
            used_up: Names of the limits under which no further test may run now.
        """
        shelves = self._best(used_up, unused_first=False)
        found = [(placed[:2], shelf, placed) for shelf in shelves if (placed := shelf.longest_within(seconds))]
        if not found:
            return None
        _, shelf, placed = min(found, key=lambda each: each[0])
        return self._given(shelf.take(placed))

    def top_up(self, meal: list[Unit], part: float) -> None:
        """Add tests that are over before a worker could ask for them one by one, while there are enough for all.

        So short must the longest be that is left: until then the short ones are kept, to level the ends out.

        Args:
            meal: What a worker is about to be given, the longest that there was first.
            part: Which part of the time that all its units need may be given away.
        """
        plain = self._shelves.get(_PLAIN)
        if not meal or meal[0].services or meal[0].seconds >= _MOUTHFUL:
            return
        while plain:
            share = part * (self.seconds + _LEAST * len(self))
            spare = min(_MOUTHFUL, share) - sum(unit.seconds + _LEAST * len(unit.tests) for unit in meal)
            placed = plain.longest_within(spare - _LEAST) if spare >= _LEAST else None
            if placed is None:
                return
            meal.append(self._given(plain.take(placed)))

    def _given(self, unit: Unit) -> Unit:
        self._seconds -= unit.seconds
        self._used.update(unit.services)
        return unit

    def clear(self) -> int:
        """Drop everything; return how many tests that were."""
        lost = sum(len(unit.tests) for shelf in self._shelves.values() for _, _, unit in shelf.singles + shelf.blocks)
        self._shelves.clear()
        self._seconds = 0.0
        return lost

    def _best(self, used_up: frozenset[str], *, unused_first: bool) -> list[_Shelf]:
        """Return the shelves that are not empty and share the best rank."""
        ranked = [
            ((*self._rank(kind, used_up), unused_first and set(kind[0]) <= self._used), shelf)
            for kind, shelf in self._shelves.items()
            if shelf
        ]
        top = min((rank for rank, _ in ranked), default=None)
        return [shelf for rank, shelf in ranked if rank == top]

    def _rank(self, kind: _Kind, used_up: frozenset[str]) -> tuple[bool, bool, int]:
        services, alone, limits = kind
        missing = set(services) - self._up
        held_back = any(name in used_up for name, _ in limits)
        return alone, held_back, (1 + bool(missing & _SLOW)) if missing else 0
