"""How long a test waits for its node, and what each measure that makes a boot short brings.

The first part runs short CQL tests, each with its own node, and reads from the run's journal how long each took from
its fixture's request to the answer of its first query. The second boots containers of the same image side by side: as
ours boot, each time without one of the measures, and with Cassandra's own defaults for all of them. A boot lasts from
the order to create the container to the first login that is taken.

    uv run python bench/boot.py [--rounds 5] [--tests 24] [--workers 1 2] [--only requests|boots]

Takes a minute and a half a round; `--only requests` half a minute for each number of workers.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
from booted import booted
from kept import SCT, kept
from measure import Limit, begin, ended, interleaved, medians, records_of, save

_TEST = '''\
"""External services: Docker"""
import pytest

from sdcm import journal


@pytest.mark.integration
@pytest.mark.parametrize("n", range({tests}))
def test_query(docker_scylla, request, n):
    session = docker_scylla.cql_connection()
    session.execute("SELECT cluster_name FROM system.local")
    journal.note("first-query", test=request.node.nodeid)
    session.execute("CREATE KEYSPACE ks WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")
    session.execute("CREATE TABLE ks.t (a int PRIMARY KEY)")
    session.execute("INSERT INTO ks.t (a) VALUES (1)")
    assert session.execute("SELECT a FROM ks.t").one().a == 1
'''
#: Measure -> the arguments that take it back: Cassandra's, or Java's, own default.
_WITHOUT = {
    "superuser at once": ["-Dcassandra.superuser_setup_delay_ms=10000"],
    "no settling of gossip": ["-Dcassandra.skip_wait_for_gossip_to_settle=-1"],
    "short ring delay": ["-Dcassandra.ring_delay_ms=30000"],
    "class data sharing": ["-Xshare:off"],
    "one compiler tier": ["-XX:TieredStopAtLevel=4", "-XX:ReservedCodeCacheSize=240m"],
    "no verification of bytecode": ["-XX:+BytecodeVerificationRemote"],
    "known row overhead": ["-Dcassandra.memtable.row_overhead_size=-1"],
    "serial collector": ["-XX:-UseSerialGC", "-XX:+UseG1GC"],
    "cheap password hash": ["-Dcassandra.auth_bcrypt_gensalt_log2_rounds=10"],
    "no syncing of files": ["-Dcassandra.skip_sync=false"],
}
#: The default of the one setting of cassandra.yaml that a boot feels.
_DEFAULT_YAML = "num_tokens: 16"
_OURS, _DEFAULT = "ours", "default settings"
_RATIO = f"{_OURS} / {_DEFAULT}"


def main() -> None:
    """Measure, print and write results/boot.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tests", type=int, default=24)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", choices=["requests", "boots"])
    asked = parser.parse_args()
    requests, boots = 0.5 * len(asked.workers), 1.5 * asked.rounds
    facts = begin("boot", f"{(asked.only != 'boots') * requests + (asked.only != 'requests') * boots:g} minutes")
    taken: dict[str, list[float]] = {}
    claims: dict[str, Any] = {}
    limits: dict[str, Limit] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for workers in asked.workers if asked.only != "boots" else ():
            what = f"request to first query, workers: {workers}"
            taken[what] = _requests(folder / str(workers), asked.tests, workers)
            claims[claim := f"{what}, median (s)"] = round(statistics.median(taken[what]), 3)
            limits[claim] = Limit(most=0.3)
        if asked.only != "requests":
            boots = _boots(folder, asked.rounds)
            taken |= boots
            claims |= _claims_of(medians(boots))
            limits[_RATIO] = Limit(most=0.45)
    save("boot", facts, taken, claims, limits)


def _requests(folder: Path, tests: int, workers: int) -> list[float]:
    """Return the seconds from each test's request for its node to the answer of its first query."""
    suite = folder / "unit_tests" / "integration"
    suite.mkdir(parents=True)
    (suite / "test_short.py").write_text(_TEST.format(tests=tests))
    env = {**os.environ, "SCT_STATE_DIR": str(folder / "run-state")}
    argv = [*SCT, "integration-tests", "-q", "-n", str(workers), "-t", "integration/test_short.py"]
    if (done := ended(argv, cwd=folder, env=env)).returncode:
        sys.exit(f"the run ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    (run,) = (folder / "run-state" / "runs").iterdir()
    records = records_of(run / "journal.jsonl")
    wanted = {r["test"]: r["at"] for r in records if r["event"] == "lease" and r["state"] == "wanted"}
    return [r["at"] - wanted[r["test"]] for r in records if r["event"] == "first-query"]


def _boots(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each side's boots, one a round."""
    with kept(folder, os.environ) as environment:
        reference = environment.client.ask("image", image="cassandra")["reference"]
        variables = environment.client.ask("wait", service="docker")["environ"]
        with closing(docker.DockerClient(base_url=variables["DOCKER_HOST"])) as engine:

            def boot(arguments: list[str], environ: Mapping[str, str]) -> Callable[[], float]:
                return lambda: _boot(engine, reference, arguments, environ)

            everything = [argument for arguments in _WITHOUT.values() for argument in arguments]
            sides = {_OURS: boot([], {}), _DEFAULT: boot(everything, {"CASSANDRA_YAML": _DEFAULT_YAML})}
            sides |= {f"without {measure}": boot(arguments, {}) for measure, arguments in _WITHOUT.items()}
            return interleaved(sides, rounds)


def _boot(engine: docker.DockerClient, image: str, arguments: list[str], environ: Mapping[str, str]) -> float:
    with booted(engine, image, arguments, environ) as (_, seconds):
        return seconds


def _claims_of(median: Mapping[str, float]) -> dict[str, float]:
    claims = {_RATIO: round(median[_OURS] / median[_DEFAULT], 3)}
    for measure in _WITHOUT:
        claims[f"{measure}: seconds it brings"] = round(median[f"without {measure}"] - median[_OURS], 2)
    return claims


if __name__ == "__main__":
    main()
