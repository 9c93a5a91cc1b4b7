"""One suite of 10,000 tests on 1 to 256 machines: how even the shares are, and when more machines stop paying.

The shares are those of the real splitting code (`sdcm.scheduling.shards`); time is simulated. Balance is the longest
share over what no split can beat, max(sum / machines, longest unit), the worst of five suites: with the durations
known, each 50 % wrong, half of them unknown, none known; and of suites that consist of few long groups. Wall time adds
what `ASSUMED` says, and machines that are lost: each at a random moment with the assumed chance for each hour, after
which its share runs again from its beginning.

    uv run python bench/shards.py
"""

import argparse
import heapq
import json
import random
import statistics
import time
from collections.abc import Iterable, Sequence
from typing import Any

from measure import RESULTS, machine
from shards_suite import Suite, grouped_suite, half_of_them, off_by_half, suite

from sdcm.scheduling import shards
from sdcm.scheduling.units import Unit

COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
SUITES = 5
#: What the simulation takes for granted; docs/design/scale.md says where each figure is from.
ASSUMED = {
    "workers on a machine": 4,
    "seconds until a machine or pod is there": 15.0,
    "seconds to pull the images": 45.0,
    "seconds to collect 10,000 tests": 5.3,
    "seconds to start an engine": 3.0,
    "seconds until workers have collected": 5.3,
    "seconds to boot the first node": 7.0,
    "seconds of teardown and reports": 5.0,
    "chance that a machine is lost, an hour": 0.02,
    "MiB of the runner image": 450,
    "MiB of a node image": 400,
    "Gbit/s that the registry serves": 10.0,
    "MiB of journal for 10,000 tests": 17,
    "requests to the API server for a pod": 20,
}
_TRIALS = 400
_WORKERS = int(ASSUMED["workers on a machine"])


def longest_share(whole: Suite, known: dict[str, float] | None, count: int) -> tuple[list[float], float]:
    """Return the seconds of each share in truth, when split by what is known, and the longest unit."""
    shares = shards.share(whole.tests, count, known)
    truth = shards.alike_units(whole.tests, whole.seconds)
    return [sum(whole.seconds[test] for test in share) for share in shares.tests], max(unit.seconds for unit in truth)


def balance(whole: Suite, known: dict[str, float] | None, count: int) -> float:
    """Return the longest share over what no split can beat."""
    loads, longest = longest_share(whole, known, count)
    return max(loads) / max(sum(loads) / count, longest)


def on_workers(units: Iterable[Unit], workers: int) -> float:
    """Return the seconds until the last worker is done: longest unit first, each to the worker that is free."""
    free = [0.0] * workers
    for unit in sorted(units, key=lambda unit: -unit.seconds):
        heapq.heappush(free, heapq.heappop(free) + unit.seconds)
    return max(free)


def start_up(count: int) -> float:
    """Return the seconds from the command to the first test's own code, where so many machines begin at once."""
    steps = sum(value for name, value in ASSUMED.items() if name.startswith("seconds") and "teardown" not in name)
    alone = ASSUMED["seconds to pull the images"]
    return steps - alone + max(alone, gibibits(count) * 1.073741824 / ASSUMED["Gbit/s that the registry serves"])


def gibibits(count: int) -> float:
    """Return what so many machines pull."""
    return count * (ASSUMED["MiB of the runner image"] + ASSUMED["MiB of a node image"]) * 8 / 1024


def share_walls(whole: Suite, known: dict[str, float], count: int) -> list[float]:
    """Return the seconds each machine takes, its start and end included."""
    parts = shards.split(shards.alike_units(whole.tests, known), count)
    truth = {unit.name: unit for unit in shards.alike_units(whole.tests, whole.seconds)}
    fixed = start_up(count) + ASSUMED["seconds of teardown and reports"]
    return [fixed + on_workers((truth[unit.name] for unit in part), _WORKERS) for part in parts]


