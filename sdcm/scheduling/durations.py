"""How long each test took before: one small file that machines can share.

The file is JSON: `{"format": 1, "tests": {NODE ID: [SECONDS, RUNS]}}`. SECONDS is a mean over the last
runs, RUNS how many of them it stands for, never more than `MEMORY`: the newest run then weighs
1/`MEMORY`, so that one slow afternoon moves a mean little and a test that has changed is known after a
few runs.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdcm.errors import UsageProblem
from sdcm.paths import Paths

#: Runs that a mean stands for at most.
MEMORY = 5
#: Names a file to go by instead of the machine's own.
FILE_VARIABLE = "SCT_DURATIONS"
_FORMAT = 1
#: A file that has grown beyond this forgets the tests that the last run did not have.
_TESTS_AT_MOST = 50_000
#: What is beyond it no test has taken, and no sum of it is of use.
_SECONDS_AT_MOST = 1e9
#: Seconds to wait for another run that notes its own, which takes milliseconds unless it was stopped in it.
_LOCK_DEADLINE = 5.0
_LOCK_PAUSE = 0.01


@dataclass(frozen=True)
class Duration:
    """What is known of one test.

    Attributes:
        seconds: Mean duration of set-up, call and teardown, without waiting for services.
        runs: How many runs the mean stands for, 1 to `MEMORY`.
    """

    seconds: float
    runs: int = 1

    def with_run(self, seconds: float) -> "Duration":
        """Return what is known after one more run."""
        runs = min(self.runs + 1, MEMORY)
        return Duration(self.seconds + (seconds - self.seconds) / runs, runs)

    def merged(self, other: "Duration") -> "Duration":
        """Return the mean of what two machines know, each weighed by its runs."""
        runs = self.runs + other.runs
        return Duration((self.seconds * self.runs + other.seconds * other.runs) / runs, min(runs, MEMORY))


def file_to_read(project: Path, places: Paths, environ: Mapping[str, str]) -> Path:
    """Return the file that a run goes by: the one `SCT_DURATIONS` names, else this machine's own.

    What is named is shared with other machines, so no run changes it.
    """
    named = environ.get(FILE_VARIABLE)
    return Path(named) if named else own_file(project, places)


def own_file(project: Path, places: Paths) -> Path:
    """Return the file in which this machine notes a project's durations."""
    import hashlib  # brings OpenSSL, which a run that asks for its workers need not load

    root = project.resolve()
    mark = hashlib.sha256(str(root).encode()).hexdigest()[:8]
    return places.state / "durations" / f"{root.name}-{mark}.json"


def read(path: Path) -> dict[str, Duration]:
    """Return what a file knows, by node id; nothing where there is no file.

    Raises:
        UsageProblem: It is no durations file.
    """
    try:
        content = json.loads(path.read_text())
        if content["format"] != _FORMAT:
            raise UsageProblem(f"{path} is a durations file of another version", mend=f"remove {path}")
        return {str(test): _duration(seconds, runs) for test, (seconds, runs) in content["tests"].items()}
    except FileNotFoundError:
        return {}
    except RecursionError as exc:
        raise UsageProblem(f"{path} is no durations file", why="it is nested too deep", mend=f"remove {path}") from exc
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as exc:
        raise UsageProblem(f"{path} is no durations file", why=str(exc), mend=f"remove {path}") from exc


def _duration(seconds: Any, runs: Any) -> Duration:
    mean, times = float(seconds), int(runs)
    # NaN is not between any two.
    if not -_SECONDS_AT_MOST <= mean <= _SECONDS_AT_MOST or times < 1:
        raise ValueError(f"no test takes {mean:g} s as the mean of {times} runs")
    return Duration(max(0.0, mean), times)


def read_or_nothing(path: Path) -> dict[str, Duration]:
    """Return what a file knows; nothing where it cannot be read, for it only costs time and comes back."""
    try:
        return read(path)
    except UsageProblem:
        return {}


def seconds_by_test(known: Mapping[str, Duration]) -> dict[str, float]:
    """Return the expected seconds by node id, as the scheduler takes them."""
    return {test: duration.seconds for test, duration in known.items()}


def write(path: Path, known: Mapping[str, Duration]) -> None:
    """Write a file; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.write_text(to_text(known))
    temporary.replace(path)


def to_text(known: Mapping[str, Duration]) -> str:
    """Return a file's content: a line a test, so that a diff of two files reads well."""
    lines = (f"{json.dumps(test)}: [{known[test].seconds:.3f}, {known[test].runs}]" for test in sorted(known))
    return f'{{"format": {_FORMAT}, "tests": {{\n' + ",\n".join(lines) + "\n}}\n"


def note(path: Path, measured: Mapping[str, float]) -> None:
    """Add a run's measurements to a file; runs that end at once wait for one another.

    A file that cannot be read is begun anew: what it knew comes back within a run.

    Raises:
        OSError: It cannot be written, or another run does not let go of it.
    """
    with _locked(path):
        known = read_or_nothing(path)
        if len(known) > _TESTS_AT_MOST:
            known = {test: duration for test, duration in known.items() if test in measured}
        for test, seconds in measured.items():
            known[test] = known[test].with_run(seconds) if test in known else Duration(seconds)
        write(path, known)


def merge(files: Iterable[Path]) -> dict[str, Duration]:
    """Return what several files know together.

    Raises:
        UsageProblem: One is missing, or is no durations file.
    """
    merged: dict[str, Duration] = {}
    for file in files:
        if not file.exists():
            raise UsageProblem(f"{file}: no such file")
        for test, duration in read(file).items():
            merged[test] = merged[test].merged(duration) if test in merged else duration
    return merged


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        end = time.monotonic() + _LOCK_DEADLINE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise
            time.sleep(_LOCK_PAUSE)
        yield
