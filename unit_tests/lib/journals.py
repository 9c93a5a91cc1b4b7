"""Journals written by hand, with a clock that the test sets."""

import json
from pathlib import Path
from typing import Any

START = 1_700_000_000.0


def records_of(journal: Path) -> list[dict[str, Any]]:
    """Return the records of a real run's journal; a line may be empty (see `sdcm.journal.end_torn_line`)."""
    return [json.loads(line) for line in journal.read_text().splitlines() if line.strip()]


class HandJournal(list[dict[str, Any]]):
    """Records in the order they are written; each a tenth of a second after the one before it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START

    def write(self, event: str, after: float = 0.1, **data: Any) -> "HandJournal":
        """Append an event that happens `after` seconds."""
        self.now = round(self.now + after, 3)
        self.append({"event": event, "at": self.now, **data})
        return self

    def test(self, nodeid: str, outcome: str = "passed", seconds: float = 1.0, **data: Any) -> "HandJournal":
        """Append a whole test, with its body."""
        self.write("test-start", test=nodeid)
        self.write("test-body", after=0.0, test=nodeid, started=self.now)
        return self.write("test-end", after=seconds, test=nodeid, outcome=outcome, seconds=seconds, **data)

    def save(self, path: Path, torn: str = "") -> Path:
        """Write the records to a file, and `torn` after them."""
        path.write_text("".join(json.dumps(record) + "\n" for record in self) + torn)
        return path
