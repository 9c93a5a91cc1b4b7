"""How long tests waited: for the services they need, and for the nodes, containers and namespaces they asked for."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sdcm.reporters.fields import Record, number, text
from sdcm.reporters.records import EndedTest

#: A stretch of time: epoch seconds of its start and of its end.
Stretch = tuple[float, float]
#: States of a service for which nobody waits any more.
_SETTLED = {"ready", "failed", "unavailable", "dismissed"}


@dataclass(frozen=True)
class Waits:
    """What a journal says of waiting.

    Attributes:
        leases: Node id -> when it waited for what it leased, each time it ran, oldest first.
        settled: Label of a service -> epoch seconds when it was up, or known not to come; infinite for never. Nothing
            of a merged run, in which each shard had its own.
    """

    leases: Mapping[str, tuple[Stretch, ...]]
    settled: Mapping[str, float]

    def of(self, test: EndedTest, within: Stretch) -> tuple[Stretch, ...]:
        """Return when a test waited, oldest first; what it waited for at one time counts once.

        Args:
            test: The test.
            within: When it ran.
        """
        began, ended = within
        before = test.body or ended
        services = [(began, min(self.settled[label], before)) for label in test.services if label in self.settled]
        return _merged([*services, *self.leases.get(test.test, ())], within)

    def seconds(self, test: EndedTest, within: Stretch) -> float:
        """Return for how many seconds a test waited."""
        return round(sum(until - since for since, until in self.of(test, within)), 3)


class WaitsReader:
    """Reads them out of a journal's records."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._wanted: dict[str, dict[str, list[float]]] = {}  # by test, by what
        self._leases: dict[str, list[Stretch]] = defaultdict(list)
        self._settled: dict[str, float] = {}
        self._last = 0.0
        self._of_shards = False

    def feed(self, record: Record) -> None:
        """Take in one record."""
        event, at = text(record, "event"), number(record, "at")
        self._last = max(self._last, at)
        if event == "lease":
            self._lease(record, at)
        elif event == "service":
            label, settled = text(record, "service"), text(record, "state") in _SETTLED
            self._settled[label] = min(self._settled.get(label, math.inf), at if settled else math.inf)
        elif event == "shard-end":
            self._of_shards = True
        elif event == "test-end":
            # What was never granted, because it was refused or the test was ended, counts up to here.
            test = text(record, "test")
            for since in self._wanted.pop(test, {}).values():
                self._leases[test] += [(began, at) for began in since]

    def _lease(self, record: Record, at: float) -> None:
        test = text(record, "test")
        since = self._wanted.setdefault(test, {}).setdefault(text(record, "what"), [])
        if record.get("state") == "wanted":
            since.append(at)
        elif record.get("state") == "granted" and since:
            self._leases[test].append((since.pop(), at))

    def over(self) -> Waits:
        """Return what was read; what still waits has waited until the journal's last moment."""
        leases = {test: list(found) for test, found in self._leases.items()}
        for test, by_what in self._wanted.items():
            for since in by_what.values():
                leases.setdefault(test, []).extend((at, self._last) for at in since)
        settled = {} if self._of_shards else dict(self._settled)
        return Waits({test: tuple(sorted(found)) for test, found in leases.items()}, settled)


def _merged(stretches: Iterable[Stretch], within: Stretch) -> tuple[Stretch, ...]:
    """Return the stretches as far as they lie within one, those that overlap as one."""
    found: list[Stretch] = []
    for since, until in sorted((max(since, within[0]), min(until, within[1])) for since, until in stretches):
        if until <= since:
            continue
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return tuple(found)
