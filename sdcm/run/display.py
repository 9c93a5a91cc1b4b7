"""Shows the journal's set-up events as lines while a run is on."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from sdcm import journal
from sdcm.reporters.terminal import LOG_BEAT, TERMINAL_BEAT, SetupLines

_TICK = 0.2


class JournalDisplay:
    """Follows a journal in a thread and prints what `SetupLines` makes of it."""

    def __init__(self, path: Path, show: Callable[[str], None], *, verbosity: int = 0) -> None:
        """Follow the journal at `path`, which need not exist yet.

        Args:
            path: The journal.
            show: Prints one line.
            verbosity: -1 shows nothing.
        """
        self._path = path
        self._show = show
        self._quiet = verbosity < 0
        self._lines = SetupLines(TERMINAL_BEAT if sys.stdout.isatty() else LOG_BEAT)
        self._stop = threading.Event()
        self._offset = 0
        self._rest = b""
        self._thread = threading.Thread(target=self._follow, name="display", daemon=True)

    def __enter__(self) -> "JournalDisplay":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show what is left and stop."""
        self._stop.set()
        self._thread.join()
        self._read()

    def _follow(self) -> None:
        while not self._stop.wait(_TICK):
            self._read()
            self._print(self._lines.tick())

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            if (record := journal.parse(line)) is not None:
                self._print(self._lines.feed(record))

    def _print(self, lines: list[str]) -> None:
        if not self._quiet:
            for line in lines:
                self._show(line)
