"""One run of a sample project that something is done to: started, struck at a moment, and looked after."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field

import docker
import docker.errors
from faults_sample import Bench, command_of

#: Seconds after which nothing of a struck run may be left.
GONE_WITHIN = 15.0
#: Seconds that a run which goes on after its fault may take to its end.
ENDS_WITHIN = 240.0
_TICK = 0.02


@dataclass(frozen=True)
class Fault:
    """What is done, to whom, and in which phase of the run.

    Attributes:
        signal: Name of the signal.
        victim: `runner`, `controller`, `worker`, `broker`, `group` (the runner's process group) or `everything` (every
            process of the run at once).
        phase: `set-up` (before the first test), `tests` or `teardown` (after pytest's end).
        moment: Where in the phase, from 0 to 1.
    """

    signal: str
    victim: str
    phase: str
    moment: float


@dataclass
class Outcome:
    """What became of a struck run.

    Attributes:
        fault: What was done.
        struck: Who got the signal in the end: the runner where the victim (a worker, for example) was not there yet.
        run: The run's id.
        pytest_started: Whether pytest (its run, not only its collection) had been started.
        exit_code: The runner's.
        seconds: From the fault (or, where the run goes on after it, from the run's end) until nothing was left.
        left: What was left after `GONE_WITHIN` seconds.
        reports: Whether JUnit and summary exist.
    """

    fault: Fault
    struck: str = ""
    run: str = ""
    pytest_started: bool = False
    exit_code: int | None = None
    seconds: float = 0.0
    left: list[str] = field(default_factory=list)
    reports: bool = False

    @property
    def missed(self) -> str:
        """What the run owed and did not give; nothing when all is well."""
        if self.left:
            return "left: " + ", ".join(self.left)
        return "no JUnit or summary" if self.pytest_started and not self.reports else ""


def engine_version() -> str:
    """Return the version of the engine that the runs will use.

    Raises:
        SystemExit: None answers.
    """
    try:
        with closing(docker.from_env()) as engine:
            return str(engine.version()["Version"])
    except docker.errors.DockerException:
        sys.exit("no Docker engine answers -- sct.py env up --service docker, and the export that it prints")


def phase_lengths(bench: Bench) -> dict[str, float]:
    """Run once unharmed; return the seconds of each phase."""
    began = time.time()
    child = bench.start()
    try:
        code = child.wait(ENDS_WITHIN)
    finally:
        _kill(child.pid, signal.SIGKILL)
    if code != 0:
        raise SystemExit(f"the unharmed run ended with {code}: {(bench.root / 'output.log').read_text()[-3000:]}")
    (run,) = bench.runs()
    at = {record["event"]: record["at"] for record in reversed(bench.journal(run))}
    return {
        "set-up": at["test-start"] - began,
        "tests": at["pytest-end"] - at["test-start"],
        "teardown": at["run-end"] - at["pytest-end"],
    }


def strike(bench: Bench, fault: Fault, lengths: dict[str, float]) -> Outcome | None:
    """Start a run, do what the fault says, and look what becomes of it; None when the run was over before."""
    outcome = Outcome(fault)
    before = bench.runs()
    child = bench.start()
    try:
        _await_moment(bench, fault, lengths, before, child)
        if child.poll() is not None:
            return None
        outcome.run = next(iter(bench.runs() - before), "")
        outcome.struck = _send(bench, fault, child)
        struck = time.monotonic()
        if fault.victim == "everything":
            child.wait(10)
            # Nobody is left to clean up: the next run does.
            bench.start("sweep").wait(ENDS_WITHIN)
            struck = time.monotonic()
        elif outcome.struck == "worker":
            child.wait(ENDS_WITHIN)
            struck = time.monotonic()
        _await_nothing(bench, outcome, struck)
        outcome.exit_code = child.poll()
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    events = {record["event"] for record in bench.journal(outcome.run)}
    outcome.pytest_started = "pytest-start" in events
    folder = bench.state / "runs" / outcome.run
    outcome.reports = bool(outcome.run) and all((folder / name).exists() for name in ("junit.xml", "summary.json"))
    return outcome


def _await_moment(
    bench: Bench, fault: Fault, lengths: dict[str, float], before: set[str], child: "subprocess.Popen[bytes]"
) -> None:
    """Wait until the fault's moment in its phase, or until that phase ends sooner than it did unharmed."""
    begins, ends = {
        "set-up": ("", "test-start"),
        "tests": ("test-start", "pytest-end"),
        "teardown": ("pytest-end", "run-end"),
    }[fault.phase]
    end = time.monotonic() + ENDS_WITHIN
    began = None if begins else time.monotonic()
    while child.poll() is None and time.monotonic() < end:
        new = bench.runs() - before
        events = {record["event"] for record in bench.journal(next(iter(new)))} if new else set()
        if began is None and begins in events:
            began = time.monotonic()
        if ends in events or (began is not None and time.monotonic() - began >= fault.moment * lengths[fault.phase]):
            return
        time.sleep(_TICK)


def _send(bench: Bench, fault: Fault, child: "subprocess.Popen[bytes]") -> str:
    """Send the signal; return who got it."""
    number = signal.Signals[fault.signal]
    processes = list(bench.processes())
    if fault.victim == "everything":
        for process in processes:
            _kill(process.pid, number)
        return "everything"
    if fault.victim == "group":
        os.killpg(child.pid, number)
        return "group"
    words = {"controller": "-m pytest", "worker": "import sys;exec(eval", "broker": "broker_process"}
    word = words.get(fault.victim)
    found = [process for process in processes if word and word in command_of(process)]
    if not found:
        _kill(child.pid, number)
        return "runner"
    _kill(random.choice(found).pid, number)
    return fault.victim


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _await_nothing(bench: Bench, outcome: Outcome, struck: float) -> None:
    while True:
        outcome.left = bench.left()
        outcome.seconds = round(time.monotonic() - struck, 1)
        if not outcome.left or outcome.seconds > GONE_WITHIN:
            return
        time.sleep(0.3)
