"""Kills runs at random moments and counts what is left of them.

    uv run python bench/faults.py --runs 60 --seed 1

Each run of a small project (a few database nodes, two workers) gets SIGKILL, SIGTERM or SIGINT: the runner, pytest's
controller, a worker, the broker, the runner's process group, or every process of the run at once; while it sets up,
tests, or tears down. Within 15 s nothing may be left: containers, networks, volumes, processes, runtime directories,
sockets; where the run goes on after its fault (a worker's death) the time counts from the run's end, and where nobody
is left to clean up (every process at once) from the end of the next run, whose sweep does it. JUnit and summary must
exist in every run in which pytest had been started. Exits 1 on a miss, and leaves the directories of the runs then.

Needs an engine that stays up and holds the node image: one of your own, or `sct.py env up --service docker` and the
`export DOCKER_HOST=...` that it prints.
"""

import argparse
import json
import random
import sys
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

from faults_run import Fault, Outcome, engine_version, phase_lengths, strike
from faults_sample import Bench
from measure import RESULTS, machine

SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT")
PHASES = ("set-up", "tests", "teardown")
#: Victim -> phases in which there is such a process.
VICTIMS = {
    "runner": PHASES,
    "controller": ("set-up", "tests"),
    "worker": ("set-up", "tests"),
    "broker": PHASES,
    "group": PHASES,
    "everything": PHASES,
}


def plan(count: int, seed: int) -> list[Fault]:
    """Return faults: every combination once before any comes twice, in random order and at random moments."""
    chance = random.Random(seed)
    every = [
        (name, victim, phase)
        for victim, phases in VICTIMS.items()
        for phase in phases
        for name in (SIGNALS if victim != "everything" else ("SIGKILL",))
    ]
    chosen: list[tuple[str, str, str]] = []
    while len(chosen) < count:
        chosen += chance.sample(every, len(every))
    return [Fault(*each, moment=round(chance.random(), 3)) for each in chosen[:count]]


def table(outcomes: list[Outcome]) -> list[str]:
    """Return the outcome by signal, victim and phase, and the total."""
    cells: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        cells[outcome.fault.signal, outcome.struck, outcome.fault.phase].append(outcome)
    lines = [f"{'signal':<8} {'victim':<11} {'phase':<9} {'clean':>6}  slowest"]
    for (name, victim, phase), group in sorted(cells.items()):
        clean = sum(not outcome.missed for outcome in group)
        slowest = max(outcome.seconds for outcome in group)
        lines.append(f"{name:<8} {victim:<11} {phase:<9} {clean:>3}/{len(group):<2}  {slowest:.1f} s")
    clean = sum(not outcome.missed for outcome in outcomes)
    slowest = max((outcome.seconds for outcome in outcomes), default=0.0)
    started = [outcome for outcome in outcomes if outcome.pytest_started]
    reported = sum(outcome.reports for outcome in started)
    lines.append(f"total: {clean} of {len(outcomes)} left nothing within 15 s and reported; slowest {slowest:.1f} s")
    lines.append(f"JUnit and summary: {reported} of {len(started)} runs in which pytest had started")
    return lines


def main() -> int:
    """Run the bench; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a victim, a signal or a phase; repeat with commas")
    parser.add_argument("--results", type=Path, default=RESULTS / "faults.json")
    options = parser.parse_args()
    facts = {**machine(), "engine": engine_version()}
    wanted = set(filter(None, options.only.split(",")))
    faults = [fault for fault in plan(10_000, options.seed) if wanted <= {fault.signal, fault.victim, fault.phase}]
    bench, outcomes = Bench(), []
    try:
        lengths = phase_lengths(bench)
        print("phases of an unharmed run:", {phase: f"{seconds:.1f} s" for phase, seconds in lengths.items()})
        for number, fault in enumerate(faults[: options.runs], start=1):
            while (outcome := strike(bench, fault, lengths)) is None:
                lengths[fault.phase] *= 0.7  # the machine was slower when it was measured
            outcomes.append(outcome)
            said = outcome.missed or f"clean after {outcome.seconds} s"
            where = f"{fault.signal} {outcome.struck} in {fault.phase} at {fault.moment:.2f}"
            print(f"{number:>3} {where:<46} {outcome.run} exit {outcome.exit_code}: {said}", flush=True)
    finally:
        missed = [outcome for outcome in outcomes if outcome.missed]
        bench.close(keep=bool(missed) or not outcomes)
    for line in table(outcomes):
        print(line)
    options.results.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "machine": facts,
        "seed": options.seed,
        "phases": {phase: round(seconds, 1) for phase, seconds in lengths.items()},
        "clean": len(outcomes) - len(missed),
        "total": len(outcomes),
        "runs": [{**asdict(outcome), "missed": outcome.missed} for outcome in outcomes],
    }
    options.results.write_text(json.dumps(record, indent=1) + "\n")
    if missed:
        print(f"see {bench.root}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
