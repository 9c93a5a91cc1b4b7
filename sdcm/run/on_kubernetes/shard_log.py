"""What one pod has sent: its run's files, written to a folder here as they come."""

import io
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sdcm import journal as journals
from sdcm.containers.archive import tarfile_with_filters
from sdcm.run.on_kubernetes.framing import Frame, FrameReader, Kind

#: What a shard's own program has printed, beside the journal.
CONSOLE_FILE = "console.log"


class ShardLog:
    """The log of one pod; may be fed from its beginning again.

    Attributes:
        folder: Where the run's files are written.
        tests: How many tests the shard has, once its journal says so.
        ended: Tests that have ended.
        unwell: Tests that have failed.
        digest: What the shard was split by, as its journal says.
        exit_code: The runner's, once it has said its last word; None before.
        clock: Seconds to add to the pod's times to have this machine's.
        broken: The log has lost lines, so that it will never be whole.
    """

    def __init__(self, folder: Path, heard: Callable[[dict[str, Any]], None]) -> None:
        """Write to `folder`.

        Args:
            folder: Made when it is not there.
            heard: Called with each record of the journal, once.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.tests = 0
        self.ended = 0
        self.unwell = 0
        self.digest = ""
        self.exit_code: int | None = None
        self.clock = 0.0
        self._heard = heard
        self._frames = FrameReader()
        self._files = io.BytesIO()
        self._rest = b""
        self._line = b""
        self._console = 0
        self._clocked = False

    @property
    def broken(self) -> bool:
        """Whether frames are missing."""
        return self._frames.gap

    def begin(self) -> None:
        """The log is read from its beginning, perhaps once more."""
        self._line = b""
        (self.folder / CONSOLE_FILE).write_bytes(b"")

    def feed(self, piece: bytes) -> None:
        """Take in the next bytes of the log."""
        *whole, self._line = (self._line + piece).split(b"\n")
        with (self.folder / CONSOLE_FILE).open("ab") as console:
            for raw in whole:
                line = raw.decode(errors="replace")
                if not FrameReader.is_frame(line):
                    console.write(raw + b"\n")
                elif (frame := self._frames.frame(line)) is not None:
                    self._take(frame)

    def last_lines(self, count: int = 3) -> str:
        """Return the last lines that the pod's program has printed, as one."""
        file = self.folder / CONSOLE_FILE
        lines = file.read_text(errors="replace").splitlines() if file.exists() else []
        return " / ".join(line.strip() for line in [each for each in lines if each.strip()][-count:])

    def _take(self, frame: Frame) -> None:
        if frame.kind == Kind.JOURNAL:
            with (self.folder / journals.FILE_NAME).open("ab") as journal:
                journal.write(frame.data)
            *whole, self._rest = (self._rest + frame.data).split(b"\n")
            for line in whole:
                if (record := journals.parse(line)) is not None:
                    self._hear(record)
        elif frame.kind == Kind.FILES:
            self._files.write(frame.data)
        elif frame.kind == Kind.ALIVE:
            # What was on its way longest says least of the clocks.
            late = time.time() - float(frame.data)
            self.clock = min(self.clock, late) if self._clocked else late
            self._clocked = True
        else:
            self._unpack()
            self.exit_code = int(json.loads(frame.data)["exit_code"])

    def _hear(self, record: dict[str, Any]) -> None:
        event = record["event"]
        if event == "shard":
            self.tests, self.digest = int(record.get("tests") or 0), str(record.get("digest") or "")
        elif event == "test-end":
            self.ended += 1
            self.unwell += _is_unwell(record)
        self._heard(record)

    def _unpack(self) -> None:
        self._files.seek(0)
        if self._files.getbuffer().nbytes:
            with tarfile_with_filters().open(fileobj=self._files) as tar:
                tar.extractall(self.folder, filter="data")


def _is_unwell(record: Mapping[str, Any]) -> bool:
    return record.get("outcome") in {"failed", "error"}
