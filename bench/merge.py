"""Merging the journals of 4 to 256 shards of 2,500 to 20,000 tests: under 10 s for 10,000 of 256, and linear.

Measured is the processor time of the whole command `sct.py report merge`: it is one process that waits for nothing; its
wall time is printed. The journals are made here as runs with database nodes write them: each test with its lease,
container, phases; one in 200 fails with text, output and a folder of evidence; shards sample their host every 5 s.

    uv run python bench/merge.py [--rounds 3]
"""

import argparse
import json
import os
import random
import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import ROOT, interleaved, machine, medians, save, timed

from sdcm.scheduling import shards
from sdcm.services import selected
from sdcm.services.selected import SelectedTest

SIZES = [(256, 2_500), (256, 5_000), (256, 10_000), (256, 20_000), (4, 10_000), (32, 10_000)]
_START = 1_700_000_000.0
_WORKERS = 4


def records(number: int, count: int, mine: tuple[str, ...], digest: str, state: Path) -> Iterator[dict[str, Any]]:
    """Yield a shard's journal."""
    chance = random.Random(number)
    now = _START + chance.random() * 20
    run = state.name

    def record(event: str, **data: Any) -> dict[str, Any]:
        return {"event": event, "at": round(now, 3), **data}

    yield record("run-start", run=run, command="integration-tests", leaks="error", shard=f"{number}/{count}")
    yield record("selection", tests=10_000, seconds=9.0)
    yield record("shard", shard=f"{number}/{count}", tests=len(mine), of=10_000, expected=1.0, digest=digest)
    for step in ("engine", "network", "image cassandra"):
        yield record("step-start", step=step, needs=["engine"] if step != "engine" else [])
        now += 2.0
        yield record("step-end", step=step, status="done", seconds=2.0)
    yield record("service", service="docker", state="ready", steps=["engine", "network", "image cassandra"])
    sampled = now
    for place, test in enumerate(mine):
        worker = f"gw{place % _WORKERS}"
        seconds = chance.lognormvariate(0, 1)
        fails = chance.random() < 0.005
        node = {"name": f"sct-{run}-cassandra-{place}", "image": "sct/cassandra:5.0.9", "test": test}
        lease = {"lease": f"l{place}", "what": "node", "test": test, "worker": worker}
        yield record("test-start", test=test, worker=worker)
        yield record("lease", **lease, state="wanted")
        yield record("container", **node, state="starting")
        yield record("container", **node, state="ready", seconds=6.0)
        yield record("lease", **lease, state="granted", seconds=0.2)
        yield record("test-body", test=test, worker=worker, started=round(now, 3))
        now += seconds / _WORKERS
        if fails:
            folder = f"evidence/test-{number}-{place}"
            (state / folder).mkdir(parents=True)
            (state / folder / "node.log").write_text("line of a log\n" * 5000)
            files = [{"file": "node.log", "what": "its log", "bytes": 70_000}]
            yield record("evidence", test=test, worker=worker, folder=folder, line="told", files=files)
        yield record("test-teardown", test=test)
        phases = {"setup": 0.2, "call": round(seconds, 3), "teardown": 0.05}
        bad = {"reason": "AssertionError", "text": "line of a failure\n" * 300, "failure_class": "test"}
        more = {**bad, "sections": [["Captured log", "line of a log\n" * 300]]} if fails else {}
        outcome = "failed" if fails else "passed"
        yield record("test-end", test=test, worker=worker, outcome=outcome, seconds=seconds, phases=phases, **more)
        yield record("container", **node, state="removed")
        yield record("lease", **lease, state="ended")
        while sampled < now:
            yield record("host", cpu=60.0, memory=40.0, used_mb=9000)
            sampled += 5.0
    yield record("teardown-end", seconds=3.0, leftovers=[])
    yield record("run-end", exit_code=1)


def artifacts(folder: Path, count: int, tests: int) -> float:
    """Write what the shards leave.

    Returns:
        MiB of their journals.
    """
    chosen = [
        SelectedTest(f"unit_tests/integration/test_{n // 50}.py::test_{n}", f"unit_tests/integration/test_{n // 50}.py")
        for n in range(tests)
    ]
    by_id = {test.nodeid: test for test in chosen}
    whole = shards.share(chosen, count)
    written = 0
    for number, mine in enumerate(whole.tests, start=1):
        state = folder / f"shard-{number}" / "runs" / f"{number:08x}"
        state.mkdir(parents=True)
        lines = [json.dumps(each) + "\n" for each in records(number, count, mine, whole.digest, state)]
        written += (state / "journal.jsonl").write_text("".join(lines))
        selected.write(state / "selection.json", [by_id[test] for test in mine])
        whole.write(state / shards.SHARES_FILE)
    return written / 2**20


def processor(argv: list[str], cwd: Path, env: dict[str, str]) -> float:
    """Return the processor seconds that a command takes, user's and system's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = timed(argv, cwd=cwd, env=env, expect=1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"wall {wall:.1f} s", flush=True)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, print and write results/merge.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    facts = machine()
    env = {name: value for name, value in os.environ.items() if name != "SCT_DURATIONS"}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sizes = {f"{count} shards, {tests} tests": (count, tests) for count, tests in SIZES}
        mib = {name: artifacts(folder / name, *size) for name, size in sizes.items()}
        sct = [sys.executable, str(ROOT / "sct.py"), "report", "merge"]
        sides = {
            name: lambda name=name: processor(
                [*sct, str(folder / name), "-o", str(folder / f"out {name}")], folder, env
            )
            for name in sizes
        }
        taken = interleaved(sides, asked.rounds)
        merged = json.loads((folder / "out 256 shards, 10000 tests" / "summary.json").read_text())
    median = medians(taken)
    claims: dict[str, Any] = {f"MiB of journals, {name}": round(size, 1) for name, size in mib.items()}
    claims["tests in the merged report of 10000"] = sum(merged["counts"].values())
    for few, many in ((2_500, 5_000), (5_000, 10_000), (10_000, 20_000)):
        claims[f"{many} / {few} tests of 256 shards"] = round(
            median[f"256 shards, {many} tests"] / median[f"256 shards, {few} tests"], 2
        )
    save("merge", facts, taken, claims)


if __name__ == "__main__":
    main()
