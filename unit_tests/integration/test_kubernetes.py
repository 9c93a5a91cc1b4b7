"""What a test can rely on in its namespace of a Kubernetes cluster.

External services: Kubernetes (local Kind cluster)
"""

import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from sdcm import journal
from sdcm.broker.cluster_leaks import ClusterWatch
from sdcm.broker.spans import Spans
from sdcm.journal import Journal
from sdcm.kubernetes.api import Api
from sdcm.kubernetes.namespace import WorkloadFailed
from sdcm.ownership.docker_endpoint import Endpoint
from unit_tests.lib.lazily import lazily

cql = lazily("sdcm.containers.cql")
end_points = lazily("sdcm.containers.end_points")

MANIFESTS = Path(__file__).parent / "manifests"
WIDGET = """\
apiVersion: sct.example.com/v1
kind: Widget
metadata: {name: first}
spec: {size: 3}
"""


@pytest.mark.integration
def test_a_pod_finds_a_service_by_name(k8s_cluster):
    """A pod resolves a Service by DNS and reaches the pods behind it.

    External services: Kubernetes (local Kind cluster)
    """
    k8s_cluster.apply(MANIFESTS / "web.yaml", {"IMAGE": k8s_cluster.load_image("cassandra")})
    service = k8s_cluster.get("service/web")
    k8s_cluster.wait("pod/client", "Succeeded", timeout=300)
    address, greeting = k8s_cluster.logs("client").split("\n", 1)
    assert address == f"address {service['spec']['clusterIP']}"
    assert greeting.strip() == "hello from web"


@pytest.mark.integration
@pytest.mark.parametrize("owner", [pytest.param("one", id="one"), pytest.param("other", id="other")])
def test_namespaces_keep_tests_apart(k8s_cluster, owner):
    """Two tests use the same names at the same time, each in its namespace, and share what lies outside.

    External services: Kubernetes (local Kind cluster)
    """
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "sct-test-reader"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    }
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"owner": owner}}
    k8s_cluster.apply([role, settings])
    maps = k8s_cluster.kubectl("get", "configmaps", "--selector=sct.lease", "-o", "jsonpath={.items[*].data.owner}")
    assert maps.stdout == owner
    assert k8s_cluster.get("clusterrole/sct-test-reader")["metadata"]["labels"][f"sct.lease.{k8s_cluster.name}"]


@pytest.mark.integration
def test_a_pod_without_an_image_fails_at_once(k8s_cluster):
    """A wait ends long before its time when a pod can't become ready, and tells why.

    External services: Kubernetes (local Kind cluster)
    """
    container = {"name": "main", "image": "sct.invalid/no-such-image:1", "imagePullPolicy": "Never"}
    k8s_cluster.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "lost"}, "spec": {"containers": [container]}}
    )
    with pytest.raises(WorkloadFailed, match="ErrImageNeverPull") as caught:
        k8s_cluster.wait("pod/lost", "Ready", timeout=600)
    assert "pod lost: Pending" in caught.value.evidence


