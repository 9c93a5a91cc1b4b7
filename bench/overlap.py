"""A run with docker and Kubernetes tests against the longest of what it consists of.

No run of both can end before its Kubernetes tests could alone (their cluster included), nor its docker tests alone,
nor before the processors have done the work of both. Nor before its workers have run all tests: that the bound leaves
out, so there are workers enough by default; with four, 22 tests of 4 s keep them busy for longer than the processors.

    uv run python bench/overlap.py [--rounds 5] [--workers 8]
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from held_engine import held_engine
from measure import ROOT, Limit, begin, interleaved, medians, save, timed

_DOCKER = '''\
"""External services: Docker"""
import time

import pytest


@pytest.mark.integration
@pytest.mark.parametrize("n", range({tests}))
def test_query(docker_scylla, n):
    session = docker_scylla.cql_connection()
    session.execute("CREATE KEYSPACE ks WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")
    time.sleep(4)
'''
_KUBERNETES = '''\
"""External services: Kubernetes"""
import time

import pytest

SETTINGS = {{
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {{"name": "settings"}},
    "data": {{"a": "b"}},
}}


@pytest.mark.integration
@pytest.mark.parametrize("n", range({tests}))
def test_objects(k8s_cluster, n):
    k8s_cluster.apply(SETTINGS)
    time.sleep(4)
'''
_RATIO = "both / bound"


def main() -> None:
    """Measure, print and write results/overlap.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--docker-tests", type=int, default=16)
    parser.add_argument("--kubernetes-tests", type=int, default=6)
    asked = parser.parse_args()
    facts = begin("overlap", f"{3 * (asked.rounds + 0.4):.0f} minutes")
    busy: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tests = folder / "unit_tests" / "integration"
        tests.mkdir(parents=True)
        (tests / "test_docker.py").write_text(_DOCKER.format(tests=asked.docker_tests))
        (tests / "test_kubernetes.py").write_text(_KUBERNETES.format(tests=asked.kubernetes_tests))
        env = {**os.environ, "SCT_STATE_DIR": str(folder / "state")}

        def run(name: str, *files: str) -> float:
            sct = [sys.executable, str(ROOT / "sct.py"), "integration-tests", "-q", "-n", str(asked.workers)]
            before = processor_seconds()
            seconds = timed([*sct, *(word for file in files for word in ("-t", file))], cwd=folder, env=env)
            busy.setdefault(name, []).append(processor_seconds() - before)
            return seconds

        docker, kubernetes = "integration/test_docker.py", "integration/test_kubernetes.py"
        with held_engine(folder):
            # Durations become known: a first run plans with none, and is no measure.
            timed_once = run("first", docker, kubernetes)
            print(f"first run, not counted: {timed_once:.1f} s", flush=True)
            taken = interleaved(
                {
                    "both": lambda: run("both", docker, kubernetes),
                    "kubernetes alone": lambda: run("kubernetes alone", kubernetes),
                    "docker alone": lambda: run("docker alone", docker),
                },
                asked.rounds,
            )
    median = medians(taken)
    processors = statistics.median(busy["both"]) / (os.cpu_count() or 1)
    bound = max(median["kubernetes alone"], median["docker alone"], processors)
    claims = {
        "workers": asked.workers,
        "processor seconds of both / cores": round(processors, 2),
        "bound (s)": round(bound, 2),
        _RATIO: round(median["both"] / bound, 3),
        "one after the other / both": round((median["kubernetes alone"] + median["docker alone"]) / median["both"], 3),
    }
    save("overlap", facts, taken, claims, {_RATIO: Limit(most=1.15)})


def processor_seconds() -> float:
    """Return what all processors of this machine have worked since it started, in seconds; see proc(5).

    Databases and cluster run in containers, so the children's times do not tell; on a quiet machine the whole does.
    """
    user, nice, system, _idle, _wait, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
