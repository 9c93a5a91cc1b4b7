"""Loaders: where stress tools run. With Docker a loader is a name; each tool it runs has a container of its own."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sdcm.containers.service import ContainerRequest
from sdcm.errors import UsageProblem

if TYPE_CHECKING:
    from sdcm.containers.container import Container

#: Leases a started container for the time of a block.
Lend = Callable[[ContainerRequest], AbstractContextManager["Container"]]


class Closable(Protocol):
    """What can be ended."""

    def close(self) -> None:
        """End it."""


@dataclass(frozen=True)
class Loader:
    """One loader.

    Attributes:
        name: Its name, in events and results.
        logdir: Where logs of the tools go.
        lend: Leases it a container.
    """

    name: str
    logdir: Path
    lend: Lend = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.name


class LoaderSet:
    """The loaders of a test.

    Attributes:
        nodes: The loaders.
        root: The project's root folder.
        known: What tools have told of themselves; a question that costs seconds is asked once a test.
        lock: Held while one asks.
    """

    def __init__(self, loaders: Sequence[Loader], root: Path | None = None) -> None:
        """Hold `loaders`, at least one; files that commands name are looked for below `root`."""
        self.nodes = list(loaders)
        self.root = root or Path.cwd()
        self.known: dict[str, str] = {}
        self.lock = threading.Lock()
        self._next = 0
        self._started: list[Closable] = []

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Loader]:
        return iter(self.nodes)

    def find(self, name: str, *folders: str) -> Path:
        """Return the file of this machine that a command names.

        Args:
            name: Its path, absolute or below the project's root.
            folders: Where below the root a file of its last part is looked for as well.

        Raises:
            UsageProblem: There is none.
        """
        places = [self.root / name, *(self.root / folder / Path(name).name for folder in folders)]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            shown = ", ".join(str(place) for place in places)
            raise UsageProblem(f"the command names {name}, which is no file here", why=f"looked for {shown}")
        return found

    def adopt(self, started: "Closable") -> None:
        """Take over what runs on the loaders: it is ended with them, should it not have ended by then."""
        with self.lock:
            self._started.append(started)

    def close(self) -> None:
        """End what still runs here."""
        with contextlib.ExitStack() as stack:
            for started in self._started:
                stack.callback(started.close)

    def get_loader(self) -> Loader:
        """Return the loaders one after another, over and over: whose turn it is."""
        with self.lock:
            loader = self.nodes[self._next % len(self.nodes)]
            self._next += 1
            return loader
