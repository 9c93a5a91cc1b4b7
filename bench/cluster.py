"""A Kind cluster through `sct.py` against bare `kind create cluster`.

Both make a cluster of the same node image with the same configuration. A bare one counts as up when its node is ready
and DNS answers, as ours does; what `kind create cluster` alone and with `--wait` took is stated beside it.

    uv run python bench/cluster.py [--rounds 5]
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from held_engine import HeldEngine, held_engine
from measure import ROOT, Limit, begin, interleaved, medians, newest_journal, records_of, save, timed

from sdcm.environment.kind_config import OWN_NODE_LABEL, kind_config

_ON_A_CLUSTER = '''\
"""External services: Kubernetes"""
import pytest


@pytest.mark.integration
def test_namespace(k8s_cluster):
    assert k8s_cluster.name
'''
_NAME = "bench-bare"


class Bare:
    """`kind create cluster` as anybody would type it."""

    def __init__(self, held: HeldEngine, folder: Path) -> None:
        """Keep configuration and kubeconfig in `folder`."""
        self._held = held
        self._folder = folder
        # A network of its own: kind's, named `kind`, may be the user's, and kind never removes it.
        own = {"KUBECONFIG": str(folder / "kubeconfig"), "KIND_EXPERIMENTAL_DOCKER_NETWORK": _NAME}
        self._env = {**os.environ, **held.engine.environ(), **own}
        self._config = folder / "kind.json"
        own_node = self._is_own_node()
        self._config.write_text(kind_config(own_node=own_node, address=held.engine.publish_host))
        self.parts: dict[str, list[float]] = {"bare, create": [], "bare, create and --wait": []}

    def _is_own_node(self) -> bool:
        client = self._held.engine.client()
        try:
            return OWN_NODE_LABEL in client.images.get(self._held.node_image.reference).labels
        finally:
            client.close()

    def until_usable(self) -> float:
        """Create a cluster, wait for its node and DNS, delete it; return the seconds up to DNS."""
        seconds = self._kind("create", "cluster", "--config", str(self._config), "--image", self._image())
        self.parts["bare, create"].append(seconds)
        node = ["docker", "exec", f"{_NAME}-control-plane", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"]
        try:
            waited = self._timed([*node, "wait", "--for=condition=Ready", "nodes", "--all", "--timeout=300s"])
            self.parts["bare, create and --wait"].append(seconds + waited)
            dns = [*node, "-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=300s"]
            return seconds + waited + self._timed(dns)
        finally:
            self._kind("delete", "cluster")
            self._timed(["docker", "network", "rm", _NAME])

    def _image(self) -> str:
        return str(self._held.node_image.reference)

    def _kind(self, *words: str) -> float:
        return self._timed([str(self._held.kind), *words, "--name", _NAME])

    def _timed(self, argv: list[str]) -> float:
        return timed(argv, cwd=self._folder, env=self._env)


def through_sct(folder: Path, env: Mapping[str, str]) -> float:
    """Return the seconds of the step `cluster` of a run with one Kubernetes test."""
    sct = [sys.executable, str(ROOT / "sct.py"), "integration-tests", "-q", "-n", "1"]
    timed([*sct, "-t", "integration/test_k8s.py"], cwd=folder, env=env)
    records = records_of(newest_journal(folder / "state"))
    (ended,) = (r for r in records if r["event"] == "step-end" and r["step"] == "cluster")
    return float(ended["seconds"])


def main() -> None:
    """Measure, print and write results/cluster.json; ends with 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    facts = begin("cluster", "10 minutes")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tests = folder / "unit_tests" / "integration"
        tests.mkdir(parents=True)
        (tests / "test_k8s.py").write_text(_ON_A_CLUSTER)
        env = {**os.environ, "SCT_STATE_DIR": str(folder / "state")}
        with held_engine(folder) as held:
            bare = Bare(held, folder)
            taken = interleaved(
                {"through sct.py": lambda: through_sct(folder, env), "bare, until usable": bare.until_usable},
                asked.rounds,
            )
            taken |= bare.parts
    median = medians(taken)
    claims = {
        f"through sct.py / {side}": round(median["through sct.py"] / median[side], 3)
        for side in ("bare, until usable", "bare, create and --wait", "bare, create")
    }
    limits = {"through sct.py / bare, until usable": Limit(most=1.05)}
    sys.exit(not save("cluster", facts, taken, claims, limits))


if __name__ == "__main__":
    main()
