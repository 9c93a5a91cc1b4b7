"""An exception in each step of set-up and teardown in turn: nothing is left, and the run says which step it was.

What breaks where is in `unit_tests.lib.injected_faults`; a guard holds it against the steps that the source has. What
ends a run has a run of its own, all else goes together: a run may be told of as many failures as it has.

External services: Docker (engine, network; a database node)
"""

import os
from contextlib import closing

import pytest

from unit_tests.acceptance.test_injected_faults_without_services import assert_named, assert_nothing_left
from unit_tests.acceptance.test_runs_on_an_engine import started
from unit_tests.lib import injected_faults as faults
from unit_tests.lib.lazily import lazily

docker = lazily("docker")

pytestmark = pytest.mark.integration

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
#: In the order of what breaks; the last of each kind comes through.
ON_THE_WAY = '''
    import pytest

    from sdcm.containers.service import ContainerRequest
    from sdcm.pytest_plugin.container_leases import container_for

    pytestmark = [pytest.mark.integration, pytest.mark.services("docker")]

    @pytest.fixture
    def container(request):
        wanted = ContainerRequest("idle", "IMAGE", entrypoint=("sleep", "600"), memory_mb=64)
        with container_for(request, wanted) as started:
            yield started

    def test_services_are_not_told_of():
        """External services: Docker"""

    def test_no_node(docker_scylla):
        """External services: Docker"""

    def test_node_that_is_not_made(docker_scylla):
        """External services: Docker"""

    def test_node_that_is_not_awaited(docker_scylla):
        """External services: Docker"""

    def test_container_that_is_not_made(container):
        """External services: Docker"""

    def test_container_that_is_made_and_not_granted(container):
        """External services: Docker"""

    def test_container_that_is_not_given_back(container):
        """External services: Docker"""

    def test_container(container):
        """External services: Docker"""

    def test_image(catalogue_image):
        """External services: Docker"""
        catalogue_image("cassandra")

    def test_kafka(kafka_cluster):
        """External services: Docker (Kafka)"""

    def test_alternator(alternator_api):
        """External services: Docker"""

    @pytest.mark.services("kubernetes")
    def test_namespace(k8s_cluster):
        """External services: Docker, Kubernetes"""
'''
STEPS = '''
    import pytest

    pytestmark = pytest.mark.integration

    def test_node(docker_scylla):
        """External services: Docker"""

    def test_kafka(kafka_cluster):
        """External services: Docker (Kafka)"""

    def test_namespace(k8s_cluster):
        """External services: Kubernetes"""
'''
NAMESPACE = '''
    import pytest

    @pytest.mark.integration
    def test_namespace(k8s_cluster):
        """External services: Kubernetes"""
'''
LOADING = '''
    import os
    import pathlib
    import time

    import pytest

    @pytest.mark.integration
    def test_load(k8s_cluster):
        """External services: Kubernetes"""
        k8s_cluster.load_image("cassandra")

    @pytest.mark.integration
    @pytest.mark.services("docker")
    def test_outlasts_the_cluster():
        """External services: Docker"""
        end = time.monotonic() + 400
        while '"step":"cluster removal","status":' not in pathlib.Path(os.environ["SCT_JOURNAL"]).read_text():
            assert time.monotonic() < end
            time.sleep(0.3)
'''

#: What an image of the sample project is made of, for pods.
PROJECT = """
    [project]
    name = "sample"
    version = "1"
    [build-system]
    requires = ["setuptools>=80"]
    build-backend = "setuptools.build_meta"
    [tool.setuptools]
    packages = []
"""


@pytest.fixture
def on_engine(project):
    """Let its runs use the engine of this very run, as a user's own."""
    project.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    return project


@pytest.fixture
def engine():
    """A client of that engine."""
    with closing(docker.from_env()) as client:
        yield client


@pytest.mark.services("docker")
@pytest.mark.parametrize("where", faults.IN_THE_RUNNER)
def test_a_defect_in_the_runner_around_a_plan(on_engine, engine, broken, where):
    ended = broken(where, test=ON_THE_ENGINE)
    assert_nothing_left(on_engine, engine)
    assert ended.code == 70, ended.text
    assert faults.defect_in(where) in ended.text


@pytest.mark.services("docker")
def test_a_defect_around_a_pytest_that_collects_and_goes_on(on_engine, engine, broken):
    ended = broken(*faults.IN_ONE_PYTEST, test=ON_THE_ENGINE, options=("-n", "0"))
    assert_nothing_left(on_engine, engine)
    assert ended.code == 70, ended.text
    assert faults.defect_in(faults.IN_ONE_PYTEST[-1]) in ended.text


