"""A terminal whose last rows are live; everything else is written above them and scrolls as ever.

The cursor rests at the start of the live rows, so whatever a resized terminal has made of them is below it, and one
`erase to the end` takes it away. No mode of the terminal outlasts the write that sets it: there is nothing to restore,
not even after SIGKILL; the shell's prompt then comes over the live rows. Only whole lines are written above; of an
unfinished one the live rows show the start. docs/decisions says why this and no scrolling region.
"""

import io
import os
import threading
from collections.abc import Sequence
from typing import Protocol

from sdcm.reporters.live_rows import Size

#: An unfinished line that has grown beyond this is written without its end.
_UNFINISHED_AT_MOST = 65_536


class Painter(Protocol):
    """How live rows are drawn and taken away."""

    rows_at_most: int

    def draw(self, rows: Sequence[str]) -> str:
        """Return what draws rows over those drawn last, with the cursor at their start before and after."""

    def erase(self) -> str:
        """Return what takes away the rows drawn last, with the cursor where they started."""


class AnsiPainter:
    """Draws with the few control sequences that every terminal but a dumb one knows."""

    rows_at_most = 1_000

    def __init__(self) -> None:
        """Nothing is drawn yet."""
        self._drawn = False

    def draw(self, rows: Sequence[str]) -> str:
        """See `Painter`; each row is cleared behind its end, so that nothing flickers.

        Lines do not wrap meanwhile: a terminal that has just been made narrower would count other rows than we.
        """
        if not rows:
            return self.erase()
        self._drawn = True
        up = f"\x1b[{len(rows) - 1}A" if len(rows) > 1 else ""
        return "\r\x1b[?7l" + "\x1b[K\r\n".join(rows) + f"\x1b[J\r{up}\x1b[?7h"

    def erase(self) -> str:
        """See `Painter`."""
        drawn, self._drawn = self._drawn, False
        return "\r\x1b[J" if drawn else ""


class PlainPainter:
    """Draws the status line alone, with no control sequence: for `NO_COLOR`."""

    rows_at_most = 1

    def __init__(self) -> None:
        """Nothing is drawn yet."""
        self._columns = 0

    def draw(self, rows: Sequence[str]) -> str:
        """See `Painter`; of several rows the last."""
        if not rows:
            return self.erase()
        before, self._columns = self._columns, len(rows[-1])
        return f"\r{rows[-1]}{' ' * (before - self._columns)}\r"

    def erase(self) -> str:
        """See `Painter`."""
        columns, self._columns = self._columns, 0
        return f"\r{' ' * columns}\r" if columns else ""


class Screen:
    """A terminal with live rows; safe to use from several threads."""

    def __init__(self, descriptor: int, painter: Painter) -> None:
        """Write to an open terminal.

        Args:
            descriptor: The terminal's.
            painter: Draws the live rows.
        """
        self._descriptor = descriptor
        self._painter = painter
        self._lock = threading.RLock()
        self._rows: list[str] = []
        self._unfinished = ""
        self._open = True

    @property
    def size(self) -> Size:
        """The terminal's size; the usual one where it tells none."""
        try:
            columns, lines = os.get_terminal_size(self._descriptor)
        except OSError:
            columns = lines = 0
        return Size(columns or 80, lines or 24)

    def show(self, rows: Sequence[str], unfinished: str = "") -> None:
        """Let these be the live rows, none of them wider than the terminal.

        Args:
            rows: What is drawn.
            unfinished: A line above them whose rest is still to come; it goes with the next line that is put.
        """
        with self._lock:
            if self._open and (list(rows), unfinished) != (self._rows, self._unfinished):
                self._rows, self._unfinished = list(rows), unfinished
                self._write(self._drawn().encode(errors="replace"))

    def redraw(self) -> None:
        """Draw the live rows again: the terminal has another size now."""
        with self._lock:
            if self._open:
                self._write((self._painter.erase() + self._drawn()).encode(errors="replace"))

    def put(self, lines: bytes) -> None:
        """Write whole lines above the live rows."""
        with self._lock:
            self._unfinished = ""
            self._write(self._painter.erase().encode() + lines + self._drawn().encode(errors="replace"))

    def close(self) -> None:
        """Take the live rows away; what is put after this is written all the same."""
        with self._lock:
            self._open, self._rows, self._unfinished = False, [], ""
            self._write(self._painter.erase().encode())

    def _drawn(self) -> str:
        rows = [self._unfinished, *self._rows] if self._unfinished else self._rows
        return self._painter.draw(rows[-self._painter.rows_at_most :])

    def _write(self, data: bytes) -> None:
        """Write to the terminal; one that is gone changes nothing about the run."""
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except OSError:
                return


class Lines:
    """Hands on what one source writes, in whole lines."""

    def __init__(self, screen: Screen) -> None:
        """Write above the live rows of `screen`."""
        self._screen = screen
        self._lock = threading.Lock()
        self._unfinished = b""

    def write(self, data: bytes) -> None:
        """Take what was written; its last line may be unfinished."""
        with self._lock:
            whole, end, rest = (self._unfinished + data).rpartition(b"\n")
            if len(rest) > _UNFINISHED_AT_MOST:
                whole, end, rest = whole + end + rest, b"\r\n", b""
            self._unfinished = rest
            if end:
                self._screen.put(whole + end)

    @property
    def unfinished(self) -> str:
        """What the unfinished line shows: of one that was written over, what was written last."""
        return self._unfinished.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace")

    def close(self) -> None:
        """Write the unfinished line, and end it."""
        with self._lock:
            rest, self._unfinished = self._unfinished, b""
        if rest:
            self._screen.put(rest + b"\r\n")


class LinesFile(io.TextIOBase):
    """Stands for this process's own standard output, or error, while a screen is live."""

    encoding = "utf-8"

    def __init__(self, lines: Lines, descriptor: int) -> None:
        """Write to `lines`; the descriptor is what `fileno` tells."""
        self._lines = lines
        self._descriptor = descriptor

    def write(self, text: str, /) -> int:
        """Take text."""
        self._lines.write(text.encode(errors="replace"))
        return len(text)

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The terminal's descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """It is."""
        return True
