"""Where evidence lies: one folder for each failed test, of bounded size, without secrets.

A file that is too long keeps its beginning and its end and says what is missing between them. What a run may
write in all is bounded too: beyond that a test's folder has its index and the failure alone.
"""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FOLDER = "evidence"
INDEX = "README.md"
#: What the start of a run writes down of where its reports go; see `sdcm.run.report_files`.
PLACES_FILE = "report.json"
_LONGEST_NAME = 80
#: Bytes below which the rest of a file says too little.
_WORTH = 4096


@dataclass(frozen=True)
class Limits:
    """Bytes that evidence may take.

    Attributes:
        file: One file.
        test: All files of one test.
        run: All files of a run.
    """

    file: int = 512 * 2**10
    test: int = 4 * 2**20
    run: int = 64 * 2**20


LIMITS = Limits()


@dataclass(frozen=True)
class Kept:
    """One file of a failed test's evidence, as it was written or as a journal tells of it.

    Attributes:
        file: Its name.
        what: What is in it.
        bytes: Its size.
        cut: Bytes that were left out of it.
    """

    file: str
    what: str
    bytes: int
    cut: int = 0

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


class EvidenceFolder:
    """The folder of one failed test."""

    def __init__(self, root: Path, test: str, redact: Callable[[str], str], limits: Limits = LIMITS) -> None:
        """Make the folder; a test that has one already (it ran before) gets another.

        Args:
            root: Folder of the run's reports.
            test: The test's node id.
            redact: Takes the secrets out of a text.
            limits: How large it may grow.
        """
        self._per_file = limits.file
        self._redact = redact
        above = root / FOLDER
        self._left = min(limits.test, max(0, limits.run - size_of(above)))
        #: Files that found no room.
        self.left_out: list[str] = []
        above.mkdir(parents=True, exist_ok=True)
        self.path = _make_new(above, safe_name(test))
        self.name = f"{FOLDER}/{self.path.name}"
        self.kept: list[Kept] = []

    def write(self, file: str, what: str, text: str, *, always: bool = False) -> Kept | None:
        """Write a file, as much of it as may be; None when there is no room for it.

        Args:
            file: Its name; what a file's name cannot hold is replaced.
            what: What is in it.
            text: Its content.
            always: It is written even where the run has no more room.
        """
        told = self._redact(text)
        allowed = self._per_file if always else min(self._per_file, self._left)
        if allowed < min(len(told), _WORTH):
            self.left_out.append(file)
            return None
        data, cut = _shortened(told, allowed)
        name = _plain(file)
        (self.path / name).write_bytes(data)
        self._left -= len(data)
        kept = Kept(name, what, len(data), cut)
        self.kept.append(kept)
        return kept


def _make_new(above: Path, name: str) -> Path:
    number = 1
    while True:
        path = above / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def safe_name(test: str) -> str:
    """Return a folder's name for a test: readable, and of no two tests the same."""
    import hashlib

    file, _, rest = test.partition("::")
    readable = _plain(f"{Path(file).stem}-{rest}" if rest else Path(file).stem)
    digest = hashlib.sha256(test.encode(errors="replace")).hexdigest()[:8]
    return f"{readable[:_LONGEST_NAME].strip('-.') or 'test'}-{digest}"


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-") or "file"


def _shortened(text: str, allowed: int) -> tuple[bytes, int]:
    data = text.encode(errors="replace")
    if len(data) <= allowed:
        return data, 0
    head = allowed // 4
    tail = allowed - head
    cut = len(data) - allowed
    note = f"\n[... {cut} bytes left out here: a file of evidence has {allowed} at most ...]\n".encode()
    return data[:head] + note + data[len(data) - tail :], cut


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder; 0 when there is none."""
    total = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def reports_folder(state: Path) -> Path:
    """Return where the reports of a run go, by its state directory."""
    try:
        places = json.loads((state / PLACES_FILE).read_text())
    except (OSError, ValueError):
        return state
    return Path(str(places.get("folder") or state)) if isinstance(places, dict) else state
