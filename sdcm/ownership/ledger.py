"""The record of a run's owner and resources, on disk before the resource exists.

One file a run, `ledger.jsonl` in its state directory. First line: the owner. Then one line for each
resource about to be made and one for each that was removed. Every line is synced to disk before
the call returns, so what a killed process had made can always be found. A torn last line (the
process died while writing, so nothing was made yet) is ignored.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sdcm.journal import end_torn_line
from sdcm.process_identity import ProcessIdentity

FILE_NAME = "ledger.jsonl"


@dataclass(frozen=True)
class Entry:
    """One resource.

    Attributes:
        number: Its place in the ledger, from 1.
        kind: `container`, `network`, `volume`, `kind-cluster`, `namespace`, `process`, `directory`,
            `labelled` (whatever carries the run's label on an engine), `engine`.
        name: Name or path by which it can be removed.
        facts: What else its remover needs, for example the engine's address.
        at: Epoch seconds at which it was written down (0 where an older ledger does not say).
    """

    number: int
    kind: str
    name: str
    facts: dict[str, str] = field(default_factory=dict)
    at: float = field(default=0.0, compare=False)


@dataclass(frozen=True)
class LedgerState:
    """What a ledger says.

    Attributes:
        run_id: The run.
        owner: The process that owns the resources.
        entries: Resources not removed yet, in the order they were made.
        keep_until: Epoch seconds until which a kept environment stays (0: not kept).
    """

    run_id: str
    owner: ProcessIdentity
    entries: tuple[Entry, ...]
    keep_until: float = 0.0


class Ledger:
    """The open ledger of a live run; safe to use from several threads."""

    def __init__(self, directory: Path, run_id: str, owner: ProcessIdentity) -> None:
        """Open (or make) the ledger in `directory` and write the owner down."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = directory / FILE_NAME
        self._lock = threading.Lock()
        earlier = read(self.path)
        self._entries = {entry.number: entry for entry in earlier.entries} if earlier else {}
        self._count = _highest_number(self.path)
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        end_torn_line(self._file)
        self._write({"op": "owner", "run": run_id, "owner": owner.to_record()})

    def will_make(self, kind: str, name: str, **facts: str) -> Entry:
        """Write down a resource that is about to be made."""
        with self._lock:
            self._count += 1
            entry = Entry(self._count, kind, name, facts, round(time.time(), 3))
            record = {"op": "make", "number": entry.number, "kind": kind, "name": name, "facts": facts, "at": entry.at}
            self._write(record)
            self._entries[entry.number] = entry
            return entry

    def removed(self, entry: Entry) -> None:
        """Write down that a resource is gone (or was never made)."""
        with self._lock:
            if self._entries.pop(entry.number, None) is not None:
                self._write({"op": "removed", "number": entry.number})

    def keep_until(self, when: float) -> None:
        """Write down that the resources are to stay until `when` (epoch seconds)."""
        with self._lock:
            self._write({"op": "keep", "until": when})

    def entries(self) -> tuple[Entry, ...]:
        """Return the resources not removed yet, in the order they were made."""
        with self._lock:
            return tuple(self._entries.values())

    def close(self) -> None:
        """Close the file; the ledger stays on disk."""
        os.close(self._file)

    def _write(self, record: dict[str, object]) -> None:
        line = memoryview(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        while line:
            line = line[os.write(self._file, line) :]
        os.fsync(self._file)


def _records(path: Path) -> Iterator[dict[str, object]]:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def _highest_number(path: Path) -> int:
    return max((int(str(record["number"])) for record in _records(path) if "number" in record), default=0)


def read(path: Path) -> LedgerState | None:
    """Read a ledger, its torn last line left out.

    Returns:
        What it says, or None when there is no ledger or it names no owner yet.
    """
    run_id, owner, keep = "", None, 0.0
    entries: dict[int, Entry] = {}
    for record in _records(path):
        operation = record.get("op")
        if operation == "owner" and isinstance(record["owner"], dict):
            run_id, owner = str(record["run"]), ProcessIdentity.from_record(record["owner"])
        elif operation == "make" and isinstance(record["facts"], dict):
            number = int(str(record["number"]))
            at = float(str(record.get("at", 0)))
            entries[number] = Entry(number, str(record["kind"]), str(record["name"]), dict(record["facts"]), at)
        elif operation == "removed":
            entries.pop(int(str(record["number"])), None)
        elif operation == "keep":
            keep = float(str(record["until"]))
    if owner is None:
        return None
    return LedgerState(run_id, owner, tuple(entries.values()), keep)
