"""An exception in each step of set-up and teardown in turn: nothing is left, and the run says which step it was.

The product has no hook for this: a `sitecustomize` on the sample project's PYTHONPATH replaces functions, in whichever
process of the run loads their module, by ones that raise on their first call.

External services: Docker (engine, network; two database nodes)
"""

import os
from contextlib import closing

import pytest

from sdcm.wait import wait_for
from unit_tests.acceptance.test_runs_on_an_engine import GONE_WITHIN, PASSING, left_of, processes, started
from unit_tests.lib.lazily import lazily

docker = lazily("docker")

pytestmark = pytest.mark.integration

BREAKER = """
import importlib.abc
import importlib.util
import os
import sys

WANTED = {}
for each in filter(None, os.environ.get("BREAK", "").split(",")):
    module, _, path = each.partition(":")
    WANTED.setdefault(module, []).append(path)


def patch(module, path):
    *owners, name = path.split(".")
    owner = module
    for each in owners:
        owner = getattr(owner, each)
    original = getattr(owner, name)
    mark = os.path.join(os.environ["BREAK_MARKS"], path)

    def broken(*args, **kwargs):
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return original(*args, **kwargs)
        raise RuntimeError("injected")

    broken.__qualname__, broken.__name__ = path, name
    setattr(owner, name, broken)


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name not in WANTED:
            return None
        paths = WANTED.pop(name)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            for path in paths:
                patch(module, path)

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Finder())
"""
#: Needs the engine and the run's network, and no node: what most steps are about.
ON_THE_ENGINE = '''
    import os

    import docker
    import pytest

    @pytest.mark.integration
    @pytest.mark.services("docker")
    def test_network():
        """External services: Docker"""
        docker.from_env().networks.get(f"sct-{os.environ['SCT_RUN']}")
'''

#: Function -> the run's exit code, and what names the step.
SET_UP = {
    "sdcm.run.selection:collect": (70, "(sdcm/run/services.py)"),
    "sdcm.run.plan:make_plan": (70, "(sdcm/run/pipeline.py)"),
    "sdcm.cloud.probes:probe": (70, "(sdcm/run/plan.py)"),
    "sdcm.broker.opener:OpenBroker._start": (70, "(sdcm/broker/opener.py)"),
    "sdcm.broker.server:Server.__init__": (75, "broker failed"),
    "sdcm.run.engine_steps:EngineSteps._engine_up": (75, "step engine failed"),
    "sdcm.broker.leaks:LeakWatch.start": (75, "step engine failed"),
    "sdcm.run.engine_steps:EngineSteps._make_network": (75, "step network failed"),
    "sdcm.run.pytest_session:PytestSession.__init__": (70, "(sdcm/run/tests.py)"),
    "sdcm.run.services:adopt": (70, "(sdcm/run/tests.py)"),
}
TEARDOWN = {
    "sdcm.run.teardown:tear_down": (75, "end: tear_down failed"),
    "sdcm.ownership.removers:remove": (75, "end: tear_down failed"),
    "sdcm.run.report:finish": (70, "(sdcm/run/pipeline.py)"),
    "sdcm.run.report_files:write_all": (70, "(sdcm/run/report.py)"),
    "sdcm.reporters.junit:write_junit": (70, "(sdcm/run/report_files.py)"),
}
#: What the broker does at its end before it tears down.
END = (
    "sdcm.broker.server:Server.close",
    "sdcm.broker.gate:Gate.close",
    "sdcm.broker.leak_desk:LeakDesk.close",
    "sdcm.broker.desk:BrokerDesk.close",
    "sdcm.environment.graph:Graph.close",
    "sdcm.run.services_up:ServicesUp.let_go_of_engine",
)
#: Between asking for a lease and having it, and what is told of tests beside it; each fails in a test of its own.
LEASES = {
    "sdcm.broker.node_pool:NodePool.lease": "the broker failed on `node`",
    "sdcm.broker.containers:ContainerMaker.make": "the broker failed on `container`",
    "sdcm.broker.leases:Leases.grant": "the broker failed on `container`",
    "sdcm.broker.leak_desk:LeakDesk.take": "verdict on leaks FAILED",
}
LEASING = '''
    import pytest

    from sdcm.containers.service import ContainerRequest
    from sdcm.pytest_plugin.container_leases import container_for

    pytestmark = [pytest.mark.integration, pytest.mark.services("docker")]

    @pytest.fixture
    def container(request):
        wanted = ContainerRequest("idle", "sct/cassandra:5.0.9", entrypoint=("sleep", "600"), memory_mb=64)
        with container_for(request, wanted) as started:
            yield started

    def test_node(docker_scylla):
        """External services: Docker"""

    def test_container_that_is_not_made(container):
        """External services: Docker"""

    def test_container_that_is_made_and_not_granted(container):
        """External services: Docker"""

    def test_container(container):
        """External services: Docker"""
'''
NODE = {
    "sdcm.broker.nodes:NodeMaker._boot": (75, "the broker failed on `node`"),
    "sdcm.containers.launch:await_node": (75, "the broker failed on `node`"),
}

