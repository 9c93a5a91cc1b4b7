"""One maker of an image at a time, across threads and processes."""

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sdcm.environment.private_engine.locks import FileLock
from sdcm.errors import DeadlinePassed
from sdcm.paths import make_private

_PAUSE = 0.1
_WAITING = "waiting while somebody else is "


class Turn:
    """Held by the maker; what it tells is shown by those who wait."""

    def __init__(self, notes: Path) -> None:
        self._notes = notes

    def note(self, text: str) -> None:
        """Leave a line for those who wait."""
        with contextlib.suppress(OSError):
            self._notes.write_text(f"{text}\n")


@contextlib.contextmanager
def my_turn(folder: Path, engine: str, name: str, *, deadline: float, tell: Callable[[str], None]) -> Iterator[Turn]:
    """Wait until nobody else makes that image on that engine, and hold its lock.

    Args:
        folder: Where the lock files are kept.
        engine: The engine's address.
        name: The image's name.
        deadline: Seconds to wait.
        tell: Called with what the other maker does.

    Raises:
        DeadlinePassed: Somebody else was at it all the time.
    """
    make_private(folder)
    tag = hashlib.sha256(f"{engine}\0{name}".encode()).hexdigest()[:12]
    stem = f"{re.sub('[^a-z0-9.-]+', '-', name.lower())}-{tag}"
    lock, notes = FileLock(folder / f"{stem}.lock"), folder / f"{stem}.doing"
    try:
        started = time.monotonic()
        while not lock.try_exclusive():
            if time.monotonic() - started > deadline:
                raise DeadlinePassed(
                    f"image {name} was not ready within {deadline:g} s", why=f"another run: {_read(notes)}"
                )
            # Whom it waits for may itself be waiting; said once is enough.
            tell(f"{_WAITING}{_read(notes).removeprefix(_WAITING)}")
            time.sleep(_PAUSE)
        try:
            yield Turn(notes)
        finally:
            notes.unlink(missing_ok=True)
    finally:
        lock.close()


def _read(notes: Path) -> str:
    try:
        return os.fsdecode(notes.read_bytes()).strip() or "getting the image"
    except OSError:
        return "getting the image"
