"""Shares of a run for several machines: each machine works its own out, and together they are the whole."""

import hashlib
import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sdcm.errors import UsageProblem
from sdcm.scheduling.protocol import Durations
from sdcm.scheduling.units import Unit, units
from sdcm.services.selected import SelectedTest


@dataclass(frozen=True)
class Shard:
    """One machine's share: number `index` of `count`.

    Attributes:
        index: From 1.
        count: How many machines share the run.
    """

    index: int
    count: int

    def __str__(self) -> str:
        """Return it as it is typed."""
        return f"{self.index}/{self.count}"


def parse(text: str) -> Shard:
    """Return the shard that `I/N` names.

    Raises:
        UsageProblem: It names none.
    """
    index, separator, count = text.partition("/")
    if not separator or not index.isdecimal() or not count.isdecimal() or not 1 <= int(index) <= int(count):
        raise UsageProblem(f"--shard {text}", why="it is I/N, with I from 1 to N", mend="--shard 1/4")
    return Shard(int(index), int(count))


def split(whole: Iterable[Unit], count: int) -> list[list[Unit]]:
    """Return `count` shares of the units, about equally long.

    The longest unit goes first, each to the share that is shortest so far: the result depends on the
    units and their expected seconds alone, not on their order.

    Args:
        whole: All units.
        count: How many shares, at least 1.
    """
    shares: list[list[Unit]] = [[] for _ in range(count)]
    # By time, then by number of tests, so that units of no known length spread too.
    loads = [(0.0, 0, index) for index in range(count)]
    for unit in sorted(whole, key=lambda unit: (-unit.seconds, -len(unit.tests), unit.name)):
        seconds, tests, index = heapq.heappop(loads)
        shares[index].append(unit)
        heapq.heappush(loads, (seconds + unit.seconds, tests + len(unit.tests), index))
    return shares


def share_of(
    shard: Shard, selected: Sequence[SelectedTest], durations: Durations | None = None
) -> tuple[SelectedTest, ...]:
    """Return a shard's tests, in the order of the selection; groups stay whole.

    Args:
        shard: Which share.
        selected: All tests of the run, the same on every machine.
        durations: Expected seconds by node id, the same on every machine.
    """
    ordered = sorted(selected, key=lambda test: test.nodeid)
    mine = split(units(ordered, durations), shard.count)[shard.index - 1]
    chosen = {ordered[place].nodeid for unit in mine for place in unit.tests}
    return tuple(test for test in selected if test.nodeid in chosen)


def digest(selected: Iterable[SelectedTest], durations: Durations | None = None) -> str:
    """Return what must be equal on all machines of a run, as 16 hex digits."""
    ids = sorted(test.nodeid for test in selected)
    known = durations or {}
    words = "\n".join(f"{nodeid} {known.get(nodeid, -1):.3f}" for nodeid in ids)
    return hashlib.sha256(words.encode()).hexdigest()[:16]