CLUSTER = {
    "sdcm.environment.kind:_make_network": (75, "step cluster failed"),
    "sdcm.environment.kind:_run_kind": (75, "step cluster failed"),
}
#: Needs a cluster, which none of these runs gets.
ON_A_CLUSTER = '''
    import pytest

    @pytest.mark.integration
    def test_namespace(k8s_cluster):
        """External services: Kubernetes"""
'''


@pytest.fixture
def broken(project, tmp_path_factory):
    """A sample project in which each named function raises once; returns the run's end."""
    folder = tmp_path_factory.mktemp("break")
    (folder / "sitecustomize.py").write_text(BREAKER)
    project.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]

    def run(*where, test=ON_THE_ENGINE):
        marks = folder / "marks"
        marks.mkdir()
        project.write("unit_tests/integration/test_sample.py", test)
        environ = {"BREAK": ",".join(where), "BREAK_MARKS": str(marks), "PYTHONPATH": str(folder)}
        ended = project.sct("integration-tests", "-n", "1", timeout=360, **environ)
        assert {mark.name for mark in marks.iterdir()} == {each.partition(":")[2] for each in where}, ended.text
        return ended

    return run


def assert_nothing_left(project):
    with closing(docker.from_env()) as engine:

        def gone():
            left = [name for run in started(project, 0) for name in left_of(engine, run)]
            return not left and not processes(project, "") and project.nothing_left()

        wait_for(gone, step=0.2, timeout=GONE_WITHIN, text="nothing of the run is left")


@pytest.mark.services("docker")
@pytest.mark.parametrize("where", [*SET_UP, *TEARDOWN])
def test_an_exception_in_a_step(project, broken, where):
    code, named = {**SET_UP, **TEARDOWN}[where]
    ended = broken(where)
    assert_nothing_left(project)
    assert (ended.code, named in ended.text) == (code, True), f"{named}:\n{ended.text}"


@pytest.mark.services("docker")
def test_each_step_of_the_end_is_taken_whatever_became_of_the_others(project, broken):
    ended = broken(*END)
    assert_nothing_left(project)
    assert ended.code == 75, ended.text
    for where in END:
        assert f"end: {where.partition(':')[2]} failed" in ended.text


@pytest.mark.services("docker")
def test_a_removal_that_fails_once_is_tried_again(project, broken):
    ended = broken("sdcm.ownership.docker_objects:remove")
    assert_nothing_left(project)
    assert ended.code == 0, ended.text
    (run,) = started(project)
    assert "injected" in (project.state / "runs" / run / "journal.jsonl").read_text()


@pytest.mark.services("docker")
@pytest.mark.parametrize("where", NODE)
def test_an_exception_while_a_node_is_made(project, broken, catalogue_image, where):
    catalogue_image("cassandra")
    code, named = NODE[where]
    ended = broken(where, test=PASSING)
    assert_nothing_left(project)
    assert (ended.code, named in ended.text) == (code, True), ended.text


@pytest.mark.services("docker")
def test_exceptions_on_the_way_to_leases_end_their_tests_alone(project, broken, catalogue_image):
    image = catalogue_image("cassandra")
    ended = broken(*LEASES, test=LEASING.replace("sct/cassandra:5.0.9", image))
    assert_nothing_left(project)
    assert ended.code == 75, ended.text
    for named in LEASES.values():
        assert named in ended.text, ended.text
    assert "1 passed, 3 error" in ended.text


@pytest.mark.services("kubernetes")
@pytest.mark.parametrize("where", CLUSTER)
def test_an_exception_while_a_cluster_is_made(project, broken, catalogue_image, where):
    """The cluster's network and kind's own process are there by then.

    External services: Docker, Kubernetes (its network)
    """
    catalogue_image("kind-node")
    code, named = CLUSTER[where]
    ended = broken(where, test=ON_A_CLUSTER)
    assert_nothing_left(project)
    assert (ended.code, named in ended.text) == (code, True), ended.text
