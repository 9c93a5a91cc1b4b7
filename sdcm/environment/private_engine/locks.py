"""How several runs share one private engine.

Two files in the engine directory, locked with flock, so that the kernel gives back what a killed
process held:

* the gate is held exclusively, and briefly, by whoever starts, joins, leaves or stops the engine;
* the users' lock is held shared by each run as long as it uses the engine. Who can take it
  exclusively, inside the gate, is alone and may stop the engine.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sdcm.errors import DeadlinePassed, EnvironmentFailed
from sdcm.paths import make_private

_PAUSE = 0.05
_SAY_EVERY = 2.0


class FileLock:
    """A lock on a file; every object is a holder of its own, also within one process."""

    def __init__(self, path: Path) -> None:
        """Open (or make) the file; nothing is locked yet."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def try_exclusive(self) -> bool:
        """Take the lock for this holder alone if nobody holds it; say whether it worked."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock beside other shared holders; say whether it worked."""
        return self._try(fcntl.LOCK_SH)

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._file)


@contextlib.contextmanager
def gate(base: Path, *, deadline: float, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the gate of the engine in `base`.

    Args:
        base: The engine directory; made when missing.
        deadline: Seconds to wait for it.
        say: Called with a line of progress every other second of waiting.

    Raises:
        DeadlinePassed: Another process held it all the time.
        EnvironmentFailed: The directory cannot be made, or written to.
    """
    lock = _gate_lock(base)
    try:
        started = said = time.monotonic()
        while not lock.try_exclusive():
            now = time.monotonic()
            if now - started > deadline:
                raise DeadlinePassed(
                    f"the private engine's gate was not free within {deadline:g} s",
                    why="another process is starting or stopping the engine",
                    mend=f"fuser {base / 'gate.lock'}",
                )
            if now - said >= _SAY_EVERY:
                said = now
                say(f"waiting for another run that starts or stops the private engine ({now - started:.0f} s)")
            time.sleep(_PAUSE)
        yield
    finally:
        lock.close()


def _gate_lock(base: Path) -> FileLock:
    try:
        return FileLock(make_private(base) / "gate.lock")
    except OSError as exc:
        raise EnvironmentFailed(
            f"the engine directory {base} cannot be written to",
            why=exc.strerror or str(exc),
            mend="set SCT_ENGINE_DIR",
        ) from exc


def users_lock(base: Path) -> FileLock:
    """Return a new holder of the users' lock, not holding it yet."""
    return FileLock(base / "users.lock")
