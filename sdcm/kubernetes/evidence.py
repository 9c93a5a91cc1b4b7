"""What a report says of a namespace when something in it went wrong: pods, events, logs."""

from collections.abc import Iterable, Mapping
from typing import Any

from sdcm.errors import SctError
from sdcm.kubernetes.api import Api
from sdcm.kubernetes.conditions import describe_pod, is_met

_EVENTS = 25


def gather(api: Api, namespace: str, pods: Iterable[Mapping[str, Any]], lines: int) -> str:
    """Return the state of pods, the namespace's events, and the end of logs: of the pods that are not ready, if any.

    Args:
        api: The cluster.
        namespace: The namespace.
        pods: Pods to tell of.
        lines: How many lines of each container's log.
    """
    chosen = list(pods)
    parts = ["\n".join(describe_pod(pod) for pod in chosen) or "no pods"]
    if told := events(api, namespace)[-_EVENTS:]:
        parts.append("events:\n" + "\n".join(told))
    unwell = [pod for pod in chosen if not is_met(pod, "Ready")]
    for pod in unwell or chosen:
        parts += _logs(api, namespace, pod, lines)
    return "\n\n".join(parts)


def events(api: Api, namespace: str) -> list[str]:
    """Return a namespace's events, a line each, the latest last; or why they cannot be read."""
    try:
        found = api.items(f"/api/v1/namespaces/{namespace}/events")
    except SctError as exc:
        return [f"(they cannot be read: {exc})"]

    def when(event: Mapping[str, Any]) -> str:
        return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp"))

    def line(event: Mapping[str, Any]) -> str:
        about = event["involvedObject"]
        times = f" (x{event['count']})" if (event.get("count") or 1) > 1 else ""
        told = " ".join(str(event.get("message", "")).split())
        what = f"{about['kind'].lower()}/{about['name']}"
        return f"{when(event)} {event.get('type')} {what} {event.get('reason')}{times}: {told}"

    return [line(event) for event in sorted(found, key=when)]


def _logs(api: Api, namespace: str, pod: Mapping[str, Any], lines: int) -> list[str]:
    parts = []
    status = pod.get("status") or {}
    for container in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        # one that runs again said in its log before why it had ended; of one that waits that log is the last
        restarted = bool(container.get("restartCount")) and "running" in (container.get("state") or {})
        previous = restarted and not container.get("ready")
        text = log_tail(api, namespace, pod["metadata"]["name"], container["name"], lines, previous=previous)
        if text:
            which = "the previous log" if previous else "the log"
            parts.append(f"end of {which} of {pod['metadata']['name']}/{container['name']}:\n{text}")
    return parts


def log_tail(api: Api, namespace: str, pod: str, container: str, lines: int, *, previous: bool = False) -> str:
    """Return the last lines of a container's log, or why there is none."""
    query = {"container": container, "tailLines": str(lines), "previous": "true" if previous else "false"}
    try:
        return api.text("GET", f"/api/v1/namespaces/{namespace}/pods/{pod}/log", query=query).rstrip()
    except SctError as exc:
        return f"(no log: {exc})"
