"""What a namespace tells of a test: its pods, their logs, its events."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from sdcm.evidence import findings
from sdcm.evidence.findings import Finding, Held, Piece, Source, Telling
from sdcm.evidence.log_lines import shown, worst_line
from sdcm.kubernetes import evidence
from sdcm.kubernetes.api import Api
from sdcm.kubernetes.conditions import describe_pod, is_met
from sdcm.kubernetes.namespace import KubernetesNamespace

_LINES = 5_000
_PODS_AT_MOST = 30


def of_namespace(namespace: KubernetesNamespace) -> list[Source]:
    """Return whom to ask about a namespace."""
    return [Source(f"namespace {namespace.name}", lambda _end: _look(namespace))]


def _look(namespace: KubernetesNamespace) -> Iterator[Finding]:
    name = namespace.name
    # A connection of its own: the test's may be in the middle of something.
    with closing(Api.of(namespace.kubeconfig, namespace.context)) as api:
        pods = api.items(f"/api/v1/namespaces/{name}/pods")
        unwell = [pod for pod in pods if not _is_well(pod)]
        yield Held(f"namespace {name}", f"{len(pods)} pods, {len(unwell)} of them not ready", namespace.cluster.name)
        lines = "\n".join(describe_pod(pod) for pod in [*unwell, *(pod for pod in pods if pod not in unwell)])
        place = findings.ENDED if unwell else findings.WELL
        yield Piece(f"{name}.pods.txt", "state of its pods", f"{lines or 'no pods'}\n", place)
        for pod in unwell:
            yield Telling(shown(describe_pod(pod)), findings.NOT_RUNNING)
        told = evidence.events(api, name)
        yield Piece(f"{name}.events.txt", "events of the namespace", "\n".join(told) + "\n", place)
        for pod in [*unwell, *(pod for pod in pods if pod not in unwell)][:_PODS_AT_MOST]:
            yield from _logs(api, name, pod, findings.UNWELL if pod in unwell else findings.WELL)


def _is_well(pod: Mapping[str, Any]) -> bool:
    return is_met(pod, "Ready") or (pod.get("status") or {}).get("phase") == "Succeeded"


def _logs(api: Api, namespace: str, pod: Mapping[str, Any], place: int) -> Iterator[Finding]:
    status = pod.get("status") or {}
    own = pod["metadata"]["name"]
    for container in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        for previous in (True, False) if container.get("restartCount") else (False,):
            log = evidence.log_tail(api, namespace, own, container["name"], _LINES, previous=previous)
            if not log:
                continue
            which = "log before its last restart" if previous else "log"
            file = f"pod-{own}.{container['name']}{'.previous' if previous else ''}.log"
            yield Piece(file, f"{which} of {own}/{container['name']}", f"{log}\n", place)
            if worst := worst_line(log):
                yield Telling(f"{own}/{container['name']}: {worst}", findings.COMPLAINED)