@pytest.mark.integration
def test_cassandra_answers_through_a_port_forward(k8s_cluster):
    """A Cassandra StatefulSet gets its volume, answers CQL to the test, and keeps its rows when its pod is replaced.

    External services: Kubernetes (local Kind cluster)
    """
    k8s_cluster.apply(MANIFESTS / "cassandra.yaml", {"IMAGE": k8s_cluster.load_image("cassandra")})
    k8s_cluster.wait("statefulset/cassandra", "Ready", timeout=180)
    assert k8s_cluster.get("pvc/data-cassandra-0")["status"]["phase"] == "Bound"
    with k8s_cluster.port_forward("pod/cassandra-0", 9042) as address:
        session = _session(k8s_cluster, address)
        session.execute("CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        session.execute("CREATE TABLE shop.orders (id int PRIMARY KEY, item text)")
        session.execute("INSERT INTO shop.orders (id, item) VALUES (1, 'kettle')")
        session.cluster.shutdown()
    earlier = k8s_cluster.get("pod/cassandra-0")["metadata"]["uid"]
    k8s_cluster.kubectl("delete", "pod", "cassandra-0", timeout=300)
    k8s_cluster.wait("pod/cassandra-0", lambda pod: pod["metadata"]["uid"] != earlier, timeout=300)
    k8s_cluster.wait("pod/cassandra-0", "Ready", timeout=180)
    with k8s_cluster.port_forward("service/cassandra", 9042) as address:
        session = _session(k8s_cluster, address)
        assert session.execute("SELECT item FROM shop.orders WHERE id = 1").one().item == "kettle"
        session.cluster.shutdown()


def _session(namespace, address):
    # the driver hears the pod's own address from the node, which only the cluster reaches
    pod = namespace.get("pod/cassandra-0")["status"]["podIP"]
    return cql.open_session(
        [pod], end_points.PublishedPlaces({pod: address}), flavour="cassandra", login=("cassandra", "cassandra")
    )


@pytest.mark.integration
@pytest.mark.parametrize("turn", [pytest.param(1, id="first"), pytest.param(2, id="second")])
def test_an_operator_keeps_its_objects(k8s_cluster, turn):
    """An operator with a kind of object of its own is deployed, acts, and cleans up; a second time as the first.

    External services: Kubernetes (local Kind cluster)
    """
    k8s_cluster.apply(MANIFESTS / "operator.yaml", {"IMAGE": k8s_cluster.load_image("cassandra")})
    k8s_cluster.apply(WIDGET)
    k8s_cluster.wait("deployment/operator", "Available", timeout=300)
    widget = k8s_cluster.wait("widget/first", "status.phase=Ready", timeout=300)
    assert widget["status"]["parts"] == 3
    assert sorted(k8s_cluster.get("configmap/first-parts")["data"]) == ["part-0", "part-1", "part-2"]
    k8s_cluster.kubectl("delete", "widget", "first", timeout=300)
    assert k8s_cluster.get("configmap/first-parts") is None
    # this one is left to the namespace's removal: its finalizer waits for the operator
    k8s_cluster.apply(WIDGET.replace("first", f"left-{turn}"))
    k8s_cluster.wait(f"widget/left-{turn}", "status.phase=Ready", timeout=300)


@pytest.mark.integration
def test_what_a_test_leaves_in_the_cluster_is_named_and_removed(k8s_cluster, tmp_path):
    """A namespace and a cluster role made by hand are told from what `apply` made; the API listens on the loopback.

    External services: Kubernetes (local Kind cluster)
    """
    spans, written = Spans(), Journal(tmp_path / journal.FILE_NAME)
    watch = ClusterWatch(spans, written, lambda: k8s_cluster.cluster, is_ours=True)
    lone = f"lone-{k8s_cluster.name}"
    watch.begin(spans.open("gw0", {"span": "1", "label": "k.py::one", "at": time.time(), "services": ["kubernetes"]}))
    k8s_cluster.apply(f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: held-{k8s_cluster.name}}}\n")
    k8s_cluster.kubectl("create", "namespace", lone)
    k8s_cluster.kubectl("create", "clusterrole", lone, "--verb=get", "--resource=pods")
    watch.end(spans.end("gw0", "1", time.time()))
    mine = [record for record in journal.read(written.path) if record["name"] == lone]
    assert {(leak["kind"], leak["test"], leak["state"]) for leak in mine} == {
        ("namespace", "k.py::one", "removed"),
        ("clusterrole", "k.py::one", "removed"),
    }
    assert not [record for record in journal.read(written.path) if record["name"].startswith(("held-", "sct-"))]
    assert k8s_cluster.get(f"clusterrole/{lone}") is None
    written.close()

    server = urlsplit(Api.of(k8s_cluster.kubeconfig).access.server)
    if Endpoint(os.environ.get("DOCKER_HOST", "")).publish_host == "127.0.0.1":
        open_to = {each.laddr.ip for each in psutil.net_connections("tcp") if each.laddr.port == server.port}
        assert open_to == {"127.0.0.1"}
