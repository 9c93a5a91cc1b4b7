"""One test in an environment that is kept, through `sct.py`, against plain pytest with a node that is up already.

Both sides run the same query on a Cassandra node of the same kept environment. Plain pytest gets the address of a node
that was booted beforehand, and nothing of ours but the driver: no plugin, no lease. Ours has the node leased, checked,
and put back; what the environment's broker does after the run is not waited for, but a round begins only when it has a
node ready again.

    uv run python bench/warm.py [--rounds 7]
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from kept import SCT, Kept, kept
from measure import Limit, begin, interleaved, medians, save, timed, with_bytecode

from sdcm.broker.protocol import NodeRequest

_OURS = '''\
"""External services: Docker"""
import pytest


@pytest.mark.integration
def test_query(docker_scylla):
    assert docker_scylla.cql_connection().execute("SELECT release_version FROM system.local").one()
'''
_PLAIN = """\
import os

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster


def test_query():
    login = PlainTextAuthProvider("cassandra", "cassandra")
    cluster = Cluster([os.environ["NODE"]], auth_provider=login)
    try:
        assert cluster.connect().execute("SELECT release_version FROM system.local").one()
    finally:
        cluster.shutdown()
"""
#: What becomes of a node after its test, and the most seconds to wait for that.
_OVER = ("put-back", "thrown-away")
_SETTLE = 120.0


def main() -> None:
    """Measure, print and write results/warm.json; ends with 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    facts = begin("warm", "2 minutes")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tests = folder / "unit_tests" / "integration"
        tests.mkdir(parents=True)
        (tests / "test_ours.py").write_text(_OURS)
        (folder / "plain").mkdir()
        (folder / "plain" / "test_plain.py").write_text(_PLAIN)
        with kept(folder, with_bytecode(os.environ)) as environment:
            taken, gets = _measure(folder, environment, asked.rounds)
    median = medians(taken)
    over = "sct.py - plain pytest, medians (s)"
    claims: dict[str, Any] = {
        over: round(median["sct.py"] - median["plain pytest"], 3),
        "runs whose test got a node without a boot": f"{gets} of {asked.rounds}",
    }
    sys.exit(not save("warm", facts, taken, claims, {over: Limit(most=1.0)}))


def _measure(folder: Path, environment: Kept, rounds: int) -> tuple[dict[str, list[float]], int]:
    """Return the seconds of each side, and how many of our runs were handed a node that stood ready."""
    journal, env = environment.journal, environment.env

    def ours() -> float:
        before = len(_nodes(journal, *_OVER))
        seconds = timed([*SCT, "integration-tests", "-t", "integration/test_ours.py"], cwd=folder, env=env)
        end = time.monotonic() + _SETTLE
        while len(_nodes(journal, *_OVER)) == before and time.monotonic() < end:
            time.sleep(0.1)
        return seconds

    ours()  # compiles what Python compiles, and lets the node's first look be over
    before = len(_nodes(journal, "handed-on"))
    record = environment.client.ask("node", test="bench", request=NodeRequest(fresh=True).to_record())["node"]
    node = {**env, "NODE": record["ip"], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    # No configuration of ours above it: the folder has one of its own.
    (folder / "plain" / "pytest.ini").write_text("[pytest]\n")
    plain = [sys.executable, "-m", "pytest", "-q", "test_plain.py"]
    timed(plain, cwd=folder / "plain", env=node)
    taken = interleaved({"sct.py": ours, "plain pytest": lambda: timed(plain, cwd=folder / "plain", env=node)}, rounds)
    return taken, len(_nodes(journal, "handed-on")) - before


def _nodes(journal: Path, *what: str) -> list[dict[str, Any]]:
    """Return the records of some kinds that an environment's journal has of its nodes."""
    records = map(json.loads, journal.read_text().splitlines())
    return [record for record in records if record["event"] == "node" and record["what"] in what]


if __name__ == "__main__":
    main()
