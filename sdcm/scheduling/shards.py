"""Shares of a run for several machines: each machine works its own out, and together they are the whole.

Only what is the same on every machine decides: node ids, groups and the durations file. What a machine lacks, and
therefore skips, does not; and seconds are whole milliseconds, as sums of fractions differ between versions of Python.
"""

import hashlib
import heapq
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sdcm.errors import UsageProblem
from sdcm.scheduling.protocol import Durations
from sdcm.scheduling.units import Unit, units
from sdcm.services.selected import SelectedTest

#: File in a run's state directory with the tests of all shards.
SHARES_FILE = "shares.json"
#: More machines share no run; each costs memory, and a mistyped number would take all of it.
MOST_SHARDS = 1024
#: A split that exceeds what no split can beat by less than one in so many parts is not improved.
_GOOD_ENOUGH = 200
#: Limits that are tried then; each halves what is uncertain.
_LIMITS_TRIED = 12


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
    match = re.fullmatch(r"(\d{1,99})/(\d{1,99})", text)  # of thousands of digits `int` makes no number
    index, count = map(int, match.groups()) if match else (0, 0)
    if not 1 <= index <= count <= MOST_SHARDS:
        why = f"it is I/N, with I from 1 to N, and N {MOST_SHARDS} at most"
        raise UsageProblem(f"--shard {text}", why=why, mend="--shard 1/4")
    return Shard(index, count)


@dataclass(frozen=True)
class Shares:
    """All shares of a run.

    Attributes:
        digest: What all machines of the run must have in common.
        tests: Node ids of each share, the first shard's first.
    """

    digest: str
    tests: tuple[tuple[str, ...], ...]

    def write(self, path: Path) -> None:
        """Write them down, a line for each share."""
        lines = ",\n".join(json.dumps(share) for share in self.tests)
        path.write_text(f'{{"digest": {json.dumps(self.digest)}, "shares": [\n{lines}\n]}}\n')

    def as_told(self, hide: Callable[[str], str]) -> "Shares":
        """Return them with the names that journals tell, in which `hide` has hidden what looks like a secret."""
        return replace(self, tests=tuple(tuple(map(hide, share)) for share in self.tests))

    def of(self, shard: Shard, tests: Iterable[SelectedTest]) -> tuple[SelectedTest, ...]:
        """Return a shard's tests out of those of the run, in their order; groups are whole."""
        own = set(self.tests[shard.index - 1])
        return tuple(test for test in tests if test.nodeid in own)

    @classmethod
    def read(cls, path: Path) -> "Shares | None":
        """Return what was written down; None where nothing is, or it is torn."""
        try:
            told = json.loads(path.read_text())
            return cls(str(told["digest"]), tuple(tuple(map(str, share)) for share in told["shares"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None


def alike_units(selected: Iterable[SelectedTest], durations: Durations | None = None) -> tuple[Unit, ...]:
    """Return the units of a selection as every machine has them, whatever it lacks and in whatever order it collects.

    Args:
        selected: All tests of the run.
        durations: Expected seconds by node id, the same on every machine.
    """
    ordered = sorted((replace(test, skip_reason="") for test in selected), key=lambda test: test.nodeid)
    return units(ordered, durations)


def share(selected: Sequence[SelectedTest], count: int, durations: Durations | None = None) -> Shares:
    """Return the shares of all machines of a run.

    Args:
        selected: All tests of the run, the same on every machine.
        count: How many machines.
        durations: Expected seconds by node id, the same on every machine.
    """
    ids = sorted(test.nodeid for test in selected)
    whole = alike_units(selected, durations)
    parts = (sorted(ids[place] for unit in part for place in unit.tests) for part in split(whole, count))
    return Shares(digest(whole), tuple(tuple(part) for part in parts))


def digest(whole: Iterable[Unit]) -> str:
    """Return what must be equal on all machines of a run, as 16 hex digits: all that the split depends on."""
    words = sorted(f"{unit.name} {unit.tests} {[_milliseconds(cost) for cost in unit.costs]}" for unit in whole)
    return hashlib.sha256("\n".join(words).encode(errors="replace")).hexdigest()[:16]


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)


def split(whole: Iterable[Unit], count: int) -> list[list[Unit]]:
    """Return `count` shares of the units, about equally long.

    The longest unit goes first, each to the share that is shortest so far. Where shares have few units, one may then be
    a fifth longer than it need be, and the shortest limit is looked for within which all find room (the MULTIFIT
    algorithm of Coffman, Garey and Johnson, 1978). The result depends on the units and their expected seconds alone,
    not on their order.

    Args:
        whole: All units.
        count: How many shares, at least 1.
    """
    costed = [_Costed(sum(map(_milliseconds, unit.costs)), unit) for unit in whole]
    costed.sort(key=lambda each: (-each.cost, -len(each.unit.tests), each.unit.name, each.unit.tests))
    shares = _longest_first(costed, count)
    # No split can be shorter.
    least = max(-(-sum(each.cost for each in costed) // count), costed[0].cost if costed else 0)
    longest = max(map(_length, shares))
    if longest > least + least // _GOOD_ENOUGH:
        shares = _within_least_limit(costed, count, least, longest) or shares
    return [[each.unit for each in share] for share in shares]


@dataclass(frozen=True)
class _Costed:
    """A unit with its expected milliseconds."""

    cost: int
    unit: Unit


def _length(share: Iterable[_Costed]) -> int:
    return sum(each.cost for each in share)


def _longest_first(costed: Sequence[_Costed], count: int) -> list[list[_Costed]]:
    shares: list[list[_Costed]] = [[] for _ in range(count)]
    # By time, then by number of tests, so that units of no known length spread too.
    loads = [(0, 0, index) for index in range(count)]
    for each in costed:
        cost, tests, index = loads[0]
        shares[index].append(each)
        heapq.heapreplace(loads, (cost + each.cost, tests + len(each.unit.tests), index))
    return shares


def _within_least_limit(costed: Sequence[_Costed], count: int, least: int, longest: int) -> list[list[_Costed]] | None:
    """Return the shares of the shortest limit that is found between two; None where none is shorter than the upper."""
    found = None
    for _ in range(_LIMITS_TRIED):
        limit = (least + longest) // 2
        shares = _first_fit(costed, count, limit)
        if shares is None:
            least = limit + 1
        else:
            found, longest = shares, max(map(_length, shares))
        if least >= longest:
            break
    return found


def _first_fit(costed: Sequence[_Costed], count: int, limit: int) -> list[list[_Costed]] | None:
    """Return shares no longer than a limit, each unit in the first that has room; None where one finds none."""
    shares: list[list[_Costed]] = [[] for _ in range(count)]
    room = [limit] * count
    for each in costed:
        index = next((index for index, left in enumerate(room) if each.cost <= left), None)
        if index is None:
            return None
        shares[index].append(each)
        room[index] -= each.cost
    return shares
