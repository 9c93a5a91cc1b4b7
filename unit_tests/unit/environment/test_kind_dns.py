"""DNS is made quick as soon as it is asked for, however late login, port and API server come."""

import tarfile
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from sdcm.environment import kind_dns
from sdcm.kubernetes.api import ApiRefused
from sdcm.kubernetes.kubeconfig import Access
from sdcm.wait import wait_for

_ADMIN = b"""
current-context: admin
contexts: [{name: admin, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://node:6443"}}]
users: [{name: u, user: {token: secret}}]
"""


class LateApi:
    """Knows of the deployment from the third request on."""

    made: ClassVar[list["LateApi"]] = []

    def __init__(self, access: Access, timeout: float) -> None:
        self.access, self.calls, self.closed = access, 0, False
        LateApi.made.append(self)

    def call(self, method: str, path: str, body: Any, *, content_type: str) -> None:
        self.calls += 1
        if self.calls < 3:
            raise ApiRefused("no", status=404, reason="NotFound", why="")
        self.patched = method, path, body["spec"]["replicas"], content_type

    def close(self) -> None:
        self.closed = True


class LateNode:
    """Has its port and login from the third look on."""

    def __init__(self) -> None:
        self.looks = 0
        self.closed = False
        self.containers = self

    def get(self, name: str) -> Any:
        self.looks += 1
        if self.looks == 1:
            raise OSError("no such container")
        port = [{"HostPort": "4711"}] if self.looks > 2 else None
        return SimpleNamespace(
            attrs={"NetworkSettings": {"Ports": {"6443/tcp": port}}}, get_archive=lambda path: ([_packed(path)], {})
        )

    def close(self) -> None:
        self.closed = True


def _packed(path: str) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(Path(path).name)
        info.size = len(_ADMIN)
        archive.addfile(info, BytesIO(_ADMIN))
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind_dns, "Api", LateApi)
    monkeypatch.setattr(kind_dns, "_LOGIN_POLL", 0.001)
    monkeypatch.setattr(kind_dns, "_POLL", 0.001)
    monkeypatch.setattr(LateApi, "made", [])


def test_it_is_made_quick_while_the_cluster_is_being_made() -> None:
    node = LateNode()
    with kind_dns.quick_from_the_start(lambda: node, "node", "127.0.0.1"):  # type: ignore[arg-type,return-value]
        wait_for(lambda: LateApi.made and LateApi.made[0].closed, text="the patch", timeout=60, step=0.005)
    (api,) = LateApi.made
    assert (api.access.server, api.access.headers) == ("https://127.0.0.1:4711", {"Authorization": "Bearer secret"})
    assert api.patched == (
        "PATCH",
        "/apis/apps/v1/namespaces/kube-system/deployments/coredns",
        1,
        "application/strategic-merge-patch+json",
    )
    assert node.closed


def test_a_cluster_that_never_comes_up_is_watched_no_longer_than_kind_runs() -> None:
    node = LateNode()
    node.get = lambda _name: (_ for _ in ()).throw(OSError("no such container"))  # type: ignore[method-assign]
    with kind_dns.quick_from_the_start(lambda: node, "node", "127.0.0.1"):  # type: ignore[arg-type,return-value]
        pass
    assert node.closed
    assert LateApi.made == []


def test_an_engine_that_is_gone_is_told_of_by_others(capfd: pytest.CaptureFixture[str]) -> None:
    def connect() -> Any:
        raise ConnectionError("the engine is gone")

    with kind_dns.quick_from_the_start(connect, "node", "127.0.0.1"):
        pass
    assert capfd.readouterr().err == ""
