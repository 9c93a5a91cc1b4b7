"""Whether an object is as awaited, and whether it can still become so."""

from collections.abc import Mapping
from typing import Any

import pytest

from sdcm.kubernetes.conditions import Condition, describe_pod, hopeless, is_met, newest, selector_of


def _rollout(kind: str, **status: int) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status}


def _pod(name: str = "p", labels: Mapping[str, str] | None = None, at: str = "1", **status: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": name, "labels": dict(labels or {}), "creationTimestamp": at},
            "status": status}  # fmt: skip


def _waiting(reason: str, restarts: int = 0, message: str = "") -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"name": "main", "restartCount": restarts, "state": state, "lastState": {"terminated": {"exitCode": 3}}}


@pytest.mark.parametrize(
    ("item", "condition", "met"),
    [
        pytest.param({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, "Ready", True, id="true"),
        pytest.param({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, "Ready", False, id="false"),
        pytest.param({"status": {"phase": "Bound"}}, "Bound", True, id="phase"),
        pytest.param({"status": {"phase": "Pending"}}, "Bound", False, id="other phase"),
        pytest.param({"status": {"a": [{"b": 3}]}}, "status.a.0.b=3", True, id="path"),
        pytest.param({"spec": {"paused": True}}, "spec.paused=true", True, id="boolean"),
        pytest.param({"spec": {}}, "spec.paused=true", False, id="path to nothing"),
        pytest.param({"spec": {}}, lambda item: "spec" in item, True, id="function"),
        pytest.param(None, "deleted", True, id="gone"),
        pytest.param({"spec": {}}, "deleted", False, id="not gone"),
        pytest.param(None, "Ready", False, id="not there"),
        pytest.param(
            _rollout("StatefulSet", observedGeneration=2, readyReplicas=2, updatedReplicas=2),
            "Ready",
            True,
            id="rolled out",
        ),
        pytest.param(
            _rollout("StatefulSet", observedGeneration=2, readyReplicas=2, updatedReplicas=1),
            "Ready",
            False,
            id="old pods",
        ),
        pytest.param(
            _rollout("Deployment", observedGeneration=1, readyReplicas=2, updatedReplicas=2),
            "Ready",
            False,
            id="not seen",
        ),
        pytest.param(_rollout("Deployment", observedGeneration=2), "Available", False, id="no pods yet"),
        pytest.param(
            {"kind": "DaemonSet", "status": {"desiredNumberScheduled": 1, "numberReady": 1}}, "Ready", True, id="daemon"
        ),
    ],
)
def test_is_met(item: Mapping[str, Any] | None, condition: Condition, met: bool) -> None:
    assert is_met(item, condition) is met


@pytest.mark.parametrize(
    ("pod", "reason"),
    [
        pytest.param(
            _pod(containerStatuses=[_waiting("ImagePullBackOff", message="not found")]),
            "pod p: container main: ImagePullBackOff: not found",
            id="image missing",
        ),
        pytest.param(
            _pod(initContainerStatuses=[_waiting("InvalidImageName")]),
            "pod p: container main: InvalidImageName",
            id="init container",
        ),
        pytest.param(
            _pod(containerStatuses=[_waiting("CrashLoopBackOff", 3)]),
            "pod p: container main crashed 3 times, last with status 3",
            id="crash loop",
        ),
        pytest.param(_pod(containerStatuses=[_waiting("CrashLoopBackOff", 2)]), "", id="may crash a little"),
        pytest.param(_pod(containerStatuses=[_waiting("ContainerCreating")]), "", id="starting"),
        pytest.param(_pod(phase="Failed", reason="Evicted"), "pod p: it failed: Evicted", id="failed"),
        pytest.param(_pod(phase="Succeeded"), "pod p: it ended, so it never becomes ready", id="ended"),
        pytest.param(_pod(phase="Running"), "", id="running"),
    ],
)
def test_hopeless_pods(pod: dict[str, Any], reason: str) -> None:
    assert hopeless(pod, [pod], "Ready", 3) == reason


def test_a_failed_pod_is_what_some_wait_for() -> None:
    pod = _pod(phase="Failed")
    assert hopeless(pod, [pod], "Failed", 3) == ""


def test_a_failed_job_never_completes() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
    job = {"kind": "Job", "status": {"conditions": [failed]}}
    assert "BackoffLimitExceeded" in hopeless(job, [], "Complete", 3)
    assert hopeless({"kind": "Job"}, [_pod(phase="Failed")], "Complete", 3) == ""


def test_pods_of_an_earlier_template_condemn_nobody() -> None:
    old = _pod("old", {"pod-template-hash": "1"}, at="1", containerStatuses=[_waiting("ImagePullBackOff")])
    new = _pod("new", {"pod-template-hash": "2"}, at="2", phase="Running")
    assert newest([old, new]) == [new]
    assert hopeless({"kind": "Deployment"}, [old, new], "Ready", 3) == ""


@pytest.mark.parametrize(
    ("item", "selector"),
    [
        ({"kind": "Deployment", "spec": {"selector": {"matchLabels": {"a": "1", "b": "2"}}}}, "a=1,b=2"),
        ({"kind": "Service", "spec": {"selector": {"a": "1"}}}, "a=1"),
        ({"kind": "ConfigMap"}, ""),
    ],
)
def test_selector_of(item: dict[str, Any], selector: str) -> None:
    assert selector_of(item) == selector


def test_a_pod_that_fits_nowhere_is_described() -> None:
    told = describe_pod(
        _pod(phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "message": "no room"}])
    )
    assert told == "pod p: Pending; not scheduled: no room"
