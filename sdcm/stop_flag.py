"""A file that asks the processes of a run to stop: no test starts any more, running ones end by a given time.

A file and not a signal: each worker sees it, also one that is just coming up, and a debugger's prompt is not disturbed.
"""

import json
from pathlib import Path

FILE_NAME = "stop.json"


class StopFlag:
    """The flag of one run; looking at it costs one failed `open` while nobody has asked."""

    def __init__(self, folder: Path) -> None:
        """Name the flag in a run's state directory; nothing is made."""
        self._file = folder / FILE_NAME

    def put_up(self, until: float, why: str) -> None:
        """Ask to stop; what was asked for earlier, and sooner, stands.

        Args:
            until: Epoch seconds by which running tests must have ended.
            why: Who asked, for the tests that are ended.
        """
        before = self.read()
        if before is None or until < before[0]:
            temporary = self._file.with_suffix(".part")
            temporary.write_text(json.dumps({"until": until, "why": why}))
            temporary.replace(self._file)

    def read(self) -> tuple[float, str] | None:
        """Return until when running tests may go on, and why they must end; None while nobody has asked."""
        try:
            said = json.loads(self._file.read_text())
            return float(said["until"]), str(said["why"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
