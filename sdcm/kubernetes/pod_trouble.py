"""Why pods of a Job do not run: told from the objects alone."""

from collections.abc import Iterable, Mapping
from typing import Any

#: Reasons for which a container waits and that time does not mend.
_NO_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"})
_NO_START = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
#: What a reason about an image begins with.
_IMAGE = "image"


def why_waiting(pod: Mapping[str, Any]) -> str:
    """Return why a pod has not started and may never; empty when it has, or is just about to."""
    status = pod.get("status") or {}
    if status.get("phase") not in {"Pending", None}:
        return ""
    for container in status.get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason, message = str(waiting.get("reason", "")), str(waiting.get("message", ""))
        if reason in _NO_IMAGE:
            return f"{_IMAGE} {container.get('image', '?')} cannot be had in the cluster: {message or reason}"
        if reason in _NO_START:
            return f"its container cannot be started: {message or reason}"
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"no node has room for it: {condition.get('message') or condition.get('reason')}"
    return ""


def why_ended(pod: Mapping[str, Any]) -> str:
    """Return how a pod ended, in a few words; empty while it has not."""
    status = pod.get("status") or {}
    if status.get("phase") not in {"Succeeded", "Failed"}:
        return "deleted" if pod["metadata"].get("deletionTimestamp") else ""
    if status.get("reason"):
        return f"{status['reason']}: {status.get('message', '')}".rstrip(": ")
    for container in status.get("containerStatuses") or []:
        ended = (container.get("state") or {}).get("terminated") or {}
        if ended:
            return f"{ended.get('reason', 'ended')} with exit code {ended.get('exitCode')}"
    return str(status["phase"]).lower()


def mend(why: str) -> str:
    """Return what mends a reason for which no pod can start."""
    if why.startswith(f"{_IMAGE} "):
        return "have it where the cluster's nodes can pull it: --registry HOST/PATH, --load-into-kind"
    return "--cpu, --memory and --namespace say what a pod asks for, and where"


def why_none(events: Iterable[Mapping[str, Any]], job: str) -> str:
    """Return why the Job cannot make pods at all, from its namespace's events; empty when none says so."""
    for event in events:
        about = event.get("involvedObject") or {}
        if about.get("kind") == "Job" and about.get("name") == job and event.get("reason") == "FailedCreate":
            return str(event.get("message", "its pods are refused"))
    return ""
