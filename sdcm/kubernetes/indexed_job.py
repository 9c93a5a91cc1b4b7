"""The Indexed Job whose pods are the shards of a run: pure data.

What a Job makes of its pods' ends (https://kubernetes.io/docs/tasks/job/pod-failure-policy/): a shard whose runner came
to an end of its own has said all there is to say, so no pod runs it again, whatever its exit code. A pod that was
evicted, preempted or lost with its node is run again and not counted; one that was deleted or killed is run again,
`AGAIN` times at most.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sdcm.exit_codes import ExitCode

#: The one container of a shard's pod.
CONTAINER = "shard"
#: Folder in a pod with the files of the ConfigMap.
JOB_FOLDER = "/sct/job"
#: Folder in a pod in which its engine keeps images and containers.
ENGINE_FOLDER = "/sct/engine"
#: Label and annotation that Kubernetes gives the pods of a Job.
JOB_LABEL = "batch.kubernetes.io/job-name"
INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index"
#: The oldest Kubernetes whose Jobs have a limit of failures for each index (a beta on by default).
OLDEST = (1, 29)
#: How often the shard of a pod that was deleted or killed is run again.
AGAIN = 2
#: Seconds that the Job may take in all, and that it stays when it is over and nobody has removed it.
_DEADLINE = 4 * 3600
_TIME_TO_LIVE = 600
_GRACE = 30


@dataclass(frozen=True)
class JobSpec:
    """What is to run.

    Attributes:
        name: Name of the Job and of its ConfigMap.
        namespace: Where.
        image: Reference of the image, as the cluster's nodes know it.
        shards: How many pods.
        labels: Labels of everything that is made.
        cpu: Processors that a pod is given, as Kubernetes writes them.
        memory: Memory likewise.
        limit_cpu: A pod may use no more than `cpu`.
        pull: Whether nodes may pull the image; else it is there.
        account: Service account of the pods; empty: the namespace's default.
        secret: Name of the secret with the registry's login; empty where it needs none.
        files: Content of the ConfigMap: name -> base64.
        engine: The pods start a Docker engine: they are privileged, and have a volume for its images.
    """

    name: str
    namespace: str
    image: str
    shards: int
    labels: Mapping[str, str]
    cpu: str
    memory: str
    limit_cpu: bool = False
    pull: bool = True
    account: str = ""
    secret: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    engine: bool = False


def config_map(spec: JobSpec) -> dict[str, Any]:
    """Return the ConfigMap with the files that the pods read."""
    metadata = {"name": spec.name, "labels": dict(spec.labels)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "binaryData": dict(spec.files)}


def trial_pod(spec: JobSpec) -> dict[str, Any]:
    """Return a pod as the Job makes them, to ask whether one is let in."""
    metadata = {"name": f"{spec.name}-trial", "labels": dict(spec.labels)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": _pod(spec)}


def job(spec: JobSpec) -> dict[str, Any]:
    """Return the Job."""
    ended = sorted(code for code in ExitCode if code not in {ExitCode.OK, ExitCode.INTERRUPTED})
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": spec.name, "labels": dict(spec.labels)},
        "spec": {
            "completionMode": "Indexed",
            "completions": spec.shards,
            "parallelism": spec.shards,
            "backoffLimitPerIndex": AGAIN,
            "activeDeadlineSeconds": _DEADLINE,
            "ttlSecondsAfterFinished": _TIME_TO_LIVE,
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    {
                        "action": "FailIndex",
                        "onExitCodes": {
                            "containerName": CONTAINER,
                            "operator": "In",
                            "values": [int(code) for code in ended],
                        },
                    },
                ]
            },
            "template": {"metadata": {"labels": dict(spec.labels)}, "spec": _pod(spec)},
        },
    }


def _pod(spec: JobSpec) -> dict[str, Any]:
    volumes: list[dict[str, Any]] = [{"name": "job", "configMap": {"name": spec.name}}]
    mounts = [{"name": "job", "mountPath": JOB_FOLDER}]
    limits = {"memory": spec.memory} | ({"cpu": spec.cpu} if spec.limit_cpu else {})
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": spec.image,
        "imagePullPolicy": "IfNotPresent" if spec.pull else "Never",
        "resources": {"requests": {"cpu": spec.cpu, "memory": spec.memory}, "limits": limits},
        "volumeMounts": mounts,
    }
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": _GRACE,
        "containers": [container],
        "volumes": volumes,
    }
    if spec.engine:
        # Containers on a container's own root would be an overlay on an overlay, which the kernel refuses.
        volumes.append({"name": "engine", "emptyDir": {}})
        mounts.append({"name": "engine", "mountPath": ENGINE_FOLDER})
        container["env"] = [{"name": "SCT_ENGINE_DIR", "value": ENGINE_FOLDER}]
        container["securityContext"] = {"privileged": True}
    if spec.account:
        pod["serviceAccountName"] = spec.account
    if spec.secret:
        pod["imagePullSecrets"] = [{"name": spec.secret}]
    return pod


def index_of(pod: Mapping[str, Any]) -> int:
    """Return the completion index of a Job's pod, from 0."""
    return int(pod["metadata"]["annotations"][INDEX_ANNOTATION])


def failed_indexes(job_object: Mapping[str, Any]) -> set[int]:
    """Return the indexes that the Job has given up: `status.failedIndexes`, for example `1,3-5`."""
    found: set[int] = set()
    for part in filter(None, str((job_object.get("status") or {}).get("failedIndexes") or "").split(",")):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def finished(job_object: Mapping[str, Any]) -> str:
    """Return why a Job has nothing more to do, in its own words; empty while it has."""
    for each in (job_object.get("status") or {}).get("conditions") or []:
        if each.get("type") in {"Complete", "Failed"} and each.get("status") == "True":
            return str(each.get("message") or each.get("reason") or each["type"])
    return ""
