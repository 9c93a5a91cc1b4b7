"""A terminal of pytest's own, as wide as the user's: pytest keeps its colours, and we see each line first."""

import contextlib
import fcntl
import os
import select
import struct
import termios
import threading
from types import TracebackType

from sdcm.reporters.live_rows import Size
from sdcm.run.screen import Lines

_CHUNK = 65_536
#: Seconds to wait for what an ended pytest may still have written.
_DRAIN = 5.0


class Relay:
    """A pseudo-terminal whose output is handed on line by line.

    Attributes:
        lines: What is handed on.
    """

    def __init__(self, lines: Lines, size: Size) -> None:
        """Open it; hand on from `start`.

        Args:
            lines: Gets what is written.
            size: Size of the user's terminal.
        """
        self.lines = lines
        self._ours, self._theirs = os.openpty()
        os.set_blocking(self._ours, False)
        # The user's terminal turns a line feed into a new line; twice would be once too often.
        settings = termios.tcgetattr(self._theirs)
        settings[1] &= ~termios.OPOST
        termios.tcsetattr(self._theirs, termios.TCSANOW, settings)
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._follow, name="relay", daemon=True)
        self.resize(size)

    @property
    def descriptor(self) -> int:
        """What pytest is to write to; it is ours until `start`."""
        return self._theirs

    def resize(self, size: Size) -> None:
        """Let pytest know the terminal's size."""
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", size.lines, size.columns, 0, 0))

    def start(self) -> None:
        """Hand on what is written; called once pytest has its end."""
        os.close(self._theirs)
        self._theirs = -1
        self._thread.start()

    def __enter__(self) -> "Relay":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hand on the rest of what was written, and close; what outlives pytest writes to nobody."""
        os.close(self._waker)
        if self._thread.is_alive():
            self._thread.join(_DRAIN)
        if self._theirs >= 0:
            os.close(self._theirs)
        os.close(self._ours)
        os.close(self._wake)
        self.lines.close()

    def _follow(self) -> None:
        while True:
            ready, _, _ = select.select([self._ours, self._wake], [], [])
            try:
                data = os.read(self._ours, _CHUNK)
            except BlockingIOError:
                if self._wake in ready:
                    return
                continue
            except OSError:
                return  # nobody has the other end any more
            if not data:
                return
            self.lines.write(data)