def with_losses(walls: Sequence[float], trials: int, seed: int) -> tuple[float, float, float]:
    """Return median and 95th percentile of the wall time, and the mean number of runs again, with machines lost."""
    chance = random.Random(seed)
    rate = ASSUMED["chance that a machine is lost, an hour"] / 3600
    ends, again = [], 0
    for _ in range(trials):
        latest = 0.0
        for wall in walls:
            spent = 0.0
            while (lost_after := chance.expovariate(rate)) < wall:
                spent += lost_after
                again += 1
            latest = max(latest, spent + wall)
        ends.append(latest)
    ends.sort()
    return statistics.median(ends), ends[int(0.95 * trials)], again / trials


def evenness(suites: Sequence[Suite]) -> list[dict[str, Any]]:
    """Return the worst balance of the suites for each number of machines, by what was known of durations."""
    rows = []
    for count in COUNTS:
        row: dict[str, Any] = {"machines": count}
        for name, known in (
            ("known", lambda one, seed: one.seconds),
            ("each 50 % wrong", lambda one, seed: off_by_half(one.seconds, seed)),
            ("half unknown", lambda one, seed: half_of_them(one.seconds, seed)),
            ("none known", lambda one, seed: None),
        ):
            row[name] = round(max(balance(one, known(one, seed), count) for seed, one in enumerate(suites)), 4)
        rows.append(row)
        print(row, flush=True)
    return rows


def of_groups() -> dict[str, float]:
    """Return the worst balance at 32 machines of five suites that consist of so many groups, with known durations."""
    found = {}
    for groups in (64, 100, 150, 300):
        suites = [grouped_suite(seed, groups) for seed in range(SUITES)]
        found[f"{groups} groups"] = round(max(balance(one, one.seconds, 32) for one in suites), 4)
    print(f"at 32 machines: {found}", flush=True)
    return found


def wall_times(whole: Suite) -> list[dict[str, Any]]:
    """Return, for each number of machines, what a run takes, costs and asks of registry and API server."""
    rows: list[dict[str, Any]] = []
    for count in COUNTS:
        walls = share_walls(whole, whole.seconds, count)
        stale = max(share_walls(whole, off_by_half(whole.seconds, 1), count))
        median, late, again = with_losses(walls, _TRIALS, count)
        row: dict[str, Any] = {
            "machines": count,
            "minutes": round(max(walls) / 60, 1),
            "minutes, durations 50 % wrong": round(stale / 60, 1),
            "minutes with losses, median": round(median / 60, 1),
            "minutes with losses, 95th percentile": round(late / 60, 1),
            "runs again": round(again, 2),
            "machine hours": round(sum(walls) / 3600, 1),
            "share of machine time without a test": round(1 - sum(whole.seconds.values()) / _WORKERS / sum(walls), 2),
            "seconds to the first test": round(start_up(count)),
            "GiB from the registry": round(gibibits(count) / 8, 1),
            "API requests": int(count * ASSUMED["requests to the API server for a pod"]),
        }
        if rows:
            before = rows[-1]
            row["minutes saved by twice as many"] = round(before["minutes"] - row["minutes"], 1)
        rows.append(row)
        print(row, flush=True)
    return rows


def splitting(whole: Suite) -> dict[str, float]:
    """Return the processor seconds that working the shares out takes."""
    taken = {}
    for count in (32, 256):
        began = time.process_time()
        shards.share(whole.tests, count, whole.seconds)
        taken[f"{count} machines"] = round(time.process_time() - began, 2)
    return taken


def main() -> None:
    """Simulate, print and write results/shards.json."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    facts = machine()
    suites = [suite(seed) for seed in range(SUITES)]
    first = suites[0]
    units = shards.alike_units(first.tests, first.seconds)
    about = {
        "tests": len(first.tests),
        "units": len(units),
        "hours of tests": round(sum(first.seconds.values()) / 3600, 1),
        "longest unit, s": round(max(unit.seconds for unit in units)),
        "longest test, s": round(max(first.seconds.values())),
    }
    print(about)
    record = {
        "machine": facts,
        "suite": about,
        "assumed": ASSUMED,
        "balance, worst of 5 suites": evenness(suites),
        "balance at 32 machines, suites of few groups": of_groups(),
        "wall time, first suite": wall_times(first),
        "processor seconds to split": splitting(first),
    }
    at_32 = next(row for row in record["balance, worst of 5 suites"] if row["machines"] == 32)
    print(f"at 32 machines: {at_32}")
    (RESULTS / "shards.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
