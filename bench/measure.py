"""What the scripts here share: sides of a comparison run in turn, medians, machine facts, a result file."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).parents[1]


def write_suite(folder: Path, tests: int, per_file: int, text: Callable[[int], str]) -> None:
    """Write the files of so many tests.

    Args:
        folder: Where; made here.
        tests: How many tests in all.
        per_file: How many a file holds.
        text: What the file of a number holds.
    """
    folder.mkdir(parents=True)
    for file in range(tests // per_file):
        (folder / f"test_{file:03}.py").write_text(text(file))


def interleaved(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure each side once a round, so that a machine that slows down slows all of them.

    Args:
        sides: Name -> runs it once and returns what it took, in seconds.
        rounds: How often.

    Returns:
        Name -> seconds, one a round.
    """
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, run in sides.items():
            taken[name].append(run())
            print(f"round {number + 1}/{rounds}: {name}: {taken[name][-1]:.3f} s", flush=True)
    return taken


def timed(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None, expect: int = 0) -> float:
    """Run a program to its end and return the seconds it took.

    Raises:
        SystemExit: It ended with another status than expected; its output is shown.
    """
    started = time.perf_counter()
    done = subprocess.run(
        argv, cwd=cwd, env=None if env is None else dict(env), capture_output=True, text=True, timeout=900, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode != expect:
        sys.exit(f"{' '.join(argv)} ended with {done.returncode}, not {expect}:\n{done.stdout}\n{done.stderr}")
    return seconds


def newest_journal(state: Path) -> Path:
    """Return the journal of the latest run below a state directory."""
    return max((state / "runs").iterdir(), key=lambda path: path.stat().st_mtime) / "journal.jsonl"


def medians(taken: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the median of each side."""
    return {name: statistics.median(values) for name, values in taken.items()}


def machine() -> dict[str, Any]:
    """Return what a reader must know of the machine to judge the figures."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_at_start": round(os.getloadavg()[0], 2),
        "at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def save(name: str, facts: Mapping[str, Any], taken: Mapping[str, Sequence[float]], claims: Mapping[str, Any]) -> None:
    """Write the results to `results/NAME.json`, and print them as a table.

    Args:
        name: The script's name.
        facts: From `machine()`, taken before the first round.
        taken: Seconds by side.
        claims: What follows from them, for example ratios of medians.
    """
    width = max(map(len, taken), default=0)
    for side, values in taken.items():
        print(
            f"{side:<{width}}  median {statistics.median(values):8.3f} s"
            f"   min {min(values):8.3f}   max {max(values):8.3f}"
        )
    for claim, value in claims.items():
        print(f"{claim}: {value}")
    RESULTS.mkdir(exist_ok=True)
    record = {
        "machine": dict(facts),
        "rounds": max(map(len, taken.values()), default=0),
        "seconds": {side: [round(value, 4) for value in values] for side, values in taken.items()},
        "medians": {side: round(value, 4) for side, value in medians(taken).items()},
        "claims": dict(claims),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
