"""`sct.py unit-tests` on 1,000 trivial tests against bare pytest with xdist.

uv run python bench/unit_tests.py [--rounds 5]
"""

import argparse
import os
import resource
import sys
import tempfile
from pathlib import Path

from collection import suite
from measure import ROOT, interleaved, machine, medians, save, timed


def main() -> None:
    """Measure, print and write results/unit_tests.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    facts = machine()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        suite(folder, 1_000)
        env = {**os.environ, "SCT_STATE_DIR": str(folder / "state"), "SCT_RUNTIME_DIR": str(folder / "r")}
        bare = [sys.executable, "-m", "pytest", "-q", "-p", "no:sct", "-p", "no:cacheprovider", "unit_tests"]
        ours = [sys.executable, str(ROOT / "sct.py"), "unit-tests", "-q", "--", "-p", "no:cacheprovider"]
        sides = {
            "ours -n 4": lambda: timed([*ours[:4], "-n", "4", *ours[4:]], cwd=folder, env=env),
            "bare -n 4": lambda: timed([*bare, "-n", "4"], cwd=folder, env=env),
            "ours -n auto": lambda: timed([*ours[:4], "-n", "auto", *ours[4:]], cwd=folder, env=env),
            "bare -n 0": lambda: timed([*bare, "-n", "0"], cwd=folder, env=env),
            "bare -n 2": lambda: timed([*bare, "-n", "2"], cwd=folder, env=env),
        }
        taken = interleaved(sides, asked.rounds)
    median = medians(taken)
    best = min(median["bare -n 0"], median["bare -n 2"], median["bare -n 4"])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    claims = {
        "ours - bare at -n 4 (s)": round(median["ours -n 4"] - median["bare -n 4"], 3),
        "ours at -n auto - best bare (s)": round(median["ours -n auto"] - best, 3),
        "largest process of both sides (MiB)": round(peak, 1),
    }
    save("unit_tests", facts, taken, claims)


if __name__ == "__main__":
    main()
