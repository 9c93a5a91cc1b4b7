"""What tests leave in a cluster outside of their leases."""

import time
from datetime import UTC, datetime

import pytest

from sdcm import journal
from sdcm.broker.cluster_leaks import ClusterWatch
from sdcm.broker.spans import Spans
from sdcm.journal import Journal
from sdcm.kubernetes.cluster import ClusterRecord
from unit_tests.lib.fake_kubernetes import FakeCluster

NAMESPACES, ROLES = "/api/v1/namespaces", "/apis/rbac.authorization.k8s.io/v1/clusterroles"


class Scene:
    def __init__(self, folder, *, is_ours):
        self.cluster = FakeCluster()
        self.spans = Spans()
        self.journal = Journal(folder / journal.FILE_NAME)
        record = ClusterRecord("fake", str(self.cluster.kubeconfig(folder)), "", "fake")
        self.put(f"{NAMESPACES}/default")
        self.watch = ClusterWatch(self.spans, self.journal, lambda: record, is_ours=is_ours)

    def put(self, path, **metadata):
        stamp = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self.cluster.put(path, metadata={"uid": path, "creationTimestamp": stamp, **metadata})

    def begin(self, label, worker="gw0"):
        told = {"span": label, "label": label, "at": time.time(), "services": ["kubernetes"]}
        self.watch.begin(self.spans.open(worker, told))

    def end(self, label, worker="gw0"):
        self.watch.end(self.spans.end(worker, label, time.time()))

    def leaks(self):
        records = [record for record in journal.read(self.journal.path) if record["event"] == "leak"]
        return [(leak["kind"], leak["name"], leak["test"] or leak["during"], leak["state"]) for leak in records]


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path, is_ours=True)
    yield scene
    scene.cluster.close()
    scene.journal.close()


def test_what_a_test_leaves_is_named_and_removed(scene):
    scene.begin("k.py::one")
    scene.put(f"{NAMESPACES}/lone")
    scene.put(f"{ROLES}/lone-role")
    scene.put(f"{NAMESPACES}/leased", labels={"sct.run": "0a1b2c3d", "sct.lease": "leased"})
    scene.put(f"{ROLES}/applied", labels={"sct.lease.leased": "held"})
    scene.put(f"{ROLES}/owned", ownerReferences=[{"kind": "ClusterRole"}])
    scene.put("/api/v1/nodes/new-node")
    scene.end("k.py::one")
    assert scene.leaks() == [
        ("namespace", "lone", "k.py::one", "removed"),
        ("clusterrole", "lone-role", "k.py::one", "removed"),
    ]
    assert f"{NAMESPACES}/lone" not in scene.cluster.objects
    assert f"{ROLES}/applied" in scene.cluster.objects


def test_tests_side_by_side_are_named_once_both_are_over(scene):
    scene.begin("k.py::one")
    scene.begin("k.py::two", worker="gw1")
    scene.put(f"{NAMESPACES}/lone")
    scene.put(f"{NAMESPACES}/removed-in-time")
    scene.end("k.py::one")
    assert scene.leaks() == []
    del scene.cluster.objects[f"{NAMESPACES}/removed-in-time"]
    scene.end("k.py::two", worker="gw1")
    assert scene.leaks() == [("namespace", "lone", ["k.py::one", "k.py::two"], "removed")]


def test_a_cluster_of_the_users_is_only_looked_at(tmp_path):
    scene = Scene(tmp_path, is_ours=False)
    scene.begin("k.py::one")
    scene.put(f"{NAMESPACES}/theirs")
    scene.end("k.py::one")
    scene.watch.close()
    assert scene.leaks() == [("namespace", "theirs", "k.py::one", "left")]
    assert f"{NAMESPACES}/theirs" in scene.cluster.objects
    scene.cluster.close()
    scene.journal.close()
