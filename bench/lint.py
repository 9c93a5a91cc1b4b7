"""The linter on 1,000 and 10,000 integration tests, and collecting them with the rules held against pytest alone.

Counted is processor time, user's and system's: all sides are one process that waits for nothing.

uv run python bench/lint.py [--rounds 5]
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from measure import ROOT, Limit, begin, busy, interleaved, medians, save, write_suite

_PER_FILE = 50
_HEAD = '''"""Orders, part {file}.

External services: Docker (database node)
"""

import subprocess

import pytest

from sdcm.wait import wait_for

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("orders-{file}")]


@pytest.fixture
def orders(docker_scylla):
    """Give the test a table of its own."""
    session = docker_scylla.cql_connection()
    session.execute("CREATE TABLE shop.orders (id int PRIMARY KEY, item text)")
    try:
        yield session
    finally:
        session.execute("DROP TABLE shop.orders")
'''
_TEST = '''

@pytest.mark.parametrize("item", ["kettle"])
def test_order_{number}(docker_scylla, orders, item):
    """An order can be read back, and is on disk.

    External services: Docker (database node)
    """
    orders.execute("INSERT INTO shop.orders (id, item) VALUES (%s, %s)", ({number}, item))
    row = wait_for(
        lambda: orders.execute("SELECT item FROM shop.orders WHERE id = {number}").one(), timeout=30, text="the order"
    )
    assert row.item == item
    docker_scylla.run_nodetool("flush", timeout=60)
    done = subprocess.run(["true"], check=False, timeout=5)
    assert done.returncode == 0
'''


def tests_that_keep_the_rules(file: int) -> str:
    """Return a file of integration tests in which the linter finds nothing."""
    return _HEAD.format(file=file) + "".join(_TEST.format(number=number) for number in range(_PER_FILE))


def main() -> None:
    """Measure, print and write results/lint.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    facts = begin("lint", "4 minutes")
    with tempfile.TemporaryDirectory() as temporary:
        sides = {}
        for tests in (1_000, 10_000):
            folder = Path(temporary) / str(tests)
            write_suite(folder / "unit_tests" / "integration", tests, _PER_FILE, tests_that_keep_the_rules)
            env = {**os.environ, "SCT_STATE_DIR": str(folder / "state")}
            lint = [sys.executable, str(ROOT / "sct.py"), "lint", "unit_tests"]
            sides[f"lint, {tests}"] = lambda argv=lint, cwd=folder, env=env: busy(argv, cwd, env)
            collect = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "unit_tests"]
            sides[f"collect without, {tests}"] = lambda argv=collect, cwd=folder, env=env: busy(
                [*argv, "-p", "no:sct"], cwd, env
            )
            acting = {**env, "SCT_SELECTION": str(folder / "selection.json")}
            sides[f"collect with the rules, {tests}"] = lambda argv=collect, cwd=folder, env=acting: busy(
                argv, cwd, env
            )
        taken = interleaved(sides, asked.rounds)
    median = medians(taken)
    claims = {
        "lint, 10,000 / 1,000 tests": round(median["lint, 10000"] / median["lint, 1000"], 2),
        "lint, seconds for each further 1,000 tests": round((median["lint, 10000"] - median["lint, 1000"]) / 9, 3),
    }
    for tests in (1_000, 10_000):
        claims[f"collect with the rules / without, {tests} tests"] = round(
            median[f"collect with the rules, {tests}"] / median[f"collect without, {tests}"], 3
        )
    save("lint", facts, taken, claims, {"collect with the rules / without, 10000 tests": Limit(most=1.15)})


if __name__ == "__main__":
    main()
