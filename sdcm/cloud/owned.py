"""What a test makes in a cloud: written down before it is made, removed at the end of the block."""

import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Protocol, Self, TypeVar

from sdcm.cloud.owner import Owner
from sdcm.errors import EnvironmentFailed, SctError
from sdcm.ownership.ledger import Entry
from sdcm.ownership.removers import Leftover, Remover

T = TypeVar("T")

#: Seconds that the removal of everything one block made may take.
REMOVE_DEADLINE = 300.0


class Book(Protocol):
    """Where a resource is written down: a run's `Ledger`, or, for a worker, the broker that keeps it."""

    def will_make(self, kind: str, name: str, **facts: str) -> Entry:
        """Write down a resource that is about to be made; on disk when this returns."""

    def removed(self, entry: Entry) -> None:
        """Write down that it is gone, or was never made."""


class OwnedResources:
    """What one block makes in one cloud. A context manager; safe to use from one thread.

    Each cloud's class makes things through `own`.
    """

    #: Kind of resource -> what removes one; see `sdcm.ownership.removers`.
    removers: Mapping[str, Remover] = {}

    def __init__(self, book: Book, owner: Owner) -> None:
        """Own nothing yet.

        Args:
            book: Where everything is written down.
            owner: Whose it is.
        """
        self.owner = owner
        self._book = book
        self._entries: list[Entry] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def own(self, kind: str, name: str, make: Callable[[], T], **facts: str) -> T:
        """Make a resource that is gone at the end of the block, also when `make` fails halfway.

        Args:
            kind: Its kind, one of `removers`.
            name: What its remover finds it by.
            make: Makes it.
            **facts: What else the remover needs; never a secret.

        Returns:
            What `make` returned.

        Raises:
            EnvironmentFailed: It could not be made.
        """
        self._entries.append(self._book.will_make(kind, name, **facts))
        try:
            return make()
        except SctError:
            raise
        except Exception as exc:
            raise EnvironmentFailed(f"{kind} {name} could not be made", why=str(exc)) from exc

    def known_by(self, kind: str, name: str, identity: str, **facts: str) -> None:
        """Write down the identity that a cloud gave to the resource `name`, by which it is found for certain."""
        former = next(entry for entry in self._entries if entry.kind == kind and entry.name == name)
        self._entries.append(self._book.will_make(kind, identity, **facts))
        self._entries.remove(former)
        self._book.removed(former)

    def owned(self) -> tuple[Entry, ...]:
        """Return what was made and is still to be removed."""
        return tuple(self._entries)

    def close(self) -> None:
        """Remove everything that was made, the youngest first.

        Raises:
            EnvironmentFailed: Something is still there; it stays written down for the run's teardown.
        """
        entries, self._entries = self._entries, []
        leftovers = remove_each(entries, self._book, self.removers, REMOVE_DEADLINE)
        if leftovers:
            raise EnvironmentFailed("still there: " + "; ".join(map(str, leftovers)), mend="sct.py clean")


def remove_each(
    entries: Iterable[Entry], book: Book, removers: Mapping[str, Remover], deadline: float
) -> list[Leftover]:
    """Remove resources one by one, the youngest first.

    Args:
        entries: What to remove, in the order it was made.
        book: Where each removal is written down.
        removers: How, by kind.
        deadline: Seconds for everything.

    Returns:
        What is still there, with the reason. Nothing is raised.
    """
    end = time.monotonic() + deadline
    left: list[Leftover] = []
    for entry in reversed(list(entries)):
        seconds = end - time.monotonic()
        if seconds <= 0:
            left.append(Leftover(entry.kind, entry.name, "the time for removing was up"))
            continue
        try:
            removers[entry.kind](entry, seconds)
        except Exception as exc:  # noqa: BLE001 - one resource's failure must not keep the others from being removed
            left.append(Leftover(entry.kind, entry.name, str(exc) or type(exc).__name__))
        else:
            book.removed(entry)
    return left
