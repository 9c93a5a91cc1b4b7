"""Output of a command, cut into lines while it comes."""

import time
from collections.abc import Callable, Sequence
from typing import BinaryIO


class OutputLines:
    """Cuts output that comes in pieces into lines, for a log file and for watchers."""

    def __init__(self, sink: BinaryIO | None, watchers: Sequence[Callable[[str], None]], timestamps: bool) -> None:
        self._sink = sink
        self._watchers = tuple(watchers)
        self._timestamps = timestamps
        self._rest = {False: b"", True: b""}

    def take(self, data: bytes, is_stderr: bool) -> None:
        """Take a piece of standard output or standard error."""
        *lines, self._rest[is_stderr] = (self._rest[is_stderr] + data).split(b"\n")
        for line in lines:
            self._give(line)

    def finish(self) -> None:
        """Give out what is left without an end of line."""
        for is_stderr, rest in self._rest.items():
            if rest:
                self._give(rest)
            self._rest[is_stderr] = b""

    def _give(self, line: bytes) -> None:
        if self._sink is not None:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S ").encode() if self._timestamps else b""
            self._sink.write(stamp + line + b"\n")
            self._sink.flush()
        for watcher in self._watchers:
            watcher(line.decode(errors="replace"))
