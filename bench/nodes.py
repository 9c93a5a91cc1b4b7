"""24 short CQL tests, each with a node of its own: nodes handed on, fresh nodes, and a fixture as upstream writes it.

All sides run under `sct.py integration-tests` with the same image; upstream's way is a new container of it a test,
waited for until CQL takes a login, killed after the test. A side lasts from the start of its first test to the end of
pytest; the whole commands, with the environment's coming and going, are told beside. In an environment that is kept
(`env up`) the second run of the tests counts: it finds the nodes that the first has left.

    uv run python bench/nodes.py [--rounds 5] [--tests 24] [--workers 2]

Takes 4 and a half minutes a round on 2 cores.
"""

import argparse
import os
import statistics
import tempfile
from functools import partial
from pathlib import Path

from kept import SCT, kept
from measure import Limit, begin, interleaved, medians, newest_journal, records_of, save, timed

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


_OURS_SIDE, _KEPT, _FRESH, _UPSTREAMS = "handed on", "handed on, kept environment", "fresh nodes", "upstream's way"
#: Side -> its file of tests and its options.
_SIDES = {
    _OURS_SIDE: ["-t", "integration/test_ours.py"],
    _KEPT: ["-t", "integration/test_ours.py"],
    _FRESH: ["-t", "integration/test_ours.py", "--fresh-nodes"],
    _UPSTREAMS: ["-t", "integration/test_upstream.py", "--leaks", "off"],
}


def main() -> None:
    """Measure, print and write results/nodes.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tests", type=int, default=24)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    facts = begin("nodes", f"{4.5 * asked.rounds:g} minutes")
    whole: dict[str, list[float]] = {side: [] for side in _SIDES}
    first: dict[str, list[float]] = {side: [] for side in _SIDES}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tests = folder / "unit_tests" / "integration"
        tests.mkdir(parents=True)
        (tests / "test_ours.py").write_text(_OURS.format(tests=asked.tests))
        (tests / "test_upstream.py").write_text(_UPSTREAM.format(tests=asked.tests))
        env = {**os.environ, "SCT_STATE_DIR": str(folder / "state")}
        sct = [*SCT, "integration-tests", "-q", "-n", str(asked.workers)]

        def run(side: str, env: dict[str, str] = env) -> float:
            queries = folder / "first-query"
            queries.unlink(missing_ok=True)
            whole[side].append(timed([*sct, *_SIDES[side]], cwd=folder, env=env))
            first[side] += map(float, queries.read_text().splitlines()) if queries.exists() else []
            return _tests_took(newest_journal(Path(env["SCT_STATE_DIR"])))

        def run_kept() -> float:
            place = folder / f"kept-{len(whole[_KEPT])}"
            place.mkdir()
            with kept(place, os.environ) as environment:
                timed([*sct, *_SIDES[_KEPT]], cwd=folder, env=environment.env)
                return run(_KEPT, environment.env)

        taken = interleaved({side: partial(run, side) for side in _SIDES} | {_KEPT: run_kept}, asked.rounds)
    median, commands = medians(taken), medians(whole)
    ratio, ours_first = f"{_UPSTREAMS} / {_OURS_SIDE}", f"request to first query, {_OURS_SIDE}, median (s)"
    claims = {
        ratio: round(median[_UPSTREAMS] / median[_OURS_SIDE], 2),
        f"{_UPSTREAMS} / {_KEPT}": round(median[_UPSTREAMS] / median[_KEPT], 2),
        f"{_FRESH} / {_OURS_SIDE}": round(median[_FRESH] / median[_OURS_SIDE], 2),
        f"{ratio}, whole commands": round(commands[_UPSTREAMS] / commands[_OURS_SIDE], 2),
        f"{_FRESH} / {_OURS_SIDE}, whole commands": round(commands[_FRESH] / commands[_OURS_SIDE], 2),
        ours_first: round(statistics.median(first[_OURS_SIDE]), 3),
        f"request to first query, {_KEPT}, median (s)": round(statistics.median(first[_KEPT]), 3),
        f"request to first query, {_FRESH}, median (s)": round(statistics.median(first[_FRESH]), 3),
    }
    taken |= {f"{side}, whole command": seconds for side, seconds in whole.items()}
    save("nodes", facts, taken, claims, {ratio: Limit(least=5.0), ours_first: Limit(most=0.3)})


def _tests_took(journal: Path) -> float:
    """Return the seconds from the first test's start to pytest's end."""
    records = records_of(journal)
    started = min(record["at"] for record in records if record["event"] == "test-start")
    ended = max(record["at"] for record in records if record["event"] == "pytest-end")
    return float(ended - started)


if __name__ == "__main__":
    main()
