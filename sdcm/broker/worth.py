"""Whether one more node is worth its boot: weighed by what boots, tests and the time between two have taken so far."""

import threading
from collections import defaultdict

#: A boot must spare so many times what it takes: the processors it keeps busy are those that tests run on.
_TIMES = 2
#: Nodes for each test that has or wants one: the next of its worker finds one ready while that is put back.
_FOR_EACH = 2
#: Share of its time that a boot is taken to cost where nothing else is at work.
_LEAST = 0.25
#: Weight of the latest time in the running mean.
_NEW = 0.3


class _Kind:
    """What is known of the nodes of a key. Times are in seconds, None while not known."""

    def __init__(self) -> None:
        self.boot: float | None = None
        self.test: float | None = None
        self.next_test: float | None = None


class Worth:
    """Remembers times by key of the nodes; safe to use from several threads."""

    def __init__(self) -> None:
        """Start without any."""
        self._lock = threading.Lock()
        self._kinds: dict[str, _Kind] = defaultdict(_Kind)

    def booted(self, key: str, seconds: float) -> None:
        """Note what a boot took."""
        with self._lock:
            self._kinds[key].boot = _mean(self._kinds[key].boot, seconds)

    def kept(self, key: str, seconds: float) -> None:
        """Note what it took to put a node back for the next test."""
        with self._lock:
            self._kinds[key].next_test = _mean(self._kinds[key].next_test, seconds)

    def held(self, key: str, seconds: float) -> None:
        """Note how long a test has held its node."""
        with self._lock:
            self._kinds[key].test = _mean(self._kinds[key].test, seconds)

    def lost(self, key: str) -> None:
        """Note that a node was of no use after its test: the next test needs a boot."""
        with self._lock:
            kind = self._kinds[key]
            kind.next_test = _mean(kind.next_test, kind.boot or 0.0)

    def unsure_for(self, key: str) -> float:
        """Return how long to wait for what comes after a test before one more is thought of; 0 when it is known.

        A test that is over within a boot's time may leave its node as it was, and one more is not needed then; while
        a longer one runs there is time to boot.
        """
        with self._lock:
            kind = self._kinds[key]
            return 0.0 if kind.next_test is not None else kind.boot or 0.0

    def patience(self, key: str, turn: int, held: int) -> float:
        """Return how many seconds a request should wait for a node that a test holds now; 0: boot one.

        It waits where its turn would come sooner than a node boots. Tests may be longer than those before them, so it
        waits no longer than the boot would have taken: at the worst that doubles its time.

        Args:
            key: What the node could be used for.
            turn: The how manieth to be given back would be the one, from 1.
            held: Nodes like it that tests hold.
        """
        with self._lock:
            kind = self._kinds[key]
            if kind.boot is None or kind.test is None or kind.next_test is None:
                return 0.0
            return kind.boot if turn / held * (kind.test + kind.next_test) < kind.boot else 0.0

    def of_one_more(
        self, key: str, left: int, standing: int, *, users: int, short: int = 0, busy: float | None = None
    ) -> bool:
        """Return whether a further node spares the tests to come more than its boot takes from them.

        Each test that finds it ready is spared what it takes to have a node again after a test. Where more tests want
        nodes than there are, each is spared part of its wait for another's, too. But tests cannot be over sooner than
        the processors get their work done: what those idle now is all that one more can bring.

        Args:
            key: What it could be used for.
            left: Tests to come.
            standing: Nodes like it that there are.
            users: How many tests have or want one now.
            short: How many more tests want one than there are.
            busy: Share of the processors at work, None while not known. What idles is taken from no test, so a boot
                counts by that share, a quarter at the least. While it is not known, each who uses a node may have two.
        """
        with self._lock:
            kind = self._kinds[key]
            if kind.next_test is None or not kind.boot:
                return left >= _TIMES * standing
            spared = min(1.0, kind.next_test / kind.boot)
            if busy is None:
                return standing < _FOR_EACH * users and left * spared >= _TIMES * standing
            turn = (kind.test or 0.0) + kind.next_test
            if standing and short > 0:
                spared += (turn * short / standing - turn * (short - 1) / (standing + 1)) / kind.boot
            if standing:
                spared = min(spared, (1.0 - busy) * turn / kind.boot)
        return left * spared >= _TIMES * standing * max(busy, _LEAST)


def _mean(before: float | None, latest: float) -> float:
    return latest if before is None else before + _NEW * (latest - before)
