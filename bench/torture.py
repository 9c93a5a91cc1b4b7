"""Whether a test ever sees what the test before it has left in its node: shuffled pairs on real nodes.

Each test looks whether its node is as it boots, and leaves one of the things that a test can leave: keyspaces, types,
functions, roles, grants, changed passwords and system keyspaces, prepared statements; and
outside the database files, processes, snapshots, settings, a changed cassandra.yaml. Their order is shuffled. A pair is
a node that is handed from one test to the next; the run's journal counts them, and tells why others were thrown away.
Two workers do some 200 pairs in ten minutes. Hints want two nodes, whose rings are never handed on.

    uv run python bench/torture.py [--pairs 200] [--workers 2] [--seed N]
"""

import argparse
import json
import os
import random
import runpy
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kept import SCT
from measure import ROOT, Limit, begin, ended, records_of, save

_TEST = '''\
"""External services: Docker"""
import json
import pathlib

import pytest

from sdcm import journal
from unit_tests.lib import leavings

ORDER = json.loads(pathlib.Path("order.json").read_text())


@pytest.mark.integration
@pytest.mark.docker_scylla_args(image="cassandra")
@pytest.mark.parametrize("number", range(len(ORDER)))
def test_pair(docker_scylla, request, number):
    left = ORDER[number]
    journal.note("pair", test=request.node.nodeid, left=left, before=docker_scylla.record.earlier_tests[-1:])
    session = docker_scylla.cql_connection()
    leavings.assert_pristine(session)
    if left in leavings.LEAVINGS:
        leavings.leave(session, left)
        return
    leavings.assert_nothing_outside(docker_scylla.run(leavings.LOOK, timeout=120, ignore_status=True).stdout)
    with docker_scylla.remote_yaml() as settings:
        assert settings.column_index_size == "4KiB"
        if left == "a changed yaml":
            settings.column_index_size = "8KiB"
    if left in leavings.LEFT_OUTSIDE:
        docker_scylla.run(leavings.LEFT_OUTSIDE[left], timeout=120)
'''
_CHANGED_YAML = "a changed yaml"
#: What is left in the database and found out, but not put back.
_NOT_PUT_BACK = ("a changed password", "a changed system keyspace")
#: Of so many tests one leaves what costs its node: the next one's boot takes as long as several pairs.
_COSTLY_EVERY = 12
#: Tests beyond the pairs that are asked for: the first on each node has nobody before it.
_SPARE = 0.25


def main() -> None:
    """Run, print and write results/torture.json; ends with 1 when a test saw another, or pairs are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    asked = parser.parse_args()
    facts = begin("torture", f"{3 * asked.pairs / 60:.0f} minutes")
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tests = folder / "unit_tests" / "integration"
        tests.mkdir(parents=True)
        (tests / "test_torture.py").write_text(_TEST)
        (folder / "order.json").write_text(json.dumps(_order(asked.pairs, random.Random(asked.seed))))
        env = {**os.environ, "SCT_STATE_DIR": str(folder / "state"), "PYTHONPATH": str(ROOT)}
        argv = [*SCT, "integration-tests", "-q", "-n", str(asked.workers), "-t", "integration/test_torture.py"]
        started = time.perf_counter()
        ended(argv, cwd=folder, env=env, shown=True, timeout=600 + 60 * asked.pairs)
        seconds = time.perf_counter() - started
        (run,) = (folder / "state" / "runs").iterdir()
        claims, put_back = _told(records_of(run / "journal.jsonl"))
    claims |= {"seed": asked.seed, "seconds in all": round(seconds, 1)}
    claims["seconds a pair"] = round(seconds / max(1, claims["pairs"]), 2)
    limits = {"tests that failed": Limit(most=0), "pairs": Limit(least=asked.pairs)}
    sys.exit(not save("torture", facts, {"put back": put_back} if put_back else {}, claims, limits))


def _order(pairs: int, shuffle: random.Random) -> list[str]:
    """Return what each test leaves, shuffled: all kinds alike, but those that cost the node far less often."""
    # By its path: a script beside this one has the name of its package.
    leavings = runpy.run_path(str(ROOT / "unit_tests" / "lib" / "leavings.py"))
    count = int(pairs * (1 + _SPARE)) + 1
    inside = [left for left in leavings["LEAVINGS"] if left not in _NOT_PUT_BACK]
    outside = [*leavings["LEFT_OUTSIDE"], _CHANGED_YAML, *_NOT_PUT_BACK]
    order = [inside[number % len(inside)] for number in range(count)]
    order += [outside[number % len(outside)] for number in range(max(len(outside), count // _COSTLY_EVERY))]
    shuffle.shuffle(order)
    return order


def _told(records: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], list[float]]:
    """Return what the journal says of pairs, nodes and failures, and the seconds of each putting back."""
    records = list(records)
    left = {record["test"]: record["left"] for record in records if record["event"] == "pair"}
    pairs = [(left[r["before"][0]], r["left"]) for r in records if r["event"] == "pair" and r["before"]]
    nodes = [record for record in records if record["event"] == "node"]
    failed = [r["test"] for r in records if r["event"] == "test-end" and r["outcome"] in {"failed", "error"}]
    claims = {
        "tests": len(left),
        "tests that failed": len(failed),
        "pairs": len(pairs),
        "different pairs": len(set(pairs)),
        "nodes booted": sum(r["event"] == "container" and r.get("state") == "ready" for r in records),
        "thrown away": dict(Counter(node["reason"][:60] for node in nodes if node["what"] == "thrown-away")),
    }
    put_back = [float(node["seconds"]) for node in nodes if node["what"] == "put-back"]
    if put_back:
        claims["put back, median (s)"] = round(statistics.median(put_back), 3)
    return claims, put_back


if __name__ == "__main__":
    main()
