from collections.abc import Iterator
from pathlib import Path

import pytest

from sdcm.kubernetes import namespaces
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.kubernetes.namespace import KubernetesNamespace
from unit_tests.lib.fake_kubernetes import FakeCluster
from unit_tests.lib.set_clock import SetClock

RUN = "0a1b2c3d"


def labels_of(name: str, run: str = RUN) -> dict[str, str]:
    return {"sct.run": run, "sct.role": "namespace", "sct.lease": name}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCluster]:
    for module in ("applying", "namespace", "namespaces"):
        monkeypatch.setattr(f"sdcm.kubernetes.{module}._POLL", 0.02)
    fake = FakeCluster()
    yield fake
    fake.close()


@pytest.fixture
def set_clock(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two seconds pass between two looks at the cluster."""
    clock = SetClock(pace=100)
    for module in ("applying", "namespace", "namespaces"):
        monkeypatch.setattr(f"sdcm.kubernetes.{module}.time", clock)


@pytest.fixture
def kubeconfig(cluster: FakeCluster, tmp_path: Path) -> Path:
    return cluster.kubeconfig(tmp_path)


class Spaces:
    """Namespaces as tests of one run hold them."""

    def __init__(self, kubeconfig: Path) -> None:
        self._record = ClusterRecord("fake", str(kubeconfig), "", "fake")
        self.open: list[KubernetesNamespace] = []

    def make(self, number: int = 1, run: str = RUN) -> KubernetesNamespace:
        name = f"sct-{run}-{number}"
        namespaces.make_namespace(self._record.kubeconfig, name, labels_of(name, run))
        space = KubernetesNamespace(self._record, name, labels_of(name, run), lambda image: f"loaded/{image}")
        self.open.append(space)
        return space

    def remove(self, space: KubernetesNamespace, deadline: float = 120) -> None:
        namespaces.remove_namespace(self._record.kubeconfig, space.name, space.labels, deadline)


@pytest.fixture
def spaces(kubeconfig: Path) -> Iterator[Spaces]:
    held = Spaces(kubeconfig)
    yield held
    for space in held.open:
        space.close()
