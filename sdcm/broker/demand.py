"""Which nodes the tests that are still to come will ask for."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from sdcm.services import selected
from sdcm.services.selected import SelectedTest

#: Stands for the broker's own run among those that told of their tests.
_OWN = ""


class Demand:
    """Counts, by the key of their node, the chosen tests that have not asked for theirs yet."""

    def __init__(self, file: Path | None, times: int = 1) -> None:
        """Count the tests of a selection file, which is read when first asked for; without one nothing is expected.

        Args:
            file: The selection.
            times: How often it runs (`--repeat`).
        """
        self._file = file
        self._times = times
        self._lock = threading.Lock()
        #: Who told -> key -> test -> how often it is still to come.
        self._coming: dict[str, dict[str, Counter[str]]] = {}

    def tell(self, who: str, tests: Mapping[str, Iterable[str]], times: int = 1) -> None:
        """Count the tests of a further run, one that uses a kept environment, until `forget`.

        Args:
            who: Name of the run's connection.
            tests: Node ids by the key of their node.
            times: How often they run.
        """
        with self._lock:
            self._coming[who] = _counted(tests, times)

    def forget(self, who: str) -> None:
        """Expect nothing more of a run that is gone."""
        with self._lock:
            self._coming.pop(who, None)

    def asked(self, key: str, test: str) -> None:
        """Note that a test has its node now."""
        with self._lock:
            for coming in self._of_all(key):
                if coming[test] > 0:
                    coming[test] -= 1
                    return

    def left(self, key: str) -> int:
        """Return how many tests will still ask for a node of a key."""
        with self._lock:
            return sum(coming.total() for coming in self._of_all(key))

    def _of_all(self, key: str) -> list[Counter[str]]:
        if _OWN not in self._coming:
            tests = by_key(selected.read(self._file)) if self._file and self._file.is_file() else {}
            self._coming[_OWN] = _counted(tests, self._times)
        return [runs[key] for runs in self._coming.values() if key in runs]


def _counted(tests: Mapping[str, Iterable[str]], times: int) -> dict[str, Counter[str]]:
    return {key: Counter(dict.fromkeys(names, times)) for key, names in tests.items()}


def by_key(tests: Iterable[SelectedTest]) -> dict[str, list[str]]:
    """Return the node ids of tests by the key of the node that each asks for."""
    found: dict[str, list[str]] = {}
    for test in tests:
        if test.node_key and not test.skip_reason:
            found.setdefault(test.node_key, []).append(test.nodeid)
    return found
