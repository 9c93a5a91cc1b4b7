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
        fresh = self._notes.with_suffix(".next")
        with contextlib.suppress(OSError):
            fresh.write_text(f"{text}\n")
            fresh.replace(self._notes)


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
                    f"image {name} was not ready within {deadline:g} s",
                    why=f"another run: {_read(notes) or 'holds its lock'}",
                )
            # Without notes the other is about to begin or has just ended: the next look tells.
            if doing := _read(notes):
                # Whom it waits for may itself be waiting; said once is enough.
                tell(f"{_WAITING}{doing.removeprefix(_WAITING)}")
            time.sleep(_PAUSE)
        turn = Turn(notes)
        turn.note("getting the image")
        try:
            yield turn
        finally:
            notes.unlink(missing_ok=True)
    finally:
        lock.close()


def _read(notes: Path) -> str:
    try:
        return os.fsdecode(notes.read_bytes()).strip()
    except OSError:
        return ""
