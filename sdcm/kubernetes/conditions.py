"""Whether a Kubernetes object is what a test waits for, and whether it can still become so."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

#: What `wait` awaits: the name of a condition, a phase, `path.to.field=value`, `deleted`, or a function of
#: the object.
Condition = str | Callable[[Mapping[str, Any]], Any]

#: The object is to be gone.
DELETED = "deleted"
_ROLLED_OUT = frozenset({"Ready", "Available"})
#: Reasons for which a container waits and that no waiting mends.
_HOPELESS = frozenset({"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "CreateContainerError",
                       "RunContainerError"})  # fmt: skip
_TOLD_OF_STATE = ("reason", "exitCode", "message")
_TEMPLATE_HASHES = ("pod-template-hash", "controller-revision-hash")


def is_met(item: Mapping[str, Any] | None, condition: Condition) -> bool:
    """Whether an object (None: there is none) is as awaited."""
    if item is None or condition == DELETED:
        return item is None and condition == DELETED
    if callable(condition):
        return bool(condition(item))
    if "=" in condition:
        path, _, wanted = condition.partition("=")
        return _text(field(item, path)) == wanted
    if condition in _ROLLED_OUT and item.get("kind") in _ROLLOUTS:
        return _ROLLOUTS[item["kind"]](item)
    status = item.get("status") or {}
    told = {each.get("type"): each.get("status") for each in status.get("conditions") or []}
    return bool(told[condition] == "True" if condition in told else status.get("phase") == condition)


def field(item: Any, path: str) -> Any:
    """Return the value at a dotted path (`status.conditions.0.type`), None when there is none."""
    for step in path.strip(".").split("."):
        if isinstance(item, Mapping):
            item = item.get(step)
        elif isinstance(item, list) and step.isdigit() and int(step) < len(item):
            item = item[int(step)]
        else:
            return None
    return item


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _replicas_ready(item: Mapping[str, Any]) -> bool:
    status, wanted = item.get("status") or {}, item["spec"].get("replicas", 1)
    current = status.get("observedGeneration", 0) >= item["metadata"].get("generation", 0)
    # a StatefulSet that is not updated in place has no updatedReplicas when it has no replicas
    return bool(
        current and status.get("readyReplicas", 0) == wanted and status.get("updatedReplicas", wanted or 0) >= wanted
    )


def _daemons_ready(item: Mapping[str, Any]) -> bool:
    status = item.get("status") or {}
    wanted = status.get("desiredNumberScheduled", 0)
    return bool(wanted and status.get("numberReady", 0) >= wanted)


_ROLLOUTS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "Deployment": _replicas_ready,
    "StatefulSet": _replicas_ready,
    "ReplicaSet": _replicas_ready,
    "DaemonSet": _daemons_ready,
}


def selector_of(item: Mapping[str, Any]) -> str:
    """Return the label selector of the pods that an object stands for; empty when it stands for none."""
    spec = item.get("spec") or {}
    chosen = spec.get("selector") or {}
    wanted = chosen.get("matchLabels", {}) if item.get("kind") != "Service" else chosen
    return ",".join(f"{key}={value}" for key, value in wanted.items()) if isinstance(wanted, Mapping) else ""


def newest(pods: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the pods made of the newest template: those of an earlier one are on their way out."""
    live = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    if not live:
        return []

    def template(pod: Mapping[str, Any]) -> str:
        found = pod["metadata"].get("labels") or {}
        return next((found[key] for key in _TEMPLATE_HASHES if key in found), "")

    last = template(max(live, key=lambda pod: str(pod["metadata"].get("creationTimestamp", ""))))
    return [pod for pod in live if template(pod) == last]


def hopeless(
    item: Mapping[str, Any] | None, pods: Iterable[Mapping[str, Any]], condition: Condition, crash_limit: int
) -> str:
    """Return why an object can't become what is awaited, empty when it can.

    Args:
        item: The object.
        pods: Pods that it stands for.
        condition: What is awaited.
        crash_limit: Restarts after which a container that crashes again has failed for good.
    """
    if condition == DELETED:
        return ""
    if item is not None and item.get("kind") == "Job" and condition != "Failed":
        for each in (item.get("status") or {}).get("conditions") or []:
            if each.get("type") == "Failed" and each.get("status") == "True":
                return f"the job failed: {each.get('reason', '')} {each.get('message', '')}".strip()
    # a job starts new pods for failed ones by itself, and says when it gives up
    by_job = item is not None and item.get("kind") == "Job"
    for pod in newest(pods):
        reason = _pod_hopeless(pod, condition, crash_limit, phases=not by_job)
        if reason:
            return f"pod {pod['metadata']['name']}: {reason}"
    return ""


def _pod_hopeless(pod: Mapping[str, Any], condition: Condition, crash_limit: int, *, phases: bool) -> str:
    status = pod.get("status") or {}
    for container in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason, restarts = waiting.get("reason", ""), container.get("restartCount", 0)
        if reason in _HOPELESS:
            return f"container {container['name']}: {reason}: {waiting.get('message', '')}".rstrip(": ")
        if reason == "CrashLoopBackOff" and restarts >= crash_limit:
            last = (container.get("lastState") or {}).get("terminated") or {}
            return f"container {container['name']} crashed {restarts} times, last with status {last.get('exitCode')}"
    if phases and status.get("phase") == "Failed" and condition not in ("Failed", "status.phase=Failed"):
        return f"it failed: {status.get('reason', '')} {status.get('message', '')}".strip(": ")
    finished = status.get("phase") == "Succeeded" and condition == "Ready"
    return "it ended, so it never becomes ready" if phases and finished else ""


def describe_pod(pod: Mapping[str, Any]) -> str:
    """Return a pod's state in one line."""
    status = pod.get("status") or {}
    parts = [f"pod {pod['metadata']['name']}: {status.get('phase', 'unknown')}"]
    for container in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        states: Mapping[str, Mapping[str, Any]] = container.get("state") or {"unknown": {}}
        kind, state = next(iter(states.items()))
        told = " ".join(str(state[key]) for key in _TOLD_OF_STATE if state.get(key) not in (None, ""))
        ready = "ready" if container.get("ready") else "not ready"
        parts.append(f"{container['name']} {kind} {told} ({ready}, {container.get('restartCount', 0)} restarts)")
    parts += [
        f"not scheduled: {each.get('message', '')}"
        for each in status.get("conditions") or []
        if each.get("type") == "PodScheduled" and each.get("status") == "False"
    ]
    return "; ".join(" ".join(part.split()) for part in parts)
