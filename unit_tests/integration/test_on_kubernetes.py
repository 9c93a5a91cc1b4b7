"""The two commands' `--on kubernetes`: shards of a run as the pods of a Job, on a cluster.

External services: Kubernetes (local Kind cluster), Docker
"""

from collections import Counter
from contextlib import closing
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from sdcm.kubernetes.api import Api
from sdcm.kubernetes.indexed_job import index_of
from sdcm.wait import wait_for
from unit_tests.lib.lazily import lazily
from unit_tests.lib.runs_in_pods import NO_SERVICE, RunInPods, WayToServer, sample_project, with_changes

docker = lazily("docker")

#: Seconds for a test on a busy machine that has yet to make all images.
WITHIN = 1500
#: Seconds within which nothing of a run may be left on the cluster.
GONE_WITHIN = 60.0
#: One test is long enough to lose its pod in, one does not end by itself.
TESTS = {
    "test_sums.py": "import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_sum(n):\n    assert n != 3\n",
    "test_long.py": "import time\ndef test_long():\n    time.sleep(4)\n",
    "test_endless.py": "import time\ndef test_endless():\n    time.sleep(3000)\n",
}
#: Three such pods find room beside those of a cluster of two processors.
ONE = ("--shards", "1", "--cpu", "300m")
#: What every Kind node has, and what does nothing for ever.
IDLE = ("--image", "registry.k8s.io/pause:3.10", "--cpu", "1m")
MISSING = ("--image", "registry.invalid/none:1", "--cpu", "1m")


@pytest.fixture
def api(k8s_cluster):
    """The API of the test's cluster."""
    with closing(Api.of(k8s_cluster.kubeconfig, k8s_cluster.context)) as opened:
        yield opened


@pytest.fixture
def sample(tmp_path):
    """A project that the runner is part of, with few dependencies."""
    return sample_project(tmp_path / "p", NO_SERVICE, {f"unit/{name}": text for name, text in TESTS.items()})


@pytest.fixture
def start(k8s_cluster, sample, tmp_path_factory):
    """A function that starts `unit-tests --on kubernetes` on the test's cluster."""
    runs = []

    def begin(*arguments, kubeconfig="", places=None):
        where = ("--kubeconfig", kubeconfig or k8s_cluster.kubeconfig, "--context", k8s_cluster.context)
        places = places or tmp_path_factory.mktemp("k")
        runs.append(RunInPods(sample, places, *where, "--memory", "512Mi", *arguments))
        return runs[-1]

    yield begin
    for run in runs:
        run.close()


def space(run):
    return f"/api/v1/namespaces/sct-{run.id}"


def images_in(engine, node):
    return engine.containers.get(node).exec_run(["ctr", "-n", "k8s.io", "images", "list", "-q"])[1].decode()


def complaint(run, code):
    """Return the one line that it has complained in."""
    assert run.wait() == code, run.text
    assert len(run.complaints) == 1, run.text
    return run.complaints[0]


def cases_of(report):
    return ET.parse(report / "junit.xml").getroot().findall("testsuite[@name='pytest']/testcase")


@pytest.mark.integration
@pytest.mark.services("docker", "kubernetes")
@pytest.mark.timeout(WITHIN)
def test_a_lost_pod_s_shard_runs_again_and_runs_that_are_ended_leave_nothing(k8s_cluster, api, start, tmp_path):
    """One run is killed, one interrupted, and one loses a pod: its report has each test once all the same.

    The others use the image of the one that is killed, which therefore goes last.

    External services: Kubernetes (local Kind cluster), Docker
    """
    killed = start("--load-into-kind", *ONE, "-k", "endless")
    killed.await_start_of("test_endless")
    image, node = f"sct/runner-project:{killed.id}", k8s_cluster.cluster.control_plane
    interrupted = start("--image", image, *ONE, "-k", "endless")
    interrupted.await_start_of("test_endless")
    interrupted.interrupt()
    assert interrupted.wait() == 130, interrupted.text
    assert api.get(space(interrupted)) is None

    loser = start("--image", image, "--cpu", "300m", "-k", "sum or long", "--report-dir", str(tmp_path / "report"))
    index = loser.await_start_of("test_long") - 1
    (pod,) = [pod["metadata"]["name"] for pod in api.items(f"{space(loser)}/pods") if index_of(pod) == index]
    api.delete(f"{space(loser)}/pods/{pod}")
    assert loser.wait() == 1, loser.text
    assert api.get(space(loser)) is None
    with closing(docker.from_env()) as engine:
        assert image in images_in(engine, node)
        killed.kill()
        wait_for(
            lambda: api.get(space(killed)) is None and image not in images_in(engine, node),
            step=0.5,
            timeout=GONE_WITHIN,
            text="nothing of the killed run is left on the cluster",
        )
        wait_for(lambda: not engine.images.list(image), step=0.2, timeout=GONE_WITHIN, text="its image is gone")

    cases = cases_of(tmp_path / "report")
    assert Counter(case.get("name") for case in cases) == Counter(["test_long", *(f"test_sum[{n}]" for n in range(4))])
    assert [case.get("name") for case in cases if case.find("failure") is not None] == ["test_sum[3]"]
    assert ", in its pod 2" in loser.text


@pytest.mark.integration
def test_what_a_cluster_cannot_run_is_one_line_and_leaves_nothing(k8s_cluster, api, start, tmp_path, request):
    """No rights, no room, no image, and a cluster that is gone in the middle.

    What the latter has left there goes with the next run, once the cluster is back.

    External services: Kubernetes (local Kind cluster)
    """
    own = f"/api/v1/namespaces/{k8s_cluster.name}"
    k8s_cluster.apply([
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "nobody"}},
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}},
    ])  # fmt: skip
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = api.call("POST", f"{own}/serviceaccounts/nobody/token", asked)["status"]["token"]
    nobody = with_changes(k8s_cluster.kubeconfig, tmp_path / "nobody", user={"token": token})
    server = urlsplit(api.access.server)
    way = WayToServer(server.hostname, server.port)
    request.addfinalizer(way.cut)
    through = with_changes(k8s_cluster.kubeconfig, tmp_path / "through", server=f"https://127.0.0.1:{way.port}")

    gone = start(*IDLE, kubeconfig=through)
    gone.await_text("collecting in pod")
    way.cut()
    refused = start(*IDLE, "--namespace", k8s_cluster.name, kubeconfig=nobody)
    crowded = start(*IDLE, "--namespace", k8s_cluster.name)

    assert f"may not create jobs in namespace {k8s_cluster.name}" in complaint(refused, 69)
    assert "exceeded quota: full" in complaint(crowded, 69)
    assert api.items(f"/apis/batch/v1/namespaces/{k8s_cluster.name}/jobs") == []
    assert [each["metadata"]["name"] for each in api.items(f"{own}/configmaps")] == ["kube-root-ca.crt"]
    assert gone.wait() == 75, gone.text
    assert "the cluster of context" in gone.text
    assert api.get(space(gone)) is not None
    way.mend()
    missing = start(*MISSING, places=gone.places)
    assert "image registry.invalid/none:1 cannot be had in the cluster" in complaint(missing, 69)
    assert api.get(space(missing)) is None
    wait_for(lambda: api.get(space(gone)) is None, step=0.5, timeout=GONE_WITHIN, text="the next run sweeps")
