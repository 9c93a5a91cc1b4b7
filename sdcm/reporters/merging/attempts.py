"""Which runs stand for which shards: of a shard that ran twice the last complete one, of a lost one what there is."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sdcm import journal as journals
from sdcm.errors import UsageProblem
from sdcm.exit_codes import ExitCode
from sdcm.reporters import fields
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.shard_records import COMPLETE, HALF_WAY
from sdcm.scheduling import shards
from sdcm.scheduling.shards import Shard, Shares


@dataclass(frozen=True)
class Attempt:
    """One run of one shard.

    Attributes:
        folder: Its state directory, or what came back of it: `journal.jsonl`, and beside it what belongs to it.
        shard: Which shard; None: its journal says so, or it was none.
        number: Counts the runs of one shard; of several complete ones the highest number counts, or the latest.
        clock: Seconds to add to its times, where it is known how far its clock is behind.
        beside: Further folders in which its evidence may lie.
    """

    folder: Path
    shard: Shard | None = None
    number: int = 0
    clock: float = 0.0
    beside: tuple[Path, ...] = ()


class ShardRun:
    """An attempt whose journal has been read.

    Attributes:
        attempt: Which.
        records: Its journal.
        result: How it went by that.
        attempts: How many runs of this shard there were.
    """

    def __init__(self, attempt: Attempt) -> None:
        """Read the journal.

        Raises:
            OSError: It cannot be read.
        """
        self.attempt = attempt
        file = attempt.folder / journals.FILE_NAME
        self.records: list[dict[str, Any]] = list(_timed(journals.read(file)))
        self.result = RunResult.from_journal(self.records).beside(file)
        self.attempts = 1
        self._first: dict[str, dict[str, Any]] = {}
        for record in self.records:
            self._first.setdefault(str(record["event"]), record)

    @property
    def started(self) -> float:
        """Epoch seconds of its first record, by its own clock or by ours where the difference is known."""
        return self.result.started + self.attempt.clock

    @property
    def ended(self) -> float:
        """Epoch seconds of its last record."""
        return self.started + self.result.seconds

    @cached_property
    def shard(self) -> Shard | None:
        """Which shard it is; None for a run that was none."""
        if self.attempt.shard is not None:
            return self.attempt.shard
        for event in ("shard", "run-start"):
            with suppress(UsageProblem):
                if named := self._first.get(event, {}).get("shard"):
                    return shards.parse(str(named))
        return None

    @property
    def is_merged(self) -> bool:
        """Whether it is what an earlier merge has written."""
        return "merged" in self._first.get("run-start", {})

    @property
    def digest(self) -> str:
        """The digest of its split; empty when it did not come so far."""
        return str(self._first.get("shard", {}).get("digest") or "")

    @cached_property
    def shares(self) -> Shares | None:
        """All shards' tests, as it has worked them out."""
        return Shares.read(self.attempt.folder / shards.SHARES_FILE)

    @property
    def interrupted(self) -> bool:
        """Whether it was asked to stop: by a user, or because its machine was taken away."""
        return self.result.exit_code == ExitCode.INTERRUPTED

    @property
    def state(self) -> str:
        """`complete`, or `lost half-way`."""
        return COMPLETE if self.result.exit_code is not None and not self.interrupted else HALF_WAY

    @cached_property
    def begun(self) -> frozenset[str]:
        """Node ids of the tests that began."""
        return frozenset(test.test for test in self.result.tests if test.phase != "collect")

    @property
    def worth(self) -> tuple[object, ...]:
        """Orders runs of one shard; the greatest counts: complete and last, else the one that came furthest."""
        if self.state == COMPLETE:
            return (True, self.attempt.number, self.started)
        return (False, sum(test.finished for test in self.result.tests), self.attempt.number, self.started)


@dataclass(frozen=True)
class Chosen:
    """The shards of one command.

    Attributes:
        command: Its name.
        count: How many shards there should be; 0 where the runs were no shards.
        runs: The run that counts for each shard that came back, by its number; runs that were no shards from 1.
        names: What each is called, by its number; also those that did not come back.
        digests: The runs' numbers by the digest of their split.
    """

    command: str
    count: int
    runs: Mapping[int, ShardRun]
    names: Mapping[int, str]
    digests: Mapping[str, tuple[int, ...]]


def _timed(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield records, those whose time is none with that of the one before: all are sorted by it."""
    last = 0.0
    for record in records:
        at = fields.number(record, "at") or last
        yield record if record.get("at") == at else {**record, "at": at}
        last = at


def read(attempts: Iterable[Attempt]) -> list[ShardRun]:
    """Read all that have a journal; the same run found twice counts once, the longer journal of it.

    Raises:
        UsageProblem: A journal cannot be read.
    """
    by_run: dict[str, ShardRun] = {}
    for attempt in attempts:
        try:
            found = ShardRun(attempt)
        except OSError as exc:
            raise UsageProblem(f"{attempt.folder} cannot be read", why=exc.strerror or str(exc)) from exc
        if not found.records or found.is_merged:
            continue
        key = found.result.run or str(attempt.folder)
        if key not in by_run or len(found.records) > len(by_run[key].records):
            by_run[key] = found
    return list(by_run.values())


def choose(runs: Sequence[ShardRun], count: int = 0) -> list[Chosen]:
    """Sort runs by command and shard.

    Args:
        runs: All that there are.
        count: How many shards there should be; 0: as many as they say themselves.
    """
    by_command: dict[str, list[ShardRun]] = defaultdict(list)
    for run in runs:
        by_command[run.result.command or "run"].append(run)
    return [_of_command(command, found, count) for command, found in sorted(by_command.items())]


def _of_command(command: str, found: Sequence[ShardRun], count: int) -> Chosen:
    by_number: dict[int, list[ShardRun]] = defaultdict(list)
    whole = [run for run in found if run.shard is None]
    of_shards = [run for run in found if run.shard is not None]
    for run in of_shards:
        assert run.shard is not None
        by_number[run.shard.index].append(run)
    should = max(count if of_shards or not whole else 0, *(run.shard.count if run.shard else 0 for run in found))
    names = {number: f"{number}/{should}" for number in range(1, should + 1)}
    for place, run in enumerate(sorted(whole, key=lambda run: run.started), start=should + 1):
        by_number[place].append(run)
        names[place] = run.result.run or run.attempt.folder.name
    counted: dict[int, ShardRun] = {}
    digests: dict[str, list[int]] = defaultdict(list)
    for number, several in sorted(by_number.items()):
        counted[number] = max(several, key=lambda run: run.worth)
        counted[number].attempts = len(several)
        if digest := counted[number].digest:
            digests[digest].append(number)
    return Chosen(command, should, counted, names, {digest: tuple(held) for digest, held in digests.items()})
