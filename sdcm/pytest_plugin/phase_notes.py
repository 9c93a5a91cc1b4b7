"""Tells which phase a test is in, where it stays in it for a while.

Most tests are over before anybody could read of it, and their end tells when their own code began. To journal two
records more of each took as long as half of a short test's other records.
"""

import threading
from dataclasses import dataclass, field
from typing import Any

from sdcm.journal import Notes
from sdcm.real_time import RealTime

#: Seconds that a test stays in a phase before that is told, and between two looks whether one does.
_PATIENCE = 0.1


@dataclass
class _Untold:
    """What is yet to be told of a test that runs."""

    since: float
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


class PhaseNotes:
    """The phases of the tests that run, of this process or of others."""

    def __init__(self, patience: float = _PATIENCE) -> None:
        """Tell nothing yet.

        Args:
            patience: Seconds that a phase lasts before it is told.
        """
        self._note = Notes()  # of the thread's own: one that another thread may close at any moment is of no use
        self._patience = patience
        self._lock = threading.Lock()
        self._untold: dict[str, _Untold] = {}
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def begins(self, event: str, test: str, **told: Any) -> None:
        """Tell that a test enters a phase, unless it is over soon.

        Args:
            event: The phase's event.
            test: Node id.
            told: Fields of the event.
        """
        with self._lock:
            untold = self._untold.get(test)
            if untold is None:
                untold = self._untold[test] = _Untold(RealTime.monotonic())
            untold.notes.append((event, told))
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="sct-phases", daemon=True)
            self._thread.start()

    def over(self, test: str) -> None:
        """Tell no more of a test: it has ended."""
        with self._lock:
            self._untold.pop(test, None)

    def close(self) -> None:
        """Tell what is left of tests whose end nobody has told, and watch no more."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        self._tell(RealTime.monotonic())
        self._note.close()

    def _watch(self) -> None:
        while not self._closed.wait(self._patience):
            self._tell(RealTime.monotonic() - self._patience)

    def _tell(self, until: float) -> None:
        """Tell what began before; under the lock, as a test's end is to come behind all that is told of it."""
        with self._lock:
            for test, untold in list(self._untold.items()):
                if untold.since <= until:
                    for event, told in untold.notes:
                        self._note(event, test=test, **told)
                    del self._untold[test]
