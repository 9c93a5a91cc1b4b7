"""`integration-tests --on kubernetes` with tests that need Docker: each pod has an engine, and nodes, of its own.

External services: Kubernetes (local Kind cluster), Docker
"""

import re
from contextlib import closing
from xml.etree import ElementTree as ET

import pytest

from sdcm.kubernetes.api import MERGE_PATCH, Api
from unit_tests.lib.runs_in_pods import ONLY_NODES, RunInPods, sample_project

#: One in each of two modules, hence one for each of two shards.
TEST = '''\
"""A node."""

import pytest


@pytest.mark.integration
def test_node_{letter}(docker_scylla):
    """A real node answers.

    External services: Docker (database node)
    """
    session = docker_scylla.cql_connection()
    assert session.execute("SELECT key FROM system.local").one().key == "local"
'''
#: Seconds for a run on a busy machine that has yet to make all images.
WITHIN = 1500


@pytest.fixture
def start(k8s_cluster, tmp_path, tmp_path_factory):
    """A function that starts `integration-tests --on kubernetes` on the test's cluster."""
    tests = {f"integration/test_{letter}.py": TEST.format(letter=letter) for letter in "ab"}
    project, runs = sample_project(tmp_path / "p", ONLY_NODES, tests), []

    def begin(*arguments):
        where = ("--kubeconfig", k8s_cluster.kubeconfig, "--context", k8s_cluster.context, "--load-into-kind")
        all_of_them = (*where, "--db", "cassandra", "--memory", "2Gi", *arguments)
        runs.append(RunInPods(project, tmp_path_factory.mktemp("k"), *all_of_them, command="integration-tests"))
        return runs[-1]

    yield begin
    for run in runs:
        run.close()


@pytest.mark.integration
@pytest.mark.services("docker", "kubernetes")
@pytest.mark.timeout(WITHIN)
def test_nodes_boot_inside_the_pods_of_two_shards(k8s_cluster, start, tmp_path):
    """Each shard's node is one of its pod's own engine, from the image that came along; a namespace's policy is told.

    External services: Kubernetes (local Kind cluster), Docker
    """
    namespace, report = f"/api/v1/namespaces/{k8s_cluster.name}", tmp_path / "report"
    spread = start("--report-dir", str(report))
    with closing(Api.of(k8s_cluster.kubeconfig, k8s_cluster.context)) as api:
        strict = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}}
        api.call("PATCH", namespace, strict, content_type=MERGE_PATCH)
        refused = start("--namespace", k8s_cluster.name)
        assert refused.wait(WITHIN) == 69, refused.text
        (said,) = refused.complaints
        assert re.search(r"takes no pod of this run.*violates PodSecurity.*=privileged$", said), said
        assert api.items(f"/apis/batch/v1/namespaces/{k8s_cluster.name}/jobs") == []

        assert spread.wait(WITHIN) == 0, spread.text
        assert api.get(f"/api/v1/namespaces/sct-{spread.id}") is None
    for shard in (1, 2):
        *_, journal = sorted(spread.state.glob(f"shards/{shard}/*/journal.jsonl"))
        for words in ("private engine is up", "image cassandra loaded in"):
            assert words in journal.read_text(), spread.text
    cases = ET.parse(report / "junit.xml").getroot().findall("testsuite[@name='pytest']/testcase")
    assert sorted((case.get("name"), len(case.findall("skipped"))) for case in cases) == [
        ("test_node_a", 0),
        ("test_node_b", 0),
    ]
