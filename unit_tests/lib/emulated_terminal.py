"""A program in a terminal that is emulated: what its user would see at any moment, the scrolled part included."""

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pyte

#: Lines that are remembered above the screen.
_HISTORY = 10_000


class EmulatedTerminal:
    """A program that has this terminal as its controlling one; leaving the block kills it.

    Attributes:
        raw: Every byte it has written.
        child: The program.
        screen: The emulator's.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        environ: Mapping[str, str],
        columns: int = 80,
        lines: int = 24,
    ) -> None:
        """Start the program.

        Args:
            argv: Its command line.
            cwd: Where it runs.
            environ: Its environment; `TERM` is set here where it has none.
            columns: Width of the terminal.
            lines: Its height.
        """
        self.raw = b""
        self.screen = pyte.HistoryScreen(columns, lines, history=_HISTORY, ratio=1)
        self._stream = pyte.ByteStream(self.screen)
        self._ours, theirs = os.openpty()
        self._set_size(columns, lines)
        self.modes_before = termios.tcgetattr(theirs)
        self.child = subprocess.Popen(
            argv,
            cwd=cwd,
            env={"TERM": "xterm-256color", **environ},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no other way, and one system call
        )
        self._theirs = theirs  # open, so that nothing written last is lost, and the modes can be read

    def __enter__(self) -> "EmulatedTerminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        os.close(self._theirs)
        os.close(self._ours)

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        self.screen.resize(lines, columns)
        self._set_size(columns, lines)

    def type(self, keys: bytes) -> None:
        """Type keys; the byte 3 is Ctrl-C."""
        os.write(self._ours, keys)

    def modes(self) -> list[Any]:
        """Return the terminal's modes, as `termios.tcgetattr` does."""
        return termios.tcgetattr(self._theirs)

    def look(self, seconds: float = 0.0) -> None:
        """Take in what is written within so many seconds."""
        end = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self._ours], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return
            data = os.read(self._ours, 65_536)
            self.raw += data
            self._stream.feed(data)

    def wait_for(self, seen: Callable[[], object], timeout: float = 60.0) -> None:
        """Take in what is written until something is to be seen.

        Raises:
            AssertionError: It is not, in so many seconds, or before the program ends.
        """
        end = time.monotonic() + timeout
        while not seen():
            assert time.monotonic() < end, f"not seen within {timeout:g} s:\n{self.text()}"
            over = self.child.poll() is not None
            self.look(0.05)
            assert not over or seen(), f"not seen before the program ended:\n{self.text()}"

    def wait(self, timeout: float = 120.0) -> int:
        """Take in all that is written until the program ends; return its status."""
        self.wait_for(lambda: self.child.poll() is not None, timeout)
        self.look()
        return int(self.child.returncode)

    def shown(self) -> list[str]:
        """Return the lines of the screen, blank ones at its end left out."""
        rows = [line.rstrip() for line in self.screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def scrolled(self) -> list[str]:
        """Return the lines that have scrolled off the screen."""
        columns = self.screen.columns
        return ["".join(row[place].data for place in range(columns)).rstrip() for row in self.screen.history.top]

    def text(self) -> str:
        """Return everything that can be read, by scrolling back too."""
        return "\n".join([*self.scrolled(), *self.shown()])
