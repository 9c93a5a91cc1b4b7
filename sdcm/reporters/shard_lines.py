"""What a summary says of the shards of a merged run."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from sdcm.reporters.outcome import RunResult
from sdcm.reporters.shard_records import COMPLETE, NEVER, ShardEnd

#: Makes lines of a title and what is told under it.
Listed = Callable[[str, list[str]], list[str]]
#: Seconds of difference between clocks that are worth a word.
_WORTH = 1.0


def shard_lines(result: RunResult, listed: Listed) -> list[str]:
    """Return the lines: how the shards went, which are lost, and which tests did not run because of that.

    Args:
        result: A run; there is nothing to say of one that was not merged.
        listed: Makes lines of a title and what is told under it.
    """
    if not result.shards:
        return []
    lines = listed("shards", [_census(result.shards), *_remarks(result.shards)])
    lines += listed("LOST", [shard.lost for shard in result.shards if shard.lost])
    lines += listed("MISFIT", list(result.misfits))
    reasons = Counter(test.reason for test in result.never_ran)
    return lines + listed("not run", [f"{count}: {reason}" for reason, count in reasons.items()])


def _census(shards: tuple[ShardEnd, ...]) -> str:
    complete = [shard for shard in shards if shard.state == COMPLETE]
    told = f"{len(complete)} of {len(shards)} complete"
    if not complete:
        return told
    seconds = sorted((shard.seconds, shard.shard) for shard in complete)
    mean = sum(each for each, _ in seconds) / len(seconds)
    return f"{told}, {seconds[0][0]:.1f} to {seconds[-1][0]:.1f} s each, {mean:.1f} s in the mean"


def _remarks(shards: tuple[ShardEnd, ...]) -> list[str]:
    again = [f"{shard.shard} ({shard.attempts} times)" for shard in shards if shard.attempts > 1]
    moved = [f"{shard.shard} by {shard.shifted:+.0f} s" for shard in shards if abs(shard.shifted) >= _WORTH]
    remarks = [f"run again, the last complete run counts: {', '.join(again)}"] if again else []
    return remarks + ([f"drawn at other times than their clocks told: {', '.join(moved)}"] if moved else [])


def shard_record(result: RunResult) -> dict[str, Any]:
    """Return the same as JSON values; nothing for a run that was not merged."""
    if not result.shards:
        return {}
    return {
        "shards": [vars(shard) for shard in result.shards],
        "shards_lost": [shard.shard for shard in result.shards if shard.state != COMPLETE],
        "shards_never_back": [shard.shard for shard in result.shards if shard.state == NEVER],
        "misfits": list(result.misfits),
        "tests_not_run": {test.test: test.reason for test in result.never_ran},
    }
