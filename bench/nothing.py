"""What a run with nothing to do costs: one test that needs no service, through `sct.py` and by bare pytest.

Bare pytest has the plugins of the same environment but ours. Needs no engine.

    uv run python bench/nothing.py [--rounds 7]
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from measure import ROOT, Limit, begin, interleaved, medians, save, timed, with_bytecode

_NOTHING = '''\
"""External services: none"""
import pytest


@pytest.mark.integration
def test_nothing():
    assert True
'''
_BARE = ["-q", "-p", "no:sct", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestUnknownMarkWarning"]
#: Ours, and what it is compared with; the first is what is usually typed.
_PAIRS = (("sct.py", "pytest"), ("sct.py -n 0", "pytest"), ("sct.py -n 1", "pytest -n 1"))


def main() -> None:
    """Measure, print and write results/nothing.json; ends with 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    facts = begin("nothing", "half a minute")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tests = folder / "unit_tests" / "integration"
        tests.mkdir(parents=True)
        (tests / "test_nothing.py").write_text(_NOTHING)
        env = {**with_bytecode(os.environ), "SCT_STATE_DIR": str(folder / "state")}
        ours = [sys.executable, str(ROOT / "sct.py"), "integration-tests", "-q", "-t", "integration/test_nothing.py"]
        bare = [sys.executable, "-m", "pytest", *_BARE, "unit_tests/integration/test_nothing.py"]
        sides = {
            "sct.py": ours,
            "sct.py -n 0": [*ours, "-n", "0"],
            "sct.py -n 1": [*ours, "-n", "1"],
            "pytest": bare,
            "pytest -n 1": [*bare, "-n", "1"],
        }
        for argv in sides.values():
            timed(argv, cwd=folder, env=env)  # compiles what Python compiles
        taken = interleaved(
            {name: lambda argv=argv: timed(argv, cwd=folder, env=env) for name, argv in sides.items()},  # type: ignore[misc]
            asked.rounds,
        )
    median = medians(taken)
    claims = {f"{mine} - {theirs}, medians (s)": round(median[mine] - median[theirs], 3) for mine, theirs in _PAIRS}
    sys.exit(not save("nothing", facts, taken, claims, dict.fromkeys(claims, Limit(most=1.0))))


if __name__ == "__main__":
    main()
