"""Files through the log of a pod: lines that carry bytes, beside whatever else is printed there.

    sct-shard NUMBER KIND BASE64

NUMBER counts from 0 without a gap, so that a log may be read again from its beginning after a connection was lost,
and that a log which has lost lines is known for it. The bytes are compressed with zlib. KIND says what they are; see
`Kind`. A line stays below 16 KiB, at which container runtimes cut lines in two.
"""

import base64
import binascii
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_MARK = "sct-shard"
#: Bytes of a frame before and after compression; the latter become 4/3 as many characters.
_PIECE = 48 * 1024
_COMPRESSED = 11 * 1024


class Kind(StrEnum):
    """What a frame carries."""

    #: The next bytes of the run's journal.
    JOURNAL = "journal"
    #: The next bytes of the archive (tar) with what else the run has left.
    FILES = "files"
    #: A sign of life: the pod's clock, epoch seconds as text.
    ALIVE = "alive"
    #: The last frame: JSON with `exit_code`, and with `left_out`, names of files that were too large.
    END = "end"


@dataclass(frozen=True)
class Frame:
    """One line's content."""

    number: int
    kind: Kind
    data: bytes


class FrameWriter:
    """Makes the lines; numbers them."""

    def __init__(self) -> None:
        """Begin at 0."""
        self._number = 0

    def lines(self, kind: Kind, data: bytes) -> Iterator[str]:
        """Yield lines that carry `data`, without line ends."""
        for start in range(0, max(len(data), 1), _PIECE):
            yield from self._fitting(kind, data[start : start + _PIECE])

    def _fitting(self, kind: Kind, piece: bytes) -> Iterator[str]:
        packed = zlib.compress(piece)
        if len(packed) > _COMPRESSED:
            half = len(piece) // 2
            yield from self._fitting(kind, piece[:half])
            yield from self._fitting(kind, piece[half:])
            return
        number, self._number = self._number, self._number + 1
        yield f"{_MARK} {number} {kind} {base64.b64encode(packed).decode()}"


class FrameReader:
    """Reads the lines of one pod's log, as often as it is read.

    Attributes:
        expected: Number of the next frame.
        gap: Whether frames are missing: what comes after cannot be used.
    """

    def __init__(self) -> None:
        """Have read nothing."""
        self.expected = 0
        self.gap = False

    def frame(self, line: str) -> Frame | None:
        """Return the frame on a line; None for other lines, and for frames that were read before."""
        mark, _, rest = line.partition(" ")
        parts = rest.split(" ")
        if mark != _MARK or len(parts) != 3 or not parts[0].isdecimal():
            return None
        number = int(parts[0])
        if number < self.expected:
            return None
        if number > self.expected:
            self.gap = True
            return None
        try:
            found = Frame(number, Kind(parts[1]), zlib.decompress(base64.b64decode(parts[2], validate=True)))
        except (ValueError, binascii.Error, zlib.error):
            return None  # the log's torn end; it comes whole when it is read again
        self.expected += 1
        return found

    @staticmethod
    def is_frame(line: str) -> bool:
        """Whether a line is one of ours, and not what a program has printed."""
        return line.startswith(f"{_MARK} ")
