"""Standard streams that never fail: what nobody takes is dropped, so that a run comes to its end and cleans up."""

import io
import os
import sys
from contextlib import suppress
from typing import Any

_STREAMS = (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w"))


class Output(io.FileIO):
    """A descriptor to write to, whatever becomes of its other end.

    Attributes:
        lost: Why the first bytes that were dropped could not be written; None while all could.
    """

    lost: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write, or drop the bytes."""
        try:
            return super().write(data)
        except OSError as exc:
            self.lost = self.lost or exc
            return memoryview(data).nbytes


def fill() -> None:
    """Let standard streams that this process was started without lead nowhere.

    Without this the next file that is opened has their descriptor, and gets what children print.
    """
    for name, descriptor, mode in _STREAMS:
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, descriptor)
            if null != descriptor:
                os.close(null)
            os.set_inheritable(descriptor, True)
            setattr(sys, name, os.fdopen(descriptor, mode, closefd=False))


def keep_going() -> None:
    """Let standard output and error of this process never fail; what is captured or replaced stays as it is."""
    for name, descriptor, _ in _STREAMS[1:]:
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and _leads_to(stream, descriptor):
            stream.flush()
            setattr(sys, name, _unfailing(stream, descriptor))


def lost() -> OSError | None:
    """Return why something of standard output was dropped; None when nothing was."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.lost if isinstance(raw, Output) else None


def _leads_to(stream: io.TextIOWrapper, descriptor: int) -> bool:
    with suppress(OSError, ValueError):
        return stream.fileno() == descriptor
    return False


def _unfailing(stream: io.TextIOWrapper, descriptor: int) -> io.TextIOWrapper:
    raw = Output(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
