"""How a run ends that a dead worker or a first failure ends: what still begins, what is reported.

`-x`: seconds from the failure to the last beginning of any test's set-up, on all workers, with a failure whose evidence
is there at once and with one whose evidence takes 5 s; beside it plain xdist's `load`. A worker that dies by `os._exit`
in the middle: whether the run ended, every other test ran exactly once, and the dead one was reported.

    uv run python bench/endings.py [--rounds 5] [--workers 4]

Takes a minute.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measure import ROOT, Limit, begin, ended, save

#: Writes down when each set-up begins, by a fixture that comes before all others.
_CONFTEST = """\
import os
import pathlib
import time
import pytest

HERE = pathlib.Path(__file__).parent


def note(file, text):
    with (HERE / file).open("a") as opened:
        opened.write(f"{time.time()} {text}\\n")


@pytest.fixture(autouse=True)
def _set_up(request):
    note("set-ups", request.node.nodeid)


class SlowEvidence:
    name = "slow"

    def evidence(self, lines):
        time.sleep(5)
        return ""
"""
_FAILS = """\
import os
import time
import pytest
from conftest import SlowEvidence, note


def test_wrong(request):
    if os.environ.get("BENCH_SLOW_EVIDENCE"):
        from sdcm.pytest_plugin import evidence

        evidence.watch(request.node, SlowEvidence())
    time.sleep(1)
    note("failed", request.node.nodeid)
    raise AssertionError


@pytest.mark.parametrize("n", range({tests}))
def test_short(n):
    time.sleep(0.02 * (1 + n % 9))
"""
_DIES = """\
import os
import time
import pytest


@pytest.mark.parametrize("n", range({tests}))
def test_short(n):
    time.sleep(0.005 * (1 + n % 9))
    if n == {tests} // 2:
        os._exit(1)
"""
_TESTS = 240


class Suite:
    """A project in a folder of its own.

    Attributes:
        folder: Where.
        env: Environment variables of its runs.
    """

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        (folder / "unit_tests").mkdir(parents=True)
        (folder / "conftest.py").write_text(_CONFTEST)
        (folder / "unit_tests" / "test_ends.py").write_text(text.format(tests=_TESTS))
        (folder / "pytest.ini").write_text("[pytest]\n")
        self.env = {**os.environ, "SCT_STATE_DIR": str(folder / "state")}

    def run(self, argv: list[str], **env: str) -> tuple[int, str]:
        """Run it anew; return exit code and output."""
        for name in ("set-ups", "failed"):
            (self.folder / name).unlink(missing_ok=True)
        done = ended(argv, cwd=self.folder, env={**self.env, **env})
        return done.returncode, done.stdout + done.stderr

    def noted(self, name: str) -> list[tuple[float, str]]:
        """Return what was written down, with the epoch second of each."""
        lines = (line.split(maxsplit=1) for line in (self.folder / name).read_text().splitlines())
        return [(float(at), text) for at, text in lines]

    def summary(self) -> dict[str, Any]:
        """Return what `sct.py report` tells of the last run."""
        told = ended([sys.executable, str(ROOT / "sct.py"), "report", "--json"], cwd=self.folder, env=self.env)
        summary: dict[str, Any] = json.loads(told.stdout)
        return summary


def after_failure(suite: Suite, argv: list[str], **env: str) -> float:
    """Return how many seconds after the failure the last set-up began; 0 when none did."""
    code, out = suite.run(argv, **env)
    if code not in (1, 2):
        sys.exit(f"the run ended with {code}:\n{out}")
    ((failed, _),) = suite.noted("failed")
    return max(0.0, max(at for at, _ in suite.noted("set-ups")) - failed)


def faults_of_held_back(suite: Suite) -> list[str]:
    """Return what is wrong with the report of a run that its first failure has ended."""
    begun, told = {test for _, test in suite.noted("set-ups")}, suite.summary()
    held_back = _TESTS + 1 - len(begun)
    wrong = [f"{told['not_run']} reported as not run of {held_back}"] if told["not_run"] != held_back else []
    return wrong if held_back else [*wrong, "none was held back"]


def faults_of_death(suite: Suite, argv: list[str]) -> list[str]:
    """Return what is wrong with a run one of whose workers has died."""
    code, _ = suite.run(argv)
    ran, told = Counter(test for _, test in suite.noted("set-ups")), suite.summary()
    dead = f"unit_tests/test_ends.py::test_short[{_TESTS // 2}]"
    wrong = [f"exit code {code}"] if code != 1 else []
    wrong += [f"{test} ran {count} times" for test, count in ran.items() if count != 1]
    wrong += [f"{_TESTS - len(ran)} never ran"] if len(ran) != _TESTS else []
    failed = [failure["test"] for failures in told["failures"].values() for failure in failures]
    return [*wrong, f"reported as failed: {failed}"] if failed != [dead] else wrong


def told_of(side: str, wrong: list[str]) -> bool:
    """Print what was wrong; return whether nothing was."""
    for fault in wrong:
        print(f"  {side}: {fault}", flush=True)
    return not wrong


def main() -> None:
    """Measure, print and write results/endings.json; ends with 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=4)
    asked = parser.parse_args()
    facts = begin("endings", f"{13 * asked.rounds} s")
    workers = ["-n", str(asked.workers)]
    ours = [sys.executable, str(ROOT / "sct.py"), "unit-tests", "-q", *workers]
    xdist = [sys.executable, "-m", "pytest", "-q", "-p", "no:sct", "-x", *workers, "--dist", "load", "unit_tests"]
    taken: dict[str, list[float]] = {}
    good: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        failing, dying = Suite(Path(temporary) / "x", _FAILS), Suite(Path(temporary) / "dies", _DIES)
        environs: Mapping[str, Mapping[str, str]] = {"-x": {}, "-x, slow evidence": {"BENCH_SLOW_EVIDENCE": "1"}}
        for number in range(asked.rounds):
            for side, env in environs.items():
                taken.setdefault(side, []).append(after_failure(failing, [*ours, "--", "-x"], **env))
                good["held back"] += told_of(side, faults_of_held_back(failing))
            taken.setdefault("-x, xdist's load", []).append(after_failure(failing, xdist))
            good["deaths"] += told_of("death", faults_of_death(dying, ours))
            print(f"round {number + 1}/{asked.rounds}: { {side: round(all_[-1], 3) for side, all_ in taken.items()} }")
    claims = {f"last set-up after the failure, {side}, most (s)": round(max(all_), 3) for side, all_ in taken.items()}
    claims["runs whose held back tests were all reported as not run"] = good["held back"]
    claims["runs with a dead worker that ended, ran the others once and reported the dead one"] = good["deaths"]
    *of_x, _, held_back, deaths = claims
    limits = {claim: Limit(most=1.0) for claim in of_x}
    limits |= {held_back: Limit(least=2 * asked.rounds), deaths: Limit(least=asked.rounds)}
    sys.exit(not save("endings", facts, taken, claims, limits))


if __name__ == "__main__":
    main()
