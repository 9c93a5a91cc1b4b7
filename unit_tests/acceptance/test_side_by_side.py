"""Four runs at once on one machine, two of them killed, beside things of the user's own, a Kind cluster among them.

External services: Docker (four database nodes), Kubernetes (two clusters)
"""

import contextlib
import os
import signal
from contextlib import closing

import psutil
import pytest

from sdcm import paths
from sdcm.wait import wait_for
from unit_tests.acceptance.test_runs_on_an_engine import GONE_WITHIN, left_of
from unit_tests.lib.journals import records_of
from unit_tests.lib.lazily import lazily
from unit_tests.lib.users_cluster import NAME, NODE, users_cluster

docker = lazily("docker")

pytestmark = [pytest.mark.integration, pytest.mark.services("kubernetes")]

#: Holds a node until it may go on.
HOLDING = '''
    import os
    import pathlib
    import time

    import pytest

    @pytest.mark.integration
    def test_holds(docker_scylla):
        """External services: Docker"""
        pathlib.Path("holding-{name}").write_text(os.environ["SCT_RUN"])
        while not pathlib.Path("go").exists():
            time.sleep(0.2)
        assert docker_scylla.cql_connection().execute("SELECT cluster_name FROM system.local").one()
'''
#: Holds a namespace on its run's own cluster until it may go on.
ON_ITS_OWN_CLUSTER = '''
    @pytest.mark.integration
    def test_holds_namespace(k8s_cluster):
        """External services: Kubernetes"""
        pathlib.Path("holding-cluster").touch()
        while not pathlib.Path("go-cluster").exists():
            time.sleep(0.2)
        node = f"node/sct-{os.environ['SCT_RUN']}-control-plane"
        assert k8s_cluster.kubectl("get", "nodes", "-o", "name").stdout.split() == [node]
'''


@pytest.fixture
def engine():
    with closing(docker.from_env()) as client:
        yield client


@pytest.fixture
def home(tmp_path_factory):
    """The user's home folder."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def theirs(engine, catalogue_image):
    """A container, a volume and a network of the user's own."""
    image, name = catalogue_image("cassandra"), f"theirs-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        network = engine.networks.create(name)
        stack.callback(network.remove)
        volume = engine.volumes.create(name)
        stack.callback(volume.remove)
        container = engine.containers.create(image, name=name, entrypoint=["sleep", "600"], volumes=[f"{name}:/data"])
        stack.callback(container.remove, force=True)
        container.start()
        yield [container, network, volume]


@pytest.fixture
def cluster(engine, catalogue_image, home):
    """The user's Kind cluster, with something of theirs in it."""
    with users_cluster(engine, catalogue_image("kind-node"), home) as made:
        made.ask("create", "configmap", "theirs", f"--from-literal=test={os.getpid()}")
        yield made


@pytest.fixture
def runs(project, home):
    """Starts runs that find the user's home and engine, and the kind program where it is; ends those that still are."""
    cache = str(paths.from_environment().cache)
    project.environ |= {"HOME": str(home), "DOCKER_HOST": os.environ["DOCKER_HOST"], "SCT_CACHE_DIR": cache}
    children = {}

    def start(name, test, *options):
        project.write(f"unit_tests/integration/test_{name}.py", test.replace("{name}", name))
        children[name] = project.start("integration-tests", "-t", f"integration/test_{name}.py", *options)

    yield start, children
    for child in children.values():
        child.kill()
        child.communicate()


def kill_all_of(project, run):
    """Kill every process of one run at once."""
    ours = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            environ = process.environ()
            if environ.get("SCT_STATE_DIR") == str(project.state) and run in (
                environ.get("SCT_RUN"),
                environ.get("RUN"),
            ):
                ours.append(process)
    for process in ours:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def nodes_of_cluster(engine, run):
    wanted = {"label": f"io.x-k8s.kind.cluster=sct-{run}"}
    return engine.containers.list(all=True, filters=wanted, ignore_removed=True)


def snapshot(things):
    """Return what must be the same afterwards of a user's containers, networks and volumes."""
    for thing in things:
        try:
            thing.reload()
        except docker.errors.NotFound:
            pytest.fail(f"{thing} of the user's is gone")
    states = [thing.attrs["State"]["StartedAt"] for thing in things if "State" in thing.attrs]
    return [thing.id for thing in things], states


def test_two_of_four_runs_are_killed_and_the_others_pass(project, engine, theirs, cluster, runs):
    things = [*theirs, engine.containers.get(NODE), engine.networks.get(NAME)]
    before, kubeconfig = snapshot(things), cluster.kubeconfig.read_bytes()
    start, children = runs
    for name in "abc":
        start(name, HOLDING, "-n", "1")
    start("d", HOLDING + ON_ITS_OWN_CLUSTER, "-n", "2")
    ids = {}
    for name in children:
        holding = project.root / f"holding-{name}"
        wait_for(holding.exists, step=0.2, timeout=300, text=f"run {name} holds its node")
        ids[name] = holding.read_text()
    wait_for((project.root / "holding-cluster").exists, step=0.2, timeout=300, text="run d holds its namespace")

    children["a"].kill()
    children["b"].send_signal(signal.SIGSTOP)  # it cannot say anything to its broker, which dies with it
    kill_all_of(project, ids["b"])
    children["b"].kill()
    wait_for(lambda: not left_of(engine, ids["a"]), step=0.2, timeout=GONE_WITHIN, text="run a is gone")
    assert left_of(engine, ids["b"]), "nobody was left to clean up"

    dry = project.sct("clean", "--dry-run")
    assert ids["b"] in dry.out
    assert not any(ids[name] in dry.out for name in "acd"), dry.out
    assert project.sct("clean").code == 0
    assert left_of(engine, ids["b"]) == []
    for name in "cd":
        assert f"sct-{ids[name]}-scylla-1" in left_of(engine, ids[name])
    assert nodes_of_cluster(engine, ids["d"])

    (project.root / "go-cluster").touch()
    # No other test of run d needs its cluster, which goes while one that needs none still runs.
    wait_for(lambda: not nodes_of_cluster(engine, ids["d"]), step=0.2, timeout=120, text="the cluster of run d is gone")
    (project.root / "go").touch()
    for name in "cd":
        out, err = children[name].communicate(timeout=300)
        assert children[name].returncode == 0, out + err
    wait_for(project.nothing_left, step=0.2, timeout=GONE_WITHIN, text="nothing of any run is left")
    assert not any(left_of(engine, run) for run in ids.values())
    assert_cluster_went_early(project, ids["d"])

    assert snapshot(things) == before
    assert cluster.kubeconfig.read_bytes() == kubeconfig
    assert [path.name for path in cluster.kubeconfig.parent.iterdir()] == ["config"]
    assert cluster.ask("get", "nodes", "-o", "name").split() == [f"node/{NODE}"]
    assert cluster.ask("get", "configmap", "theirs", "-o", "jsonpath={.data.test}") == str(os.getpid())
    assert "sct-" not in cluster.ask("get", "namespaces", "-o", "name")


def assert_cluster_went_early(project, run):
    """The journal tells of a cluster that was removed while tests still ran."""
    records = records_of(project.state / "runs" / run / "journal.jsonl")
    states = [
        record["state"] for record in records if record["event"] == "service" and record["service"] == "kubernetes"
    ]
    assert states == ["waiting", "ready", "dismissed"]
    removed = next(place for place, record in enumerate(records) if record.get("step") == "cluster removal")
    assert removed < next(place for place, record in enumerate(records) if record["event"] == "pytest-end")
    assert [record["reason"] for record in records if record["event"] == "removal-failed"] == []
