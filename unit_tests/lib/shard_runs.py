"""State directories of a run's shards as they come back from other machines, written by hand."""

from pathlib import Path

from sdcm.scheduling import shards
from sdcm.scheduling.shards import Shares
from sdcm.services import selected
from sdcm.services.selected import SelectedTest
from unit_tests.lib.journals import HandJournal

#: The tests of each shard of the run that `shard_run` belongs to.
SHARES = Shares("00d1ce57", (("a.py::one", "a.py::two"), ("b.py::one", "b.py::two"), ("c.py::one",)))


def shard_run(
    folder: Path,
    index: int,
    *,
    ended: int | None = 0,
    run: str = "",
    tests: dict[str, dict] | None = None,
    starts: float = 0.0,
    shares: Shares = SHARES,
    **start: object,
) -> HandJournal:
    """Write what a shard of three leaves, and return its journal, to which more can be written and saved.

    Args:
        folder: Where its state directory is made, named for the run.
        index: Which shard.
        ended: Its exit code; None: it was killed.
        run: Its id.
        tests: What became of each of its tests, as `HandJournal.test` takes it; all pass when omitted.
        starts: Seconds by which its clock is ahead.
        shares: The split.
        start: More fields of `run-start`.
    """
    run = run or f"run{index}"
    state = folder / "runs" / run
    state.mkdir(parents=True)
    mine = shares.tests[index - 1]
    of = len(shares.tests)
    records = HandJournal()
    records.now += starts
    named = {"run": run, "command": "integration-tests", "leaks": "error", "shard": f"{index}/{of}", **start}
    records.write("run-start", **named)
    whole = sum(map(len, shares.tests))
    records.write("selection", tests=whole, seconds=0.1)
    records.write("shard", shard=f"{index}/{of}", tests=len(mine), of=whole, expected=1.0, digest=shares.digest)
    for test, outcome in (tests if tests is not None else {test: {} for test in mine}).items():
        records.test(test, **{"worker": "gw0", "phases": {"setup": 0.1, "call": 0.9}, **outcome})
    if ended is not None:
        records.write("teardown-end", seconds=1.0, leftovers=[])
        records.write("run-end", exit_code=ended)
    shares.write(state / shards.SHARES_FILE)
    selected.write(state / "selection.json", [SelectedTest(test, test.partition("::")[0]) for test in mine])
    records.save(state / "journal.jsonl")
    return records
