"""A file that asks the processes of a run to stop: no test starts any more, running ones end by a given time.

A file and not a signal: each worker sees it, also one that is just coming up, and a debugger's prompt is not disturbed.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "stop.json"
_DEBUGGING = "debugging"
_ENOUGH = "enough"
_FAILURES = "failures"


@dataclass(frozen=True)
class Stop:
    """A request to stop.

    Attributes:
        until: Epoch seconds by which running tests must have ended.
        why: Who asked, for the tests that are ended.
        blame: Class of their failure, `StopFlag.INTERRUPTED` or `StopFlag.ENVIRONMENT`.
    """

    until: float
    why: str
    blame: str


class StopFlag:
    """The flag of one run; looking at it costs one call of the system while nobody has asked."""

    INTERRUPTED = "interrupted"
    ENVIRONMENT = "environment"

    def __init__(self, folder: Path) -> None:
        """Name the flag in a run's state directory; nothing is made."""
        self._file = folder / FILE_NAME
        self._debugging = folder / _DEBUGGING
        self._enough = folder / _ENOUGH
        self._failures = folder / _FAILURES

    def put_up(self, until: float, why: str, blame: str) -> None:
        """Ask to stop (see `Stop`); what was asked for earlier, and sooner, stands."""
        before = self.read()
        if before is None or until < before.until:
            temporary = self._file.with_suffix(".part")
            temporary.write_text(json.dumps(asdict(Stop(until, why, blame))))
            temporary.replace(self._file)

    def read(self) -> Stop | None:
        """Return the request; None while nobody has asked."""
        if not os.access(self._file, os.F_OK):  # a tenth of what an exception costs
            return None
        try:
            said = json.loads(self._file.read_text())
            return Stop(float(said["until"]), str(said["why"]), str(said["blame"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def count_failure(self, most: int) -> None:
        """Count a failure of any process of the run; the `most`-th asks that no further test starts.

        Tests that run may take the time they take.
        """
        # One byte each: whatever the processes, every append finds its own place, and the size is the number.
        file = os.open(self._failures, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, b"x")
            counted = os.fstat(file).st_size
        finally:
            os.close(file)
        if counted >= most:
            self._enough.touch()

    def enough(self) -> bool:
        """Whether so many tests have failed that no further one is to start."""
        return self._enough.exists()

    def set_debugging(self, *, on: bool) -> None:
        """Tell that somebody sits at a debugger's prompt, or does not any more."""
        if on:
            self._debugging.touch()
        else:
            self._debugging.unlink(missing_ok=True)

    def debugging(self) -> bool:
        """Whether somebody sits at a debugger's prompt."""
        return self._debugging.exists()
