"""Which nodes the tests that are still to come will ask for."""

import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from sdcm.services import selected
from sdcm.services.selected import SelectedTest


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
        self._coming: dict[str, Counter[str]] | None = None

    def asked(self, key: str, test: str) -> None:
        """Note that a test has its node now."""
        with self._lock:
            coming = self._of(key)
            coming[test] -= 1
            if coming[test] <= 0:
                del coming[test]

    def left(self, key: str) -> int:
        """Return how many tests will still ask for a node of a key."""
        with self._lock:
            return self._of(key).total()

    def _of(self, key: str) -> Counter[str]:
        if self._coming is None:
            tests = by_key(selected.read(self._file)) if self._file and self._file.is_file() else {}
            self._coming = {each: Counter(dict.fromkeys(names, self._times)) for each, names in tests.items()}
        return self._coming.setdefault(key, Counter())


def by_key(tests: Iterable[SelectedTest]) -> dict[str, set[str]]:
    """Return the node ids of tests by the key of the node that each asks for."""
    found: dict[str, set[str]] = {}
    for test in tests:
        if test.node_key and not test.skip_reason:
            found.setdefault(test.node_key, set()).add(test.nodeid)
    return found
