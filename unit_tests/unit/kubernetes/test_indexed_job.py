"""The Job of a run's shards: what Kubernetes reads in it."""

from dataclasses import replace

import pytest

from sdcm.exit_codes import ExitCode
from sdcm.kubernetes import indexed_job, pod_trouble
from sdcm.kubernetes.indexed_job import JobSpec

SPEC = JobSpec(
    name="sct-0a1b2c3d", namespace="n", image="i:1", shards=3, labels={"sct.run": "0a1b2c3d"}, cpu="500m", memory="2Gi"
)


def test_a_shard_whose_runner_ended_by_itself_is_not_run_again():
    ignored, failed = indexed_job.job(SPEC)["spec"]["podFailurePolicy"]["rules"]
    assert ignored["onPodConditions"][0]["type"] == "DisruptionTarget"
    codes = set(failed["onExitCodes"]["values"])
    assert codes >= {ExitCode.TESTS_FAILED, ExitCode.UNAVAILABLE, ExitCode.ENVIRONMENT_FAILED, ExitCode.LEAKED}
    # Told to stop (its pod was deleted), killed, out of memory: these run again; 0 is no failure.
    assert not codes & {0, 130, 137, 143}


def test_only_a_pod_that_starts_an_engine_is_privileged():
    plain, with_engine = (
        indexed_job.job(each)["spec"]["template"]["spec"] for each in (SPEC, replace(SPEC, engine=True))
    )
    assert "securityContext" not in plain["containers"][0]
    assert [each["name"] for each in plain["volumes"]] == ["job"]
    (container,) = with_engine["containers"]
    assert container["securityContext"] == {"privileged": True}
    assert {"name": "engine", "emptyDir": {}} in with_engine["volumes"]
    (folder,) = (each["mountPath"] for each in container["volumeMounts"] if each["name"] == "engine")
    assert container["env"] == [{"name": "SCT_ENGINE_DIR", "value": folder}]
    assert indexed_job.trial_pod(replace(SPEC, engine=True))["spec"] == with_engine


@pytest.mark.parametrize(("text", "indexes"), [("", set()), ("1", {1}), ("0,2-4,7", {0, 2, 3, 4, 7})])
def test_what_a_job_has_given_up(text, indexes):
    assert indexed_job.failed_indexes({"status": {"failedIndexes": text}}) == indexes
    assert indexed_job.failed_indexes({}) == set()


def pod(phase="Pending", **status):
    return {"metadata": {"name": "p"}, "status": {"phase": phase, **status}}


def waiting(reason, message=""):
    state = {"waiting": {"reason": reason, "message": message}}
    return pod(containerStatuses=[{"name": "shard", "image": "i:1", "state": state}])


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (waiting("ContainerCreating"), ""),
        (pod("Running"), ""),
        (waiting("ErrImageNeverPull", "not here"), "image i:1 cannot be had in the cluster: not here"),
        (waiting("ImagePullBackOff"), "image i:1 cannot be had in the cluster: ImagePullBackOff"),
        (waiting("CreateContainerConfigError", "no config"), "its container cannot be started: no config"),
        (
            pod(conditions=[{"type": "PodScheduled", "status": "False", "message": "Insufficient cpu"}]),
            "no node has room for it: Insufficient cpu",
        ),
    ],
)
def test_why_a_pod_waits(item, why):
    assert pod_trouble.why_waiting(item) == why


def test_how_a_pod_ended():
    ended = {"containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]}
    assert pod_trouble.why_ended(pod("Running")) == ""
    assert pod_trouble.why_ended(pod("Failed", **ended)) == "OOMKilled with exit code 137"
    assert pod_trouble.why_ended(pod("Failed", reason="Evicted", message="disk")) == "Evicted: disk"
    gone = pod("Running")
    gone["metadata"]["deletionTimestamp"] = "now"
    assert pod_trouble.why_ended(gone) == "deleted"
