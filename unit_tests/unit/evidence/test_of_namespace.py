"""What a namespace tells: the pods that are not well first."""

from types import SimpleNamespace

import pytest

from sdcm.evidence import findings, of_namespace
from sdcm.kubernetes.api import ApiRefused


def pod(name, *, ready, phase="Running", restarts=0, state=None):
    """A pod as the cluster tells it."""
    status = {"name": "main", "ready": ready, "restartCount": restarts, "state": state or {"running": {}}}
    conditions = [{"type": "Ready", "status": str(ready)}]
    return {
        "kind": "Pod",
        "metadata": {"name": name},
        "status": {"phase": phase, "conditions": conditions, "containerStatuses": [status]},
    }


class FakeApi:
    """Answers from lists; the log of `well` is refused."""

    def __init__(self, pods):
        self.pods, self.closed = pods, False

    def items(self, path, _query=None):
        """Give pods, or one event."""
        about = {"kind": "Pod", "name": "lost"}
        event = {"lastTimestamp": "t1", "type": "Warning", "reason": "BackOff", "message": "no image"}
        return self.pods if path.endswith("/pods") else [{**event, "metadata": {}, "involvedObject": about}]

    def text(self, _method, path, query):
        """Give a log."""
        if "/well/" in path:
            raise ApiRefused("no log", status=404, reason="NotFound", why="gone")
        return "ERROR it crashed before" if query["previous"] == "true" else "it waits"

    def close(self):
        """Note it."""
        self.closed = True


@pytest.fixture
def look(monkeypatch):
    """Ask a namespace with these pods."""

    def ask(*pods):
        api = FakeApi(list(pods))
        monkeypatch.setattr(of_namespace.Api, "of", lambda *_: api)
        cluster = SimpleNamespace(name="kind")
        namespace = SimpleNamespace(name="sct-1", kubeconfig="/k", context="", cluster=cluster)
        gathered = findings.gather(of_namespace.of_namespace(namespace), 20)
        assert api.closed
        return gathered

    return ask


def test_a_pod_that_is_not_ready_comes_first_with_its_log_before_its_restart(look):
    """State, events, both logs; the log of the others after them."""
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    found = look(pod("well", ready=True), pod("lost", ready=False, restarts=2, state=waiting))
    assert found.missing == []
    assert [piece.file for piece in found.pieces()] == [
        "sct-1.pods.txt",
        "sct-1.events.txt",
        "pod-lost.main.previous.log",
        "pod-lost.main.log",
        "pod-well.main.log",
    ]
    texts = {piece.file: piece.text for piece in found.pieces()}
    assert texts["sct-1.pods.txt"].startswith("pod lost: Running; main waiting CrashLoopBackOff")
    assert texts["sct-1.events.txt"] == "t1 Warning pod/lost BackOff: no image\n"
    assert "no log" in texts["pod-well.main.log"]
    assert found.telling()[0].startswith("pod lost: ")
    assert found.telling()[1] == "lost/main: ERROR it crashed before"
    assert [(held.name, held.state) for held in found.held()] == [("namespace sct-1", "2 pods, 1 of them not ready")]


def test_a_namespace_that_is_well_tells_nothing(look):
    """A finished job's pod is well, too."""
    found = look(pod("well", ready=True), pod("done", ready=False, phase="Succeeded"))
    assert {piece.place for piece in found.pieces()} == {findings.WELL}
    assert not any(line.startswith("pod ") for line in found.telling())
