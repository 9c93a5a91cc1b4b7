"""Where a run's Job stands: asked before it is made, and cleared without a trace in what is not ours."""

import pytest

from sdcm.errors import ServiceUnavailable
from sdcm.kubernetes import job_place
from sdcm.kubernetes.job_place import JobPlace
from sdcm.kubernetes.namespaces import make_namespace

RUN, NAME = "0a1b2c3d", "sct-0a1b2c3d"
LABELS = {"sct.run": RUN}
JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": NAME, "labels": LABELS}}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME, "labels": LABELS}}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(job_place, "_POLL", 0.01)


def place(kubeconfig, namespace=NAME):
    return JobPlace(str(kubeconfig), "fake", namespace, NAME, "yes" if namespace == NAME else "")


@pytest.mark.parametrize("denied", ["create namespaces", "create jobs", "get pods/log", "delete pods"])
def test_a_missing_right_is_said_before_anything_is_made(cluster, kubeconfig, denied):
    cluster.denied.add(denied)
    here = place(kubeconfig)
    with pytest.raises(ServiceUnavailable, match=f"may not {denied}.*auth can-i {denied}") as told:
        job_place.require(here.api(), here)
    assert told.value.exit_code == 69
    assert cluster.objects == {}


def test_an_old_cluster_and_a_namespace_that_is_not_there_are_said(cluster, kubeconfig):
    here = place(kubeconfig, "team")
    with pytest.raises(ServiceUnavailable, match=r"--namespace team.*create namespace team"):
        job_place.require(here.api(), here)
    cluster.put("/api/v1/namespaces/team", kind="Namespace")
    job_place.require(here.api(), here)
    cluster.version = ("1", "28+")
    with pytest.raises(ServiceUnavailable, match=r"is Kubernetes 1\.28"):
        job_place.require(here.api(), here)


def made(cluster, kubeconfig, namespace):
    here = place(kubeconfig, namespace)
    api = here.api()
    if here.own:
        make_namespace(kubeconfig, namespace, LABELS)
    job_place.submit(api, here, {"configmaps": CONFIG, "batch/v1/jobs": JOB})
    cluster.put(f"/api/v1/namespaces/{namespace}/pods/{NAME}-0-x", kind="Pod", metadata={"labels": LABELS})
    api.close()
    return here


def test_a_namespace_of_its_own_goes_with_all_that_is_in_it(cluster, kubeconfig):
    here = made(cluster, kubeconfig, NAME)
    job_place.clear(JobPlace.from_facts(here.facts()), RUN, 20)
    assert cluster.objects == {}
    job_place.clear(here, RUN, 20)


def test_in_a_namespace_of_the_user_s_only_what_is_ours_goes(cluster, kubeconfig):
    cluster.put("/api/v1/namespaces/team", kind="Namespace")
    cluster.put("/api/v1/namespaces/team/pods/theirs", kind="Pod")
    before = set(cluster.objects)
    here = made(cluster, kubeconfig, "team")
    assert set(cluster.objects) > before
    job_place.clear(here, RUN, 20)
    assert set(cluster.objects) == before


def test_a_namespace_of_that_name_that_is_not_ours_stays(cluster, kubeconfig):
    cluster.put(f"/api/v1/namespaces/{NAME}", kind="Namespace")
    job_place.clear(place(kubeconfig), RUN, 20)
    assert f"/api/v1/namespaces/{NAME}" in cluster.objects


def test_a_policy_against_privileged_pods_is_said_before_the_job_is_made(cluster, kubeconfig):
    here, pod = place(kubeconfig, "team"), {"kind": "Pod", "metadata": {"name": "p"}}
    before = dict(cluster.objects)
    job_place.require_admission(here.api(), here, pod)
    cluster.policy = 'pods "p" is forbidden: User "me" cannot create resource "pods" in API group ""'
    job_place.require_admission(here.api(), here, pod)
    cluster.policy = 'pods "p" is forbidden: violates PodSecurity "baseline:latest": privileged'
    with pytest.raises(ServiceUnavailable, match=r"violates PodSecurity.*label --overwrite namespace team") as told:
        job_place.require_admission(here.api(), here, pod)
    assert told.value.exit_code == 69
    cluster.policy = 'pods "p" is forbidden: exceeded quota: full'
    with pytest.raises(ServiceUnavailable, match=r"takes no pod of this run.*exceeded quota.*another --namespace"):
        job_place.require_admission(here.api(), here, pod)
    assert cluster.objects == before


def test_what_the_cluster_refuses_is_said_in_its_words(cluster, kubeconfig):
    here = made(cluster, kubeconfig, NAME)
    with pytest.raises(ServiceUnavailable, match=f"takes no job in namespace {NAME}: the server says AlreadyExists"):
        job_place.submit(here.api(), here, {"batch/v1/jobs": JOB})
