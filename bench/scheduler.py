"""Our scheduler against xdist's own on a suite of 120 tests with a heavy tail and groups.

Both sides are plain pytest with the same workers. The bound is what no scheduler can beat: the sum of all
tests over the workers, or the longest unit. Start-up is the same suite with tests that do not sleep.

    uv run python bench/scheduler.py [--rounds 5] [--workers 4 8] [--seconds 24]

Takes 2 minutes a round.
"""

import argparse
import json
import os
import random
import sys
import tempfile
from pathlib import Path

from measure import Limit, begin, interleaved, medians, save, timed

OTHERS = ("load", "loadscope", "loadfile", "loadgroup", "worksteal")
_TEST = """\
import json, os, pathlib, time
import pytest

SECONDS = json.loads((pathlib.Path(__file__).parent / "seconds.json").read_text())


def wait(name):
    if not os.environ.get("BENCH_NO_SLEEP"):
        time.sleep(SECONDS[name])

"""


def suite(folder: Path, total: float) -> tuple[float, float]:
    """Write the suite: 12 files of 10 tests, lognormal durations, 6 groups of 5 over the files, the longest last.

    Returns:
        Sum of all tests and the longest unit, in seconds.
    """
    chance = random.Random(7)
    raw = sorted(chance.lognormvariate(0, 1.2) for _ in range(120))
    scale = total / sum(raw)
    longest, rest = raw[-4:], raw[:-4]
    chance.shuffle(rest)
    seconds = {f"test_{n:03}": value * scale for n, value in enumerate([*rest, *longest])}
    # The groups take short tests alone, so that the longest unit is the longest test.
    short = sorted(list(seconds)[:-4], key=seconds.__getitem__)[:90]
    chance.shuffle(short)
    group_of = {name: f"g{n % 6}" for n, name in enumerate(short[:30])}
    tests = folder / "unit_tests"
    tests.mkdir()
    (tests / "seconds.json").write_text(json.dumps(seconds))
    names = list(seconds)
    for file in range(12):
        text = _TEST
        for name in names[file * 10 : file * 10 + 10]:
            group = f'@pytest.mark.xdist_group("{group_of[name]}")\n' if name in group_of else ""
            text += f'\n{group}def {name}():\n    wait("{name}")\n'
        (tests / f"test_file_{file:02}.py").write_text(text)
    (folder / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\nsct = true\naddopts = "-q -p no:cacheprovider"\n'
    )
    units = dict.fromkeys(group_of.values(), 0.0)
    for name, group in group_of.items():
        units[group] += seconds[name]
    return sum(seconds.values()), max(*units.values(), *seconds.values())


def main() -> None:
    """Measure, print and write results/scheduler.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--seconds", type=float, default=24.0, help="sum of all tests")
    asked = parser.parse_args()
    facts = begin("scheduler", f"{2 * asked.rounds} minutes")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        total, longest = suite(folder, asked.seconds)
        env = {**os.environ, "SCT_STATE_DIR": str(folder / "state")}
        pytest = [sys.executable, "-m", "pytest", "unit_tests"]
        timed([*pytest, "-n", "8"], cwd=folder, env=env)  # the first run: durations become known
        sides = {}
        for n in asked.workers:
            argv = [*pytest, "-n", str(n)]
            sides[f"ours -n {n}"] = lambda argv=argv: timed(argv, cwd=folder, env=env)
            sides[f"start-up -n {n}"] = lambda argv=argv: timed(
                argv, cwd=folder, env={**env, "BENCH_NO_SLEEP": "1", "SCT_STATE_DIR": str(folder / "idle")}
            )
            for other in OTHERS:
                plain = [*argv, "--dist", other, "-p", "no:sct", "-o", "addopts=-q -p no:cacheprovider"]
                sides[f"{other} -n {n}"] = lambda argv=plain: timed(argv, cwd=folder, env=env)
        taken = interleaved(sides, asked.rounds)
    median = medians(taken)
    claims: dict[str, float] = {}
    limits: dict[str, Limit] = {}
    for n in asked.workers:
        bound = max(total / n, longest)
        ours = median[f"ours -n {n}"]
        claims[f"bound -n {n}"] = round(bound, 3)
        claims[near := f"(bound + start-up) / wall -n {n}"] = round((bound + median[f"start-up -n {n}"]) / ours, 3)
        limits[near] = Limit(least=0.98)
        for other in OTHERS:
            claims[ahead := f"{other} / ours -n {n}"] = round(median[f"{other} -n {n}"] / ours, 3)
            limits[ahead] = Limit(least=1.001)
    save("scheduler", facts, taken, claims, limits)


if __name__ == "__main__":
    main()
