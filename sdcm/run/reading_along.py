"""Makes ready for a run's end while its tests run and the runner has nothing else to do.

What reports are made with is imported, and the journal is read as it grows: of a thousand tests, reading it takes as
long as writing all reports of it.
"""

import importlib
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm.run import report_files

if TYPE_CHECKING:
    from sdcm.reporters.following import FollowedJournal

#: What reports are made with.
_FOR_REPORTS = (
    "sdcm.reporters.junit",
    "sdcm.reporters.summary",
    "sdcm.reporters.critical_path_text",
    "sdcm.reporters.github",
    "sdcm.reporters.html",
    "sdcm.reporters.following",
)
#: What strays are looked for, and an environment is taken down with, where there is one.
_FOR_TEARDOWN = ("sdcm.run.teardown", "psutil")
#: Seconds between two looks at the journal while nothing comes, and while something does: at the end of many short
#: tests, what came since the last look is waited for.
_TICK = 0.25
_QUICK_TICK = 0.05


class ReadingAlong:
    """A thread that reads a run's journal."""

    def __init__(self, state: Path, *, tears_down: bool = True) -> None:
        """Read the journal in this state directory, from `start` on.

        Args:
            state: The directory.
            tears_down: The run has something to take down at its end.
        """
        self._state = state
        self._for_the_end = (*_FOR_TEARDOWN, *_FOR_REPORTS) if tears_down else _FOR_REPORTS
        self._journal: FollowedJournal | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; nothing happens when it has begun before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._follow, name="reading-along", daemon=True)
            self._thread.start()

    def journal(self) -> "FollowedJournal":
        """Stop, and return the journal as far as it has been read."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        return self._journal or report_files.follow(self._state)

    def _follow(self) -> None:
        """Read; what fails here is begun anew at the end, where it is told."""
        with suppress(Exception):
            for module in self._for_the_end:
                importlib.import_module(module)
            from sdcm.reporters.html import template

            template()
        with suppress(Exception):
            journal = report_files.follow(self._state)
            tick = _TICK
            while not self._stop.wait(tick):
                tick = _QUICK_TICK if journal.read() else _TICK
            self._journal = journal
