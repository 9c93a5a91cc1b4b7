"""24 short CQL tests, each with a node of its own: nodes handed on, fresh nodes, and a fixture as upstream writes it.

All sides run under `sct.py integration-tests` on the same engine with the same image; upstream's way is a new
container of it a test, waited for until CQL takes a login, killed after the test.

    uv run python bench/nodes.py [--rounds 5] [--tests 24] [--workers 2]
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from measure import ROOT, interleaved, machine, medians, newest_journal, save, timed

_OURS = '''\
"""External services: Docker"""
import pathlib
import time

import pytest


@pytest.fixture
def stamp():
    return time.perf_counter()


@pytest.mark.integration
@pytest.mark.parametrize("n", range({tests}))
def test_query(stamp, docker_scylla, n):
    session = docker_scylla.cql_connection()
    session.execute("SELECT cluster_name FROM system.local")
    with pathlib.Path("first-query").open("a") as file:
        file.write(f"{{time.perf_counter() - stamp}}\\n")
    session.execute("CREATE KEYSPACE ks WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")
    session.execute("CREATE TABLE ks.t (a int PRIMARY KEY)")
    session.execute("INSERT INTO ks.t (a) VALUES (1)")
    assert session.execute("SELECT a FROM ks.t").one().a == 1
'''
_UPSTREAM = '''\
"""External services: Docker"""
import time

import docker
import pytest
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster


@pytest.fixture
def node(catalogue_image):
    client = docker.from_env()
    container = client.containers.run(
        catalogue_image("cassandra"), detach=True, mem_limit="512m",
        environment={{"CASSANDRA_HEAP": "256m", "CASSANDRA_DIRECT_MEMORY": "64m"}},
    )
    try:
        container.reload()
        (network,) = container.attrs["NetworkSettings"]["Networks"].values()
        end = time.monotonic() + 120
        while True:
            cluster = Cluster([network["IPAddress"]], auth_provider=PlainTextAuthProvider("cassandra", "cassandra"))
            try:
                session = cluster.connect()
                break
            except Exception:
                cluster.shutdown()
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
        yield session
        cluster.shutdown()
    finally:
        container.remove(force=True, v=True)
        client.close()


@pytest.mark.integration
@pytest.mark.services("docker")
@pytest.mark.parametrize("n", range({tests}))
def test_query(node, n):
    session = node
    session.execute("CREATE KEYSPACE ks WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")
    session.execute("CREATE TABLE ks.t (a int PRIMARY KEY)")
    session.execute("INSERT INTO ks.t (a) VALUES (1)")
    assert session.execute("SELECT a FROM ks.t").one().a == 1
'''


def main() -> None:
    """Measure, print and write results/nodes.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tests", type=int, default=24)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    facts = machine()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tests = folder / "unit_tests" / "integration"
        tests.mkdir(parents=True)
        (tests / "test_ours.py").write_text(_OURS.format(tests=asked.tests))
        (tests / "test_upstream.py").write_text(_UPSTREAM.format(tests=asked.tests))
        env = {**os.environ, "SCT_STATE_DIR": str(folder / "state")}

        def run(file: str, *options: str) -> float:
            sct = [sys.executable, str(ROOT / "sct.py"), "integration-tests", "-q", "-n", str(asked.workers)]
            timed([*sct, "-t", f"integration/{file}", *options], cwd=folder, env=env)
            return _tests_took(newest_journal(folder / "state"))

        taken = interleaved(
            {
                "handed on": lambda: run("test_ours.py"),
                "fresh nodes": lambda: run("test_ours.py", "--fresh-nodes"),
                "upstream's way": lambda: run("test_upstream.py", "--leaks", "off"),
            },
            asked.rounds,
        )
        first = [float(line) for line in (folder / "first-query").read_text().splitlines()]
    # Each round of ours wrote one batch with nodes handed on, then one with fresh nodes.
    batches = [first[at : at + asked.tests] for at in range(0, len(first), asked.tests)]
    median = medians(taken)
    claims = {
        "upstream's way / handed on": round(median["upstream's way"] / median["handed on"], 2),
        "fresh nodes / handed on": round(median["fresh nodes"] / median["handed on"], 2),
        "request to first query, handed on, median (s)": round(_median_of(batches[0::2]), 3),
        "request to first query, fresh nodes, median (s)": round(_median_of(batches[1::2]), 3),
    }
    save("nodes", facts, taken, claims)


def _median_of(batches: list[list[float]]) -> float:
    return statistics.median(seconds for batch in batches for seconds in batch)


def _tests_took(journal: Path) -> float:
    """Return the seconds from the first test's start to pytest's end."""
    records = [json.loads(line) for line in journal.open()]
    started = min(record["at"] for record in records if record["event"] == "test-start")
    ended = max(record["at"] for record in records if record["event"] == "pytest-end")
    return float(ended - started)


if __name__ == "__main__":
    main()
