"""What a test can do in its namespace."""

import threading
from pathlib import Path
from typing import Any

import pytest

from sdcm.errors import DeadlinePassed, ServiceUnavailable, UsageProblem
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.kubernetes.namespace import KubernetesNamespace, WorkloadFailed
from unit_tests.lib.fake_kubernetes import FakeCluster
from unit_tests.unit.kubernetes.conftest import Spaces


def _pod(path: str, cluster: FakeCluster, **status: Any) -> None:
    cluster.put(path, kind="Pod", metadata={"labels": {"app": "db"}, "creationTimestamp": "2024"}, status=status)


def test_a_wait_returns_the_object(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    path = f"/api/v1/namespaces/{space.name}/pods/db"
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    threading.Timer(0.05, lambda: _pod(path, cluster, **ready)).start()
    assert space.wait("pod/db", "Ready", timeout=120)["status"] == ready


def test_a_wait_for_absence(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    path = f"/api/v1/namespaces/{space.name}/pods/db"
    _pod(path, cluster, phase="Running")
    threading.Timer(0.05, lambda: cluster.objects.pop(path)).start()
    assert space.wait("pod/db", "deleted", timeout=120) == {}


@pytest.mark.usefixtures("set_clock")
def test_a_wait_that_is_too_long_tells_what_it_saw(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    path = f"/api/v1/namespaces/{space.name}/pods/db"
    _pod(
        path,
        cluster,
        phase="Running",
        containerStatuses=[{"name": "main", "restartCount": 0, "state": {"running": {}}}],
    )
    cluster.logs[f"{space.name}/db"] = "loading tables\n"
    cluster.put(f"/api/v1/namespaces/{space.name}/events/e1", involvedObject={"kind": "Pod", "name": "db"},
                type="Warning", reason="Unhealthy", message="probe failed", count=4, lastTimestamp="2024")  # fmt: skip
    with pytest.raises(DeadlinePassed, match=r"pod/db was not Ready after 30 s") as caught:
        space.wait("pod/db", timeout=30)
    assert "pod db: Running; main running (not ready, 0 restarts)" in caught.value.evidence
    assert "Warning pod/db Unhealthy (x4): probe failed" in caught.value.evidence
    assert "loading tables" in caught.value.evidence


def test_a_wait_ends_at_once_when_the_image_is_missing(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    selector = {"matchLabels": {"app": "db"}}
    cluster.put(f"/apis/apps/v1/namespaces/{space.name}/statefulsets/db", kind="StatefulSet",
                spec={"selector": selector, "replicas": 1}, status={})  # fmt: skip
    waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    _pod(f"/api/v1/namespaces/{space.name}/pods/db-0", cluster, phase="Pending",
         containerStatuses=[{"name": "main", "restartCount": 0, "state": {"waiting": waiting}}])  # fmt: skip
    with pytest.raises(WorkloadFailed, match="db-0: container main: ImagePullBackOff: no such image"):
        space.wait("sts/db", timeout=60)


def test_a_wait_for_nothing_says_so(spaces: Spaces) -> None:
    with pytest.raises(DeadlinePassed, match="there is no such object"):
        spaces.make().wait("deployment/none", timeout=0)


def test_kinds_go_by_all_their_names(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    cluster.put(f"/apis/apps/v1/namespaces/{space.name}/statefulsets/db", kind="StatefulSet")
    for name in ("sts/db", "StatefulSet/db", "statefulsets/db", "statefulset.apps/db"):
        assert (space.get(name) or {})["kind"] == "StatefulSet"
    assert space.get("configmap/none") is None


@pytest.mark.parametrize("target", ["db", "/db", "pod/", "gadget/db"])
def test_a_target_that_names_nothing_is_refused(spaces: Spaces, target: str) -> None:
    with pytest.raises(UsageProblem):
        spaces.make().wait(target, timeout=1)


def test_logs_of_a_pod(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    cluster.logs[f"{space.name}/db"] = "one\ntwo\n"
    assert space.logs("db") == "one\ntwo\n"


def test_load_image_asks_the_broker(spaces: Spaces) -> None:
    assert spaces.make().load_image("cassandra") == "loaded/cassandra"


def test_without_kubectl_there_is_one_line(spaces: Spaces) -> None:
    with pytest.raises(ServiceUnavailable, match="kubectl is not on PATH"):
        spaces.make().kubectl("get", "pods")


@pytest.mark.parametrize("ours", [True, False])
def test_kubectl_is_led_to_the_namespace_and_away_from_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: bool
) -> None:
    monkeypatch.setenv("SCT_CACHE_DIR", str(tmp_path / "cache"))
    program = tmp_path / "kubectl"
    program.write_text('#!/bin/sh\necho "$@"; echo "$KUBECONFIG $KUBERC"; cat\n')
    program.chmod(0o755)
    control_plane = "c-control-plane" if ours else ""
    cluster = ClusterRecord("c", str(tmp_path / "kubeconfig"), str(program), "ctx", control_plane=control_plane)
    space = KubernetesNamespace(cluster, "sct-1-1", {"sct.lease": "sct-1-1"}, str)
    words, environ, given = space.kubectl("get", "pods", input="hello").stdout.splitlines()
    assert words.split() == [f"--kubeconfig={tmp_path}/kubeconfig", "--context=ctx", "--namespace=sct-1-1",
                             f"--cache-dir={tmp_path if ours else tmp_path / 'cache'}/kubectl-cache", "get",
                             "pods"]  # fmt: skip
    assert (environ, given) == (f"{tmp_path}/kubeconfig off", "hello")


def test_records_cross_a_socket() -> None:
    record = ClusterRecord("n", "/k", "/kubectl", "ctx", "net", "image", "node")
    assert ClusterRecord.from_record({**record.to_record(), "newer": "field"}) == record
