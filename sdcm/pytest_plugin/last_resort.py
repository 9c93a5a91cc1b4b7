"""Ends this process where nothing else can: C code that never lets Python run.

faulthandler's timer is a thread that needs no Python. Starting and ending it for each phase of each test would cost
more than a short test, so it is set a little later than needed and left to run: the phases that follow are covered by
it as well, until one wants another time. Who watches the tests stops it when none has a deadline.
"""

import faulthandler
import json
import os
from contextlib import suppress
from pathlib import Path

from sdcm.real_time import RealTime

#: How much later than needed the timer may fire, as a share of the time it was set for.
_SLACK = 0.1
#: A text in JSON; `json.dumps` would need ten times as long for two.
_quoted = json.encoder.encode_basestring_ascii
#: Bytes of the line that names the running test; it is written over, in place, when the next one begins.
_HEAD = 4096


class LastResort:
    """The timer of one process, and the file that it leaves."""

    def __init__(self, file: Path) -> None:
        """Set nothing yet.

        Args:
            file: Gets a JSON line with `test` and `message`, and the stacks when the timer has fired.
        """
        self._file = file
        self._descriptor = -1
        self._fires_at: float | None = None

    def cover(self, test: str, message: str, seconds: float) -> None:
        """See to it that the process ends in so many seconds, or up to a tenth later, unless told otherwise.

        Args:
            test: Node id of the running test.
            message: Why the process would be ended.
            seconds: When.
        """
        if self._descriptor < 0:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            os.lseek(self._descriptor, _HEAD, os.SEEK_SET)  # faulthandler writes behind the line
        os.pwrite(self._descriptor, _line(test, message), 0)
        end = RealTime.monotonic() + seconds
        if self._fires_at is not None and end <= self._fires_at <= end + seconds * _SLACK:
            return
        faulthandler.dump_traceback_later(seconds * (1 + _SLACK), file=self._descriptor, exit=True)
        self._fires_at = end + seconds * _SLACK

    def rest(self) -> None:
        """Stop the timer: nothing has a deadline now."""
        if self._fires_at is not None:
            self._fires_at = None
            faulthandler.cancel_dump_traceback_later()

    def close(self) -> None:
        """Stop the timer and remove the file."""
        self.rest()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            with suppress(OSError):
                self._file.unlink()


def _line(test: str, message: str) -> bytes:
    """Return the first line, always of one length; what is too long for it is cut."""
    room = _HEAD // 8  # a character takes up to six bytes in JSON
    told = f'{{"test": {_quoted(test)}, "message": {_quoted(message)}}}'
    if len(told) >= _HEAD:
        told = json.dumps({"test": test[:room], "message": message[:room]})
    return told.ljust(_HEAD - 1).encode() + b"\n"
