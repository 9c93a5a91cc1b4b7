"""Notices within seconds that the engine has gone, so that the run ends instead of waiting for it test by test."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sdcm.ownership.docker_endpoint import Endpoint

#: File in a run's runtime directory that says why the engine is lost; the runner looks for it.
LOST_FILE = "engine-lost"
#: Seconds between two questions.
_EVERY = 1.0
#: Seconds for an answer. An engine that listens but does not answer may only be busy: it has this long so many times.
_ANSWER = 10.0
_TIMES = 6


class EngineWatch:
    """Asks the engine whether it is there until the run ends or the engine is lost."""

    def __init__(
        self, endpoint: "Endpoint", closing: threading.Event, lost: Callable[[str], None], *, every: float = _EVERY
    ) -> None:
        """Watch from `start` on.

        Args:
            endpoint: The engine.
            closing: Set when the run ends.
            lost: Called once, with why the engine is taken for lost.
            every: Seconds between two questions.
        """
        self._endpoint = endpoint
        self._closing = closing
        self._lost = lost
        self._every = every

    def start(self) -> None:
        """Watch in the background."""
        threading.Thread(target=self._watch, name="engine-watch", daemon=True).start()

    def _watch(self) -> None:
        silent = 0
        while not self._closing.wait(self._every):
            reason = self._endpoint.silence(_ANSWER)
            silent = silent + 1 if reason else 0
            # Nobody listening, twice in a row, is an engine that has ended, or is being restarted: its objects and
            # ports are of no more use to the tests either way.
            if silent >= _TIMES or (silent >= 2 and not self._endpoint.listens()):
                if not self._closing.is_set():
                    self._lost(reason)
                return


def lost_engine(runtime: Path) -> str:
    """Return why the engine of a run is lost; empty while it is not.

    Args:
        runtime: The runtime directory of the run whose broker has the engine.
    """
    try:
        return (runtime / LOST_FILE).read_text()
    except OSError:
        return ""
