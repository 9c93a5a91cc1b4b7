"""An exception in each step of set-up and teardown in turn that needs no engine; see `test_injected_faults`.

External services: none (a Kubernetes API server and AWS in this process)
"""

from collections import Counter
from contextlib import closing

import pytest

from sdcm.wait import wait_for
from unit_tests.acceptance.test_runs_on_an_engine import GONE_WITHIN, left_of, processes, started
from unit_tests.lib import injected_faults as faults
from unit_tests.lib.cloud_endpoints import aws_endpoint
from unit_tests.lib.fake_kubernetes import FakeCluster

pytestmark = pytest.mark.integration

ELSEWHERE = '''
    import pytest

    pytestmark = pytest.mark.integration

    def test_namespace_that_is_not_made(k8s_cluster):
        """External services: Kubernetes"""

    def test_image(k8s_cluster):
        """External services: Kubernetes"""
        k8s_cluster.load_image("kafka")

    def test_bucket_that_is_not_made(s3_bucket):
        """External services: AWS"""

    def test_bucket(s3_bucket):
        """External services: AWS"""
'''


def assert_no_namespace(cluster):
    """One was asked for, and it is gone."""
    made = [record for record in cluster.requests if record == "POST /api/v1/namespaces"]
    assert made
    assert not [path for path in cluster.objects if path.startswith("/api/v1/namespaces/")]


def assert_nothing_left(project, engine=None):
    """Nothing of the project's runs is left: objects, where they had an engine, processes, runtime directories."""

    def gone():
        left = [name for run in started(project, 0) for name in left_of(engine, run)] if engine else []
        return not left and not processes(project, "") and project.nothing_left()

    wait_for(gone, step=0.2, timeout=GONE_WITHIN, text="nothing of the run is left")


def assert_named(project, ended, words):
    """The run told of its failures, as often as they are expected: on screen, or at least in its journal."""
    assert "Traceback" not in ended.err, ended.text
    (run,) = started(project)
    told = ended.text + (project.state / "runs" / run / "journal.jsonl").read_text()
    assert not {word: times for word, times in Counter(words).items() if told.count(word) < times}, told


@pytest.mark.parametrize("where", faults.IN_EVERY_RUN)
def test_a_defect_in_what_every_run_does(project, broken, where):
    ended = broken(where, command="unit-tests")
    assert_nothing_left(project)
    assert ended.code == 70, ended.text
    assert faults.defect_in(where) in ended.text


def test_exceptions_on_the_users_cluster_and_in_a_cloud(project, broken, tmp_path_factory):
    cluster = FakeCluster()
    with closing(cluster), aws_endpoint() as environ:
        project.environ |= environ
        kubeconfig = str(cluster.kubeconfig(tmp_path_factory.mktemp("cluster")))
        ended = broken(*faults.ELSEWHERE, test=ELSEWHERE, options=("--kubeconfig", kubeconfig))
        assert_nothing_left(project)
    assert ended.code == 75, ended.text
    assert_named(project, ended, faults.ELSEWHERE.values())
    assert_no_namespace(cluster)


@pytest.fixture
def in_pods(broken, tmp_path_factory):
    """The run whose tests are to run as pods of a cluster that makes none."""
    cluster = FakeCluster()
    kubeconfig = str(cluster.kubeconfig(tmp_path_factory.mktemp("cluster")))
    options = ("--on", "kubernetes", "--image", "sct/none", "--kubeconfig", kubeconfig)
    with closing(cluster):
        yield cluster, lambda *where: broken(*where, command="unit-tests", options=options)


@pytest.mark.parametrize("where", faults.AROUND_PODS)
def test_a_defect_in_the_runner_around_pods(project, in_pods, where):
    cluster, run = in_pods
    ended = run(where)
    assert_nothing_left(project)
    assert ended.code == 70, ended.text
    assert faults.defect_in(where) in ended.text
    assert not [path for path in cluster.objects if path.startswith("/api/v1/namespaces/")]


def test_an_exception_before_anything_is_made_for_pods(project, in_pods):
    cluster, run = in_pods
    where, named = next(iter(faults.TO_PODS.items()))
    ended = run(where)
    assert_nothing_left(project)
    assert ended.code == 75, ended.text
    assert_named(project, ended, [named])
    assert not [record for record in cluster.requests if record == "POST /api/v1/namespaces"]


def test_an_exception_while_pods_are_asked_for(project, in_pods):
    cluster, run = in_pods
    where, named = list(faults.TO_PODS.items())[-1]
    ended = run(where, *faults.PODS_AWAY)
    assert_nothing_left(project)
    assert ended.code == 75, ended.text
    assert_named(project, ended, [named, *faults.PODS_AWAY.values()])
    assert_no_namespace(cluster)
