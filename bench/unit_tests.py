"""`sct.py unit-tests` on 1,000 trivial tests against bare pytest with xdist.

uv run python bench/unit_tests.py [--rounds 5]
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from collection import trivial_tests
from measure import ROOT, Limit, begin, busy, interleaved, medians, save, timed, with_bytecode, write_suite

#: Seconds between two looks at the runner's memory; the kernel keeps its peak.
_LOOK = 0.01
_LIMITS = {
    "ours - bare at -n 4 (s)": Limit(most=0.35),
    "ours at -n auto - best bare (s)": Limit(most=0.35),
    "peak memory of the runner alone (MB)": Limit(most=80),
}


def peak_of_runner(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> float:
    """Run it once, not timed, and return the most memory that the runner's own process had, in MB.

    What the system tells of a process that has ended counts its children: pytest takes more than the runner.
    """
    peak = 0.0
    with subprocess.Popen(argv, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as runner:
        while runner.poll() is None:
            told = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{runner.pid}/status").read_text())
            peak = max(peak, int(told[1]) * 1024 / 1e6 if told else 0.0)
            time.sleep(_LOOK)
    return peak


def main() -> None:
    """Measure, print and write results/unit_tests.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    facts = begin("unit_tests", "2 minutes")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_suite(folder / "unit_tests", 1_000, 100, trivial_tests)
        env = {
            **with_bytecode(os.environ),
            "SCT_STATE_DIR": str(folder / "state"),
            "SCT_RUNTIME_DIR": str(folder / "r"),
        }

        def bare(workers: int) -> list[str]:
            plugins = ["-p", "no:sct", "-p", "no:cacheprovider"]
            return [sys.executable, "-m", "pytest", "-q", *plugins, "unit_tests", "-n", str(workers)]

        def ours(workers: str) -> list[str]:
            run = [sys.executable, str(ROOT / "sct.py"), "unit-tests", "-q", "-n", workers]
            return [*run, "--", "-p", "no:cacheprovider"]

        timed(ours("4"), cwd=folder, env=env)  # `auto` goes by what earlier runs took
        programs = {"ours -n 4": ours("4"), "bare -n 4": bare(4), "ours -n auto": ours("auto")}
        programs |= {"bare -n 0": bare(0), "bare -n 2": bare(2)}
        sides = {name: lambda argv=argv: timed(argv, cwd=folder, env=env) for name, argv in programs.items()}
        for name in ("ours -n 4", "bare -n 4", "ours -n auto", "bare -n 0"):
            sides[f"processors, {name}"] = lambda argv=programs[name]: busy(argv, folder, env)
        taken = interleaved(sides, asked.rounds)
        memory = max(peak_of_runner(ours(workers), folder, env) for workers in ("4", "auto"))
    median = medians(taken)
    best = min(median["bare -n 0"], median["bare -n 2"], median["bare -n 4"])
    claims = {
        "ours - bare at -n 4 (s)": round(median["ours -n 4"] - median["bare -n 4"], 3),
        "ours at -n auto - best bare (s)": round(median["ours -n auto"] - best, 3),
        "processor seconds, ours - bare at -n 4": round(
            median["processors, ours -n 4"] - median["processors, bare -n 4"], 3
        ),
        "peak memory of the runner alone (MB)": round(memory, 1),
    }
    save("unit_tests", facts, taken, claims, _LIMITS)


if __name__ == "__main__":
    main()
