"""A worker and what it holds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sdcm.scheduling.protocol import Worker


@dataclass(eq=False)
class Seat:
    """A worker as the scheduler keeps it.

    Attributes:
        node: The worker.
        pending: The tests it holds, by their place in the scheduler's collection, the running one first.
        gone: Sending to it failed; xdist will tell of its end.
        put_off: The last test it holds is yet to be followed by one that lets it start.
    """

    node: Worker
    pending: list[int] = field(default_factory=list)
    gone: bool = False
    put_off: bool = False
    _own: list[int] | None = None

    @property
    def name(self) -> str:
        """The worker's name, for example `gw0`."""
        return self.node.gateway.id

    @property
    def may_take_work(self) -> bool:
        """Whether it may be given tests now or once it has collected."""
        return not self.gone and not self.node.shutting_down

    @property
    def is_hungry(self) -> bool:
        """Whether it waits for tests: with one, or none, in hand it starts nothing."""
        return self._own is not None and self.may_take_work and len(self.pending) < 2

    def compare(self, collected: Sequence[str], ours: Sequence[str]) -> bool:
        """Return whether its collection holds the same tests as ours, in any order; only then may it be sent to."""
        if collected == ours:
            self._own = list(range(len(ours)))
        elif Counter(collected) == Counter(ours):
            indices: dict[str, list[int]] = {}
            for index, nodeid in enumerate(collected):
                indices.setdefault(nodeid, []).append(index)
            self._own = [indices[nodeid].pop() for nodeid in ours]
        return self._own is not None

    def send(self, places: Sequence[int]) -> None:
        """Give it tests, by their places in our collection.

        Raises:
            OSError: It is gone, and got none of them.
        """
        own = self._own or []
        try:
            self.node.send_runtest_some([own[place] for place in places])
        except OSError:
            self.gone = True
            raise
        self.pending.extend(places)

    def done(self, indices: Sequence[int]) -> list[int]:
        """Take tests, by their places in the worker's own collection, out of its hand; return our places of them."""
        own = self._own or []
        wanted = set(indices)
        places = [place for place in self.pending if own[place] in wanted]
        self.pending = [place for place in self.pending if own[place] not in wanted]
        return places