@pytest.mark.services("docker")
@pytest.mark.parametrize("where", faults.IN_THE_BROKER)
def test_an_exception_in_the_broker(on_engine, engine, broken, where):
    ended = broken(where, test=ON_THE_ENGINE)
    assert_nothing_left(on_engine, engine)
    assert ended.code == 75, ended.text
    assert faults.IN_THE_BROKER[where] in ended.text


@pytest.mark.services("docker")
def test_each_step_of_the_end_is_taken_whatever_became_of_the_others(on_engine, engine, broken):
    ended = broken(*faults.AT_THE_END, test=ON_THE_ENGINE)
    assert_nothing_left(on_engine, engine)
    assert ended.code == 75, ended.text
    assert_named(on_engine, ended, faults.AT_THE_END.values())


@pytest.mark.services("docker")
def test_a_removal_that_fails_once_is_tried_again(on_engine, engine, broken):
    ended = broken(*faults.REMOVALS, test=ON_THE_ENGINE)
    assert_nothing_left(on_engine, engine)
    assert ended.code == 0, ended.text
    assert_named(on_engine, ended, faults.REMOVALS.values())


@pytest.mark.services("docker")
def test_exceptions_on_the_way_to_what_tests_ask_for_end_their_tests_alone(on_engine, engine, broken, catalogue_image):
    for image in ("kafka", "dynamodb-local", "base-bookworm"):
        catalogue_image(image)
    test = ON_THE_WAY.replace("IMAGE", catalogue_image("cassandra"))
    ended = broken(*faults.ON_THE_WAY, test=test, options=("--db", "cassandra"))
    assert_nothing_left(on_engine, engine)
    assert ended.code == 75, ended.text
    assert_named(on_engine, ended, faults.ON_THE_WAY.values())
    assert "1 failed, 2 passed, 10 error" in ended.text, ended.text


@pytest.mark.services("docker")
def test_exceptions_in_steps_that_a_cluster_and_nodes_stand_on(on_engine, engine, broken, catalogue_image):
    catalogue_image("base-bookworm")
    ended = broken(*faults.STEPS, test=STEPS)
    assert_nothing_left(on_engine, engine)
    assert ended.code == 75, ended.text
    assert_named(on_engine, ended, faults.STEPS.values())


@pytest.mark.services("kubernetes")
@pytest.mark.parametrize("where", faults.CLUSTER)
def test_an_exception_while_a_cluster_is_made(on_engine, engine, broken, catalogue_image, where):
    """The cluster's network and kind's own process are there by then.

    External services: Docker, Kubernetes (its network)
    """
    catalogue_image("kind-node")
    ended = broken(where, test=NAMESPACE)
    assert_nothing_left(on_engine, engine)
    assert ended.code == 75, ended.text
    assert_named(on_engine, ended, [faults.CLUSTER[where]])


@pytest.mark.services("kubernetes")
def test_exceptions_on_a_cluster(on_engine, engine, broken, catalogue_image):
    catalogue_image("kind-node")
    catalogue_image("cassandra")
    ended = broken(*faults.ON_A_CLUSTER, test=LOADING, options=("-n", "2"))
    assert_nothing_left(on_engine, engine)
    assert ended.code == 75, ended.text
    assert_named(on_engine, ended, faults.ON_A_CLUSTER.values())


@pytest.mark.services("kubernetes")
@pytest.mark.parametrize("where", faults.TO_IMAGE_OF_PODS)
def test_an_exception_on_the_way_of_an_image_for_pods(on_engine, engine, broken, k8s_cluster, catalogue_image, where):
    """The last one goes wrong when there is an image that a node may have.

    External services: Docker, Kubernetes (local Kind cluster)
    """
    catalogue_image("base-trixie")
    on_engine.write("pyproject.toml", PROJECT)
    options = ("--on", "kubernetes", "--load-into-kind")
    options += ("--kubeconfig", k8s_cluster.kubeconfig, "--context", k8s_cluster.context)
    away = faults.IMAGE_OF_PODS_AWAY if where == list(faults.TO_IMAGE_OF_PODS)[-1] else {}
    ended = broken(where, *away, command="unit-tests", options=options)
    assert_nothing_left(on_engine, engine)
    assert ended.code == 75, ended.text
    assert_named(on_engine, ended, [faults.TO_IMAGE_OF_PODS[where], *away.values()])
    (run,) = started(on_engine)
    assert not engine.images.list(f"sct/runner-project:{run}")
