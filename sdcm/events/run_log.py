"""The events of a whole run, on disk: files to read and follow, and the run's journal.

Every worker appends to the same files; a line, or an event of several lines, is one write, so they do not mix.
"""

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm.journal import Journal
from sdcm.redaction import Redactor

if TYPE_CHECKING:
    from sdcm.events.device import Snapshot

#: Folder beside the run's journal.
FOLDER = "events"
#: File with every event; each severity has one of its own beside it, such as `error.log`.
ALL = "events.log"
#: Characters of an event that the journal keeps; the files have it whole.
_JOURNAL_LIMIT = 2_000
#: pytest's own word for the test that runs and its phase: `file.py::test (call)`.
_CURRENT_TEST = "PYTEST_CURRENT_TEST"


class RunLog:
    """Writes events down as they are published; safe to use from several threads."""

    def __init__(self, journal: Path, worker: str) -> None:
        """Write beside a run's journal, and into it.

        Args:
            journal: The journal's file.
            worker: Name of this process among the run's workers.
        """
        self.folder = journal.parent / FOLDER
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._worker = worker
        self._journal = Journal(journal)
        self._redactor = Redactor(os.environ)
        self._files: dict[str, int] = {}
        self._lock = threading.Lock()
        self._closed = False

    def file(self, name: str) -> Path:
        """Return one of its files: `events.log`, or a severity's, `error.log` for example; it may not be there yet."""
        return self.folder / name

    def write(self, snapshot: "Snapshot") -> None:
        """Write one event down; secrets stay out. What comes after `close` is left out: its test is over."""
        with self._lock:
            if not self._closed:
                self._write(snapshot)

    def _write(self, snapshot: "Snapshot") -> None:
        test = os.environ.get(_CURRENT_TEST, "").rpartition(" (")[0]
        line = self._redactor.text(snapshot.formatted)
        told = " ".join(filter(None, (f"worker={self._worker}", test and f"test={test}")))
        self._append(ALL, f"{line} {told}\n")
        if snapshot.save_to_files:
            self._append(f"{snapshot.severity.name.lower()}.log", f"{line} {told}\n")
        self._journal.write(
            "test-event",
            test=test,
            worker=self._worker,
            base=snapshot.attrs["base"],
            severity=snapshot.severity.name,
            period=snapshot.attrs["period_type"],
            event_id=snapshot.attrs["event_id"],
            line=snapshot.formatted[:_JOURNAL_LIMIT],
        )

    def _append(self, name: str, text: str) -> None:
        if name not in self._files:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._files[name] = os.open(self.folder / name, flags, 0o600)
        os.write(self._files[name], text.encode())

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for opened in self._files.values():
                os.close(opened)
            self._journal.close()
