"""Units: tests that run on one worker, one after the other, without others between them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sdcm.scheduling.protocol import Durations
from sdcm.services.selected import SelectedTest


@dataclass(frozen=True, order=True)
class Unit:
    """What is given to a worker whole.

    Attributes:
        name: What keeps it together: a group, a module, or the node id of a single test.
        tests: Places of its tests in the collection, ascending.
        costs: Seconds each of them is expected to take, in the same order.
        services: Labels of the services that any of them needs, sorted.
        alone: One of them may not run beside any other test.
        limits: Names under which only so many tests may run at once, with that many, sorted.
    """

    name: str
    tests: tuple[int, ...]
    costs: tuple[float, ...]
    services: tuple[str, ...] = ()
    alone: bool = False
    limits: tuple[tuple[str, int], ...] = ()

    @property
    def seconds(self) -> float:
        """Expected duration of the whole unit."""
        return sum(self.costs)

    def only(self, places: Iterable[int]) -> "Unit":
        """Return the part of the unit that consists of the tests at these places."""
        wanted = set(places)
        kept = [pair for pair in zip(self.tests, self.costs, strict=True) if pair[0] in wanted]
        return replace(self, tests=tuple(test for test, _ in kept), costs=tuple(cost for _, cost in kept))


def split_group(nodeid: str) -> tuple[str, str]:
    """Return a node id without the `@group` that `--dist loadgroup` appends, and the group ("" without one)."""
    if "@" not in nodeid:
        return nodeid, ""
    at = nodeid.rfind("@")
    # An @ inside a parameter or a path is no group.
    if at > nodeid.rfind("]") and at > nodeid.rfind("::") > -1:
        return nodeid[:at], nodeid[at + 1 :]
    return nodeid, ""


def describe(nodeids: Sequence[str], selected: Iterable[SelectedTest]) -> tuple[SelectedTest, ...]:
    """Return what is known of each collected test, in the order of the collection.

    A test that the selection lacks is described by its node id alone.

    Args:
        nodeids: The collection, with or without group suffixes.
        selected: The selection; tests that were not collected are passed over.
    """
    known = {test.nodeid: test for test in selected}
    return tuple(_describe(nodeid, known) for nodeid in nodeids)


def _describe(nodeid: str, known: Mapping[str, SelectedTest]) -> SelectedTest:
    if test := known.get(nodeid):
        return test
    plain, group = split_group(nodeid)
    if test := known.get(plain):
        return test if test.group else replace(test, group=group)
    return SelectedTest(plain, file=plain.partition("::")[0], group=group)


#: Name of the limit that tests with database nodes of their own share; no marker can have it.
NODES = "(nodes)"


def units(
    selected: Sequence[SelectedTest], durations: Durations | None = None, nodes_at_once: int = 0
) -> tuple[Unit, ...]:
    """Return the units of a selection, in the order of their first tests.

    Kept together are: the tests of an xdist group; all tests of a module in which a module, package
    or session fixture holds a lease (on two workers it would lease twice). A group and such a module
    that share a test are one unit. Every other test is a unit of its own.

    Args:
        selected: The tests, in the order of the collection.
        durations: Seconds by node id from earlier runs. A test without one counts as their median;
            without any, every test counts as one second.
        nodes_at_once: How many tests with nodes are to run at once while there are others to run; 0: any number.
    """
    from statistics import median  # loaded slowly, and by every process that only wants a name from here

    known = durations or {}
    typical = median(known.values()) if known else 1.0
    whole = {test.file for test in selected if test.shared_lease}
    joined: dict[str, str] = {}
    for test in selected:
        first, *others = _ties(test, whole)
        for other in others:
            joined[_root(joined, other)] = _root(joined, first)
    members: dict[str, list[int]] = {}
    for place, test in enumerate(selected):
        # Node ids need not be unique (--keep-duplicates), so a single test is told by its place.
        tie = _ties(test, whole)[0]
        members.setdefault(_root(joined, tie) if tie else f"test {place}", []).append(place)
    return tuple(_unit(name, places, selected, known, typical, nodes_at_once) for name, places in members.items())


def _ties(test: SelectedTest, whole: set[str]) -> list[str]:
    """Return the names of what the test must stay together with; one empty name for nothing."""
    ties = []
    if test.group:
        ties.append(f"group {test.group}")
    if test.file in whole:
        ties.append(f"module {test.file}")
    return ties or [""]


def _root(joined: Mapping[str, str], name: str) -> str:
    while (parent := joined.get(name, name)) != name:
        name = parent
    return name


def _unit(
    name: str,
    places: Sequence[int],
    selected: Sequence[SelectedTest],
    durations: Durations,
    typical: float,
    nodes_at_once: int,
) -> Unit:
    tests = [selected[place] for place in places]
    # A test that is known to be skipped needs nothing and takes no time.
    runs = [test for test in tests if not test.skip_reason]
    limits = {limit for test in runs for limit in test.limits}
    if nodes_at_once and any(test.nodes for test in runs):
        limits.add((NODES, nodes_at_once))
    return Unit(
        name=tests[0].nodeid if name.startswith("test ") else name,
        tests=tuple(places),
        costs=tuple(0.0 if test.skip_reason else durations.get(test.nodeid, typical) for test in tests),
        services=tuple(sorted({label for test in runs for label in test.services})),
        alone=any(test.alone for test in runs),
        limits=tuple(sorted(limits)),
    )
