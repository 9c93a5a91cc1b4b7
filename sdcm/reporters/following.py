"""A journal that is read while it grows, each record once: one report after another is made of what is there."""

from collections.abc import Callable, Iterable
from pathlib import Path

from sdcm import journal
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.reading import JournalReader
from sdcm.reporters.timeline import Timeline, TimelineReader
from sdcm.services.selected import SelectedTest


class FollowedJournal:
    """The journal of one run."""

    def __init__(self, path: Path, selected: Callable[[], Iterable[SelectedTest]] = tuple) -> None:
        """Read nothing yet.

        Args:
            path: The journal; a file that is not there has no records.
            selected: Returns the selection, for the services of tests whose records do not tell them; asked when the
                first test has begun, as a worker may write it once it has collected.
        """
        self._path = path
        self._selected = selected
        self._knows = False
        self._reader = JournalReader()
        self._times = TimelineReader()
        self._read = 0

    def read(self) -> bool:
        """Take in what has come since the last look; return whether anything has."""
        lines = self._whole_lines()
        for line in lines:
            if (record := journal.parse(line)) is not None:
                if not self._knows and str(record["event"]).startswith("test-"):
                    self._knows = True
                    self._reader.know(self._selected())
                self._reader.feed(record)
                self._times.feed(record)
        return bool(lines)

    def result(self) -> RunResult:
        """Return how the run went, as far as it has come."""
        self.read()
        return RunResult.from_reader(self._reader).beside(self._path)

    def timeline(self) -> Timeline:
        """Return when what ran, as far as `result` has read; asked once, at the end."""
        return self._times.over()

    def _whole_lines(self) -> list[bytes]:
        """Return the lines that have come since the last look; one that is still being written comes with the next."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except FileNotFoundError:
            return []
        end = new.rfind(b"\n") + 1
        self._read += end
        return new[:end].splitlines()
