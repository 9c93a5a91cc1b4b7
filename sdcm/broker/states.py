"""The state of each service, for waiting workers and for the scheduler's file."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

from sdcm.errors import SctError
from sdcm.journal import Journal

WAITING, READY, FAILED, UNAVAILABLE = "waiting", "ready", "failed", "unavailable"
#: Taken down before the run's end, as no test to come needs it.
DISMISSED = "dismissed"


class ServiceStates:
    """Thread-safe record of service label -> state, mirrored to a file on each change."""

    def __init__(self, file: Path, journal: Journal) -> None:
        """Start with no service; each change rewrites `file` whole."""
        self._file = file
        self._journal = journal
        self._lock = threading.Lock()
        self._states: dict[str, str] = {}

    def set(self, service: str, state: str, error: SctError | None = None, steps: Sequence[str] = ()) -> None:
        """Record a change; `steps` are the names of those that the service consists of, as far as they are known."""
        with self._lock:
            if self._states.get(service) == state:
                return
            self._states[service] = state
            temporary = self._file.with_suffix(".part")
            temporary.write_text(json.dumps(self._states))
            temporary.replace(self._file)
        self._journal.write(
            "service", service=service, state=state, reason=str(error) if error else "", steps=list(steps)
        )

    def all(self) -> dict[str, str]:
        """Return a copy of all states."""
        with self._lock:
            return dict(self._states)


def is_settled(file: Path, service: str) -> bool:
    """Whether a service has come up, or will not: a test that needs it need not wait any more.

    Args:
        file: The mirrored file; missing means that nothing is up yet.
        service: Label.
    """
    return _said(file).get(service) in {READY, FAILED, UNAVAILABLE}


def is_awaited(file: Path, service: str) -> bool:
    """Whether a service is coming up just now.

    Args:
        file: The mirrored file.
        service: Label.
    """
    return _said(file).get(service) == WAITING


def _said(file: Path) -> dict[str, str]:
    try:
        states = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return states if isinstance(states, dict) else {}
