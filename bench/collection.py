"""Collecting 1,000 and 10,000 tests with the plugin, acting and not, against pytest without it.

uv run python bench/collection.py [--rounds 5]
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from measure import Limit, begin, interleaved, medians, save, timed, write_suite

_PER_FILE = 100


def trivial_tests(file: int) -> str:
    """Return a file of tests that do nothing."""
    body = "".join(f"\n\ndef test_{n}():\n    assert True\n" for n in range(_PER_FILE))
    return f'"""File {file}."""\n{body}'


def main() -> None:
    """Measure, print and write results/collection.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    facts = begin("collection", "2 minutes")
    with tempfile.TemporaryDirectory() as temporary:
        sides = {}
        for tests in (1_000, 10_000):
            folder = Path(temporary) / str(tests)
            write_suite(folder / "unit_tests", tests, _PER_FILE, trivial_tests)
            argv = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "unit_tests"]
            env = {**os.environ, "SCT_STATE_DIR": str(folder / "state")}
            sides[f"without, {tests}"] = lambda argv=argv, cwd=folder, env=env: timed(
                [*argv, "-p", "no:sct"], cwd=cwd, env=env
            )
            sides[f"installed, {tests}"] = lambda argv=argv, cwd=folder, env=env: timed(argv, cwd=cwd, env=env)
            acting = {**env, "SCT_SELECTION": str(folder / "selection.json")}
            sides[f"writing the selection, {tests}"] = lambda argv=argv, cwd=folder, env=acting: timed(
                argv, cwd=cwd, env=env
            )
        taken = interleaved(sides, asked.rounds)
    median = medians(taken)
    claims = {}
    for tests in (1_000, 10_000):
        for side in ("installed", "writing the selection"):
            claims[f"{side} / without, {tests} tests"] = round(
                median[f"{side}, {tests}"] / median[f"without, {tests}"], 3
            )
    claims["installed, 10,000 / 1,000 tests"] = round(median["installed, 10000"] / median["installed, 1000"], 2)
    limits = {
        "installed / without, 10000 tests": Limit(most=1.15),
        "writing the selection / without, 10000 tests": Limit(most=1.15),
        "installed, 10,000 / 1,000 tests": Limit(most=10),
    }
    save("collection", facts, taken, claims, limits)


if __name__ == "__main__":
    main()
