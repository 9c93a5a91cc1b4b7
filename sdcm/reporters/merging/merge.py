"""One journal out of those of a run's shards.

    attempts -> one run for each shard -> its records, renamed and on one time axis -> what the whole says of itself

A shard that is missing, or whose journal ends in the middle, is a failure of the environment by its name. What it had
begun is an error of that class, what it had not begun is told as not run. All of it costs time in proportion to the
records.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sdcm.exit_codes import ExitCode
from sdcm.reporters.merging import clocks, services
from sdcm.reporters.merging.attempts import Chosen, ShardRun
from sdcm.reporters.merging.codes import exit_code
from sdcm.reporters.merging.standing import Standing
from sdcm.reporters.merging.voices import Voice
from sdcm.reporters.shard_records import COMPLETE, NEVER, ShardEnd
from sdcm.scheduling.shards import Shares

Record = dict[str, Any]
_NO_JOURNAL = "no journal of it was found"


@dataclass(frozen=True)
class Merged:
    """A merged run.

    Attributes:
        records: Its journal, oldest first.
        exit_code: Its exit code.
        runs: The runs it consists of, each with what stands before its names.
    """

    records: list[Record]
    exit_code: ExitCode
    runs: Mapping[str, ShardRun]


def merge(
    commands: Sequence[Chosen], now: float, shares: Shares | None = None, why_lost: Mapping[int, str] | None = None
) -> Merged:
    """Return the merged run.

    Args:
        commands: The shards of each command.
        now: This machine's clock, epoch seconds; later than anything that a shard did.
        shares: The tests of all shards; None: as the shards have written them down.
        why_lost: Why a shard never came back, by its number.
    """
    several = len(commands) > 1
    labelled = {
        (chosen.command, number): _label(chosen, number, several) for chosen in commands for number in chosen.names
    }
    runs = {labelled[chosen.command, number]: run for chosen in commands for number, run in chosen.runs.items()}
    spans = [(run.started, run.ended) for run in runs.values()]
    shifts = dict(zip(runs, clocks.shifts(spans, now), strict=True))
    standing = Standing(runs)
    records: list[Record] = []
    for label, run in runs.items():
        records += _records(run, Voice(label, shifts[label] + run.attempt.clock), standing)
    first = min((run.started + shifts[label] for label, run in runs.items()), default=now)
    last = max((run.ended + shifts[label] for label, run in runs.items()), default=now)
    told: list[Record] = []
    for chosen in commands:
        labels = {number: labelled[chosen.command, number] for number in chosen.names}
        told += _account(chosen, labels, shares, why_lost or {}, shifts)
    ends = [ShardEnd.from_record(record) for record in told if record["event"] == "shard-end"]
    misfits = [record for record in told if record["event"] == "shard-misfit"]
    code = exit_code(list(runs.values()), ends, misfits=bool(misfits))
    records.sort(key=lambda record: record["at"])
    total = sum(end.tests or 0 for end in ends)
    head = [_start(commands, runs, first), {"event": "collected", "at": first, "tests": total}]
    stages = [stage for label, run in runs.items() for stage in _stages(label, run, shifts[label], first)]
    after = [*stages, *services.last_states(runs), *told, *_teardown(runs)]
    tail = [{**record, "at": record.get("at", last)} for record in after]
    return Merged([*head, *records, *tail], code, runs)


def _label(chosen: Chosen, number: int, several: bool) -> str:
    name = str(number) if number <= chosen.count else chosen.names[number]
    return f"{chosen.command.removesuffix('-tests')}-{name}" if several else name


def _start(commands: Sequence[Chosen], runs: Mapping[str, ShardRun], first: float) -> Record:
    """Return the start of the merged run, whose id is that of the same runs each time they are merged."""
    ids = sorted(run.result.run for run in runs.values())
    leaks = "error" if any(run.result.leaks_mode == "error" for run in runs.values()) else "warn"
    return {
        "event": "run-start",
        "at": first,
        "run": hashlib.sha256(" ".join(ids).encode()).hexdigest()[:8],
        "command": " and ".join(chosen.command for chosen in commands),
        "merged": ids,
        "leaks": leaks,
    }


def _records(run: ShardRun, voice: Voice, standing: Standing) -> Iterator[Record]:
    """Yield what a shard did, and an end for each test that was in the middle of it when the shard was lost."""
    label = voice.label
    for record in run.records:
        if record["event"] == "service" or not standing.keeps(label, record):
            continue
        if (told := voice.record(record)) is not None:
            yield told
    if run.state == COMPLETE:
        return
    for test in run.result.unfinished:
        last = run.result.started + run.result.seconds
        end: Record = {"event": "test-end", "at": last, "test": test.test}
        seconds = round(max(0.0, last - test.started), 3)
        reason = f"shard {label} was lost in the middle of it"
        end |= {"outcome": "error", "worker": test.worker, "seconds": seconds, "reason": reason}
        if standing.keeps(label, end) and (told := voice.record({**end, "failure_class": "environment"})) is not None:
            yield told


def _account(
    chosen: Chosen,
    labels: Mapping[int, str],
    shares: Shares | None,
    why_lost: Mapping[int, str],
    shifts: Mapping[str, float],
) -> Iterator[Record]:
    """Yield the end of each shard, the tests that did not run, and why shards do not fit together."""
    known = [*([shares] if shares else []), *_shares(chosen)]
    begun = {test for run in chosen.runs.values() for test in run.begun}
    told_of: set[str] = set()
    for number, name in chosen.names.items():
        run = chosen.runs.get(number)
        own = _share(run, number, known)
        reason = why_lost.get(number) or _why(run)
        left = [test for test in own or () if test not in begun and test not in told_of]
        end = _end(name, run, own, reason)
        if run is not None:
            end["shifted"] = round(shifts[labels[number]] + run.attempt.clock, 3)
        end["not_run"] = len(left) or (run.result.not_run if run and own is None else 0)
        yield end
        said = ShardEnd.from_record({**end, "not_run": 0}).lost or f"shard {name} ended before it"
        yield from ({"event": "not-run", "test": test, "reason": said} for test in left)
        told_of.update(left)
    yield from _misfits(chosen, known, begun | told_of)


def _share(run: ShardRun | None, number: int, known: Sequence[Shares]) -> tuple[str, ...] | None:
    """Return the tests of a shard, as its own split has them, or else the one that is known."""
    by_digest = {shares.digest: shares for shares in known}
    shares = by_digest.get(run.digest) if run and run.digest else None
    if shares is None and known and not (run and run.shard is None):
        shares = known[0]
    return shares.tests[number - 1] if shares and number <= len(shares.tests) else None


def _shares(chosen: Chosen) -> Iterator[Shares]:
    """Yield the shares of each split that there was, the one of most shards first; each is read once."""
    for _, numbers in sorted(chosen.digests.items(), key=lambda item: -len(item[1])):
        found = next((shares for number in numbers if (shares := chosen.runs[number].shares)), None)
        if found is not None:
            yield found


def _why(run: ShardRun | None) -> str:
    if run is None:
        return _NO_JOURNAL
    if run.interrupted:
        return "it was interrupted"
    return "" if run.state == COMPLETE else "its journal ends before its run did"


def _end(name: str, run: ShardRun | None, own: Sequence[str] | None, reason: str) -> Record:
    if run is None:
        tests = None if own is None else len(own)
        return {"event": "shard-end", "shard": name, "state": NEVER, "reason": reason, "tests": tests, "attempts": 0}
    result = run.result
    return {
        "event": "shard-end",
        "shard": name,
        "state": run.state,
        "reason": reason if run.state != COMPLETE else "",
        "run": result.run,
        "exit_code": result.exit_code,
        "tests": len(own) if own is not None else max(result.selected or 0, len(run.begun)),
        "started": result.started,
        "seconds": round(result.seconds, 3),
        "first_test": result.milestones.first_test,
        "attempts": run.attempts,
    }


def _misfits(chosen: Chosen, known: Sequence[Shares], accounted: set[str]) -> Iterator[Record]:
    """Yield why shards do not fit together, and the tests that no shard had because of that."""
    counts = Counter(run.shard.count for run in chosen.runs.values() if run.shard)
    other_counts = bool(counts) and counts.keys() != {chosen.count}
    if other_counts:
        told = ", ".join(f"{times} of {count}" for count, times in sorted(counts.items()))
        reason = f"{chosen.command}: shards of different splits: {told}, where there should be {chosen.count}"
        yield {"event": "shard-misfit", "reason": reason}
    digests = set(chosen.digests) | {own.digest for own in known}
    if len(digests) > 1:
        splits = (f"{digest} ({_numbers(chosen.digests.get(digest, ()))})" for digest in sorted(digests))
        why = "they had other tests, or another durations file: give all the same checkout, options and SCT_DURATIONS"
        told = f"{chosen.command}: shards were split differently: {', '.join(splits)}; {why}"
        yield {"event": "shard-misfit", "reason": told}
    if other_counts or len(digests) > 1:
        missed = sorted({test for shares in known for tests in shares.tests for test in tests} - accounted)
        reason = "no shard had it: shards were split differently"
        yield from ({"event": "not-run", "test": test, "reason": reason} for test in missed)


def _numbers(numbers: Iterable[int]) -> str:
    several = sorted(numbers)
    if not several:
        return "who started them"
    told = ", ".join(map(str, several[:5]))
    return f"shards {told}" + (f" and {len(several) - 5} more" if len(several) > 5 else "")


def _stages(label: str, run: ShardRun, shift: float, first: float) -> Iterator[Record]:
    shift += run.attempt.clock
    began = run.result.started + shift
    if began > first:
        yield {"event": "stage", "name": "shard not begun", "started": first, "at": began, "shard": label}
    for stage in run.result.stages:
        times = {"started": round(stage.started + shift, 3), "at": round(stage.ended + shift, 3)}
        yield {"event": "stage", "name": stage.name, **times, "shard": label}


def _teardown(runs: Mapping[str, ShardRun]) -> Iterator[Record]:
    """Yield the end of all teardowns, if all came to theirs; what they left carries its shard."""
    if not all(run.result.torn_down or not run.result.steps for run in runs.values()):
        return
    left = [f"{leftover} (shard {label})" for label, run in runs.items() for leftover in run.result.leftovers]
    yield {"event": "teardown-end", "seconds": 0.0, "leftovers": left}
