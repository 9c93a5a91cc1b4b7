"""Who holds what, until it is given back or its holder is gone."""

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sdcm.errors import Interrupted

#: Holder of what failed tests had leased, where that is kept.
KEPT = "(kept)"
#: Leases that are kept at most: what is kept takes memory from the tests that still run.
KEPT_MOST = 4


@dataclass(frozen=True)
class Lease:
    """A worker's right to use a resource.

    Attributes:
        number: Unique in the broker, given to the worker as text.
        worker: Who holds it.
        what: Name of the resource.
        test: Node id of the test it was asked for.
        end: Takes the resource away; called once, in the thread that ends the lease, with whether its test has
            failed, or its holder died.
        access: How somebody else gets at the resource, as JSON values.
    """

    number: str
    worker: str
    what: str
    test: str
    end: Callable[[bool], None]
    access: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        """Whether its test has failed, and it stays for somebody to look at."""
        return self.worker == KEPT


class Leases:
    """The open leases."""

    def __init__(self, *, keep_failed: bool = False) -> None:
        """Start with none.

        Args:
            keep_failed: The first `KEPT_MOST` that failed tests give back stay open.
        """
        self._keep_failed = keep_failed
        self._lock = threading.Lock()
        self._open: dict[str, Lease] = {}
        self._gone: set[str] = set()
        self._held_back: set[str] = set()
        self._numbers = itertools.count(1)

    def grant(
        self, worker: str, what: str, test: str, end: Callable[[bool], None], access: Mapping[str, Any] | None = None
    ) -> Lease:
        """Open a lease; `access` is how somebody else gets at the resource.

        Raises:
            Interrupted: The worker is gone meanwhile; the resource is taken away again.
        """
        with self._lock:
            lease = Lease(str(next(self._numbers)), worker, what, test, end, access or {})
            gone = worker in self._gone
            if not gone:
                self._open[lease.number] = lease
        if gone:
            end(True)
            raise Interrupted(f"{what} is for nobody", why=f"worker {worker} is gone")
        return lease

    def end(self, number: str, *, failed: bool = False) -> None:
        """End a lease, saying whether its test has failed; one that is ended stays so, and one that is kept open."""
        with self._lock:
            lease = self._open.get(number)
            if lease is None or lease.kept:
                return
            if failed and self._keep_failed and sum(each.kept for each in self._open.values()) < KEPT_MOST:
                self._open[number] = replace(lease, worker=KEPT)
                return
            del self._open[number]
        lease.end(failed)

    def end_all_of(self, worker: str) -> None:
        """End every lease of a worker that is gone, the latest first; it is granted none any more."""
        with self._lock:
            self._gone.add(worker)
            self._held_back.discard(worker)
        for lease in reversed(self.held_by(worker)):
            self.end(lease.number, failed=True)

    def move(self, old: str, new: str) -> None:
        """Let a worker go on under a new name (on a new connection); the old one is granted nothing any more."""
        with self._lock:
            self._gone.add(old)
            self._held_back.discard(old)
            for number, lease in self._open.items():
                if lease.worker == old:
                    self._open[number] = replace(lease, worker=new)

    def hold_back(self, worker: str, *, on: bool) -> None:
        """Note that a worker waits for others to end their tests and so gives nothing back, or waits no more."""
        with self._lock:
            if on:
                self._held_back.add(worker)
            else:
                self._held_back.discard(worker)

    def nobody_gives_back(self) -> bool:
        """Whether all that is held is kept for a look, or by those who wait for others, who may wait for just that."""
        with self._lock:
            holders = {lease.worker for lease in self._open.values()}
            return bool(holders) and holders - {KEPT} <= self._held_back

    def held_by(self, worker: str) -> list[Lease]:
        """Return a worker's leases in the order they were granted."""
        with self._lock:
            return [lease for lease in self._open.values() if lease.worker == worker]

    def all(self) -> list[Lease]:
        """Return every open lease."""
        with self._lock:
            return list(self._open.values())
