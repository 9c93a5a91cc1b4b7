"""What the scripts here share: sides of a comparison run in turn, medians, limits, machine facts, a result file."""

import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).parents[1]
#: Seconds a program has for its own end once it was interrupted: a run takes down what it brought up.
_OWN_END = 120.0


@dataclass(frozen=True)
class Limit:
    """What a figure is to be.

    Attributes:
        least: No less than this.
        most: No more than this.
    """

    least: float | None = None
    most: float | None = None

    def met_by(self, value: float) -> bool:
        """Whether a figure keeps to it."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        bounds = (("at least", self.least), ("at most", self.most))
        return " and ".join(f"{words} {bound:g}" for words, bound in bounds if bound is not None)


def begin(name: str, expected: str) -> dict[str, Any]:
    """Say what is measured and how long it will take, and let a SIGTERM end it as Ctrl-C does.

    Args:
        name: The script's name.
        expected: How long, for example `9 minutes`.

    Returns:
        Facts of the machine.
    """

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    print(f"{name}: takes some {expected}; Ctrl-C ends it and takes down what it has brought up", flush=True)
    return machine()


def with_bytecode(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which Python keeps compiled modules, where `sct.py` keeps them anyway.

    With PYTHONDONTWRITEBYTECODE set, bare pytest would compile all it imports each time, and compare badly.
    """
    kept = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {"PYTHONPYCACHEPREFIX": str(Path(sys.prefix) / "bytecode"), **kept}


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


def ended(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    shown: bool = False,
    timeout: float = 900.0,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever its status, and return how it went.

    An interrupt is passed on once, and its own end awaited: killed, or asked twice, it would leave things to others.

    Args:
        argv: The program.
        cwd: Its folder.
        env: Its environment; ours when omitted.
        shown: Its output goes where ours goes, and is not returned.
        timeout: Seconds it may take.
    """
    pipe = None if shown else subprocess.PIPE
    # A session of its own: keys reach us alone.
    child = subprocess.Popen(
        argv,
        cwd=cwd,
        env=None if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = child.communicate(timeout=timeout)
    except BaseException:
        child.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            child.communicate(timeout=_OWN_END)
        child.kill()
        child.wait()
        raise
    return subprocess.CompletedProcess(list(argv), child.returncode, out or "", err or "")


def timed(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None, expect: int = 0) -> float:
    """Run a program to its end and return the seconds it took.

    Raises:
        SystemExit: It ended with another status than expected; its output is shown.
    """
    started = time.perf_counter()
    done = ended(argv, cwd=cwd, env=env)
    seconds = time.perf_counter() - started
    if done.returncode != expect:
        sys.exit(f"{' '.join(argv)} ended with {done.returncode}, not {expect}:\n{done.stdout}\n{done.stderr}")
    return seconds


def busy(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> float:
    """Run a program to its end and return the processor seconds that it and its children took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    timed(argv, cwd=cwd, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def newest_journal(state: Path) -> Path:
    """Return the journal of the latest run below a state directory."""
    return max((state / "runs").iterdir(), key=lambda path: path.stat().st_mtime) / "journal.jsonl"


def records_of(journal: Path) -> list[dict[str, Any]]:
    """Return the records of a journal; a line may be empty (see `sdcm.journal.end_torn_line`)."""
    return [json.loads(line) for line in journal.read_text().splitlines() if line.strip()]


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


def save(
    name: str,
    facts: Mapping[str, Any],
    taken: Mapping[str, Sequence[float]],
    claims: Mapping[str, Any],
    limits: Mapping[str, Limit] | None = None,
) -> bool:
    """Write the results to `results/NAME.json`, and print them as a table with each limit beside its figure.

    Args:
        name: The script's name.
        facts: From `machine()`, taken before the first round.
        taken: Seconds by side.
        claims: What follows from them, for example ratios of medians.
        limits: What some of the claims are to be.

    Returns:
        Whether all limits are met.
    """
    width = max(map(len, taken), default=0)
    for side, values in taken.items():
        print(
            f"{side:<{width}}  median {statistics.median(values):8.3f} s"
            f"   min {min(values):8.3f}   max {max(values):8.3f}"
        )
    limits = limits or {}
    met = {claim: limit.met_by(float(claims[claim])) for claim, limit in limits.items()}
    for claim, value in claims.items():
        verdict = f"   {limits[claim]}: {'met' if met[claim] else 'MISSED'}" if claim in limits else ""
        print(f"{claim}: {value}{verdict}")
    RESULTS.mkdir(exist_ok=True)
    record = {
        "machine": dict(facts),
        "rounds": max(map(len, taken.values()), default=0),
        "seconds": {side: [round(value, 4) for value in values] for side, values in taken.items()},
        "medians": {side: round(value, 4) for side, value in medians(taken).items()},
        "claims": dict(claims),
        "limits": {claim: {"is": str(limit), "met": met[claim]} for claim, limit in limits.items()},
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
    return all(met.values())
