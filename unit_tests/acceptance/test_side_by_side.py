"""Four runs at once on one machine, two of them killed, beside things of the user's own.

External services: Docker (four database nodes)
"""

import contextlib
import os
import signal
from contextlib import closing

import psutil
import pytest

from sdcm.wait import wait_for
from unit_tests.acceptance.test_runs_on_an_engine import GONE_WITHIN, left_of
from unit_tests.lib.lazily import lazily

docker = lazily("docker")

pytestmark = pytest.mark.integration

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
KUBECONFIG = "apiVersion: v1\nkind: Config\ncurrent-context: production\n"


@pytest.fixture
def engine():
    with closing(docker.from_env()) as client:
        yield client


@pytest.fixture
def theirs(engine, catalogue_image):
    """A container, a volume, a network, and what a Kind cluster named `kind` consists of: all of the user's own."""
    image, name = catalogue_image("cassandra"), f"theirs-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        networks = [engine.networks.create(name)]
        stack.callback(networks[0].remove)
        if not engine.networks.list(names=["^kind$"]):
            networks.append(engine.networks.create("kind"))
            stack.callback(networks[1].remove)
        volume = engine.volumes.create(name)
        stack.callback(volume.remove)
        containers = []
        for number, labels in enumerate(({}, {"io.x-k8s.kind.cluster": "kind"})):
            made = engine.containers.create(
                image, name=f"{name}-{number}", entrypoint=["sleep", "600"], labels=labels, volumes=[f"{name}:/data"]
            )
            stack.callback(made.remove, force=True)
            made.start()
            containers.append(made)
        yield [*containers, *networks, volume]


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


def test_two_of_four_runs_are_killed_and_the_others_pass(project, engine, theirs, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / ".kube").mkdir()
    (home / ".kube" / "config").write_text(KUBECONFIG)
    project.environ |= {"HOME": str(home), "DOCKER_HOST": os.environ["DOCKER_HOST"]}
    children, runs = {}, {}
    for name in "abcd":
        project.write(f"unit_tests/integration/test_{name}.py", HOLDING.replace("{name}", name))
        children[name] = project.start("integration-tests", "-t", f"integration/test_{name}.py", "-n", "1")
    try:
        for name in children:
            holding = project.root / f"holding-{name}"
            wait_for(holding.exists, step=0.2, timeout=180, text=f"run {name} holds its node")
            runs[name] = holding.read_text()

        children["a"].kill()
        children["b"].send_signal(signal.SIGSTOP)  # it cannot say anything to its broker, which dies with it
        kill_all_of(project, runs["b"])
        children["b"].kill()
        wait_for(lambda: not left_of(engine, runs["a"]), step=0.2, timeout=GONE_WITHIN, text="run a is gone")
        assert left_of(engine, runs["b"]), "nobody was left to clean up"

        dry = project.sct("clean", "--dry-run")
        assert runs["b"] in dry.out
        assert not any(runs[name] in dry.out for name in "acd"), dry.out
        assert project.sct("clean").code == 0
        assert left_of(engine, runs["b"]) == []
        for name in "cd":
            assert f"sct-{runs[name]}-scylla-1" in left_of(engine, runs[name])

        (project.root / "go").touch()
        for name in "cd":
            out, err = children[name].communicate(timeout=300)
            assert children[name].returncode == 0, out + err
        wait_for(project.nothing_left, step=0.2, timeout=GONE_WITHIN, text="nothing of any run is left")
        assert not any(left_of(engine, run) for run in runs.values())
    finally:
        for child in children.values():
            child.kill()
            child.communicate()
    for thing in theirs:
        try:
            thing.reload()
        except docker.errors.NotFound:
            pytest.fail(f"{thing} of the user's is gone")
    assert [thing.status for thing in theirs[:2]] == ["running", "running"]
    assert (home / ".kube" / "config").read_text() == KUBECONFIG
    assert [path.name for path in (home / ".kube").iterdir()] == ["config"]
