"""Unit tests reach no engine and no network: what tries is refused, and its test fails."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import pytest

#: Variables that would lead a unit test to somebody's engine, cluster, cloud account or configuration.
_BARRED_PREFIXES = ("AWS_", "AZURE_", "DOCKER_", "GOOGLE_", "KUBE", "OCI_", "SCT_")
#: Where we keep things; without these a test would fall back to the user's home.
_KEPT = ("SCT_RUNTIME_DIR", "SCT_STATE_DIR", "SCT_CACHE_DIR", "SCT_ENGINE_DIR")
_ENGINE_SOCKETS = ("docker.sock", "docker-dev.sock", "podman.sock", "containerd.sock", "engine.sock")
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "")


class ServiceBarredError(RuntimeError):
    """A unit test reached for the network or for an engine."""


@dataclass
class Guard:
    """What one test is not allowed to reach, and what it tried all the same.

    Attributes:
        test: Its node id.
        attempts: Addresses it tried.
    """

    test: str
    attempts: list[str] = field(default_factory=list)

    def refuse(self, address: str) -> ServiceBarredError:
        """Write an attempt down and return the error to raise."""
        self.attempts.append(address)
        return ServiceBarredError(
            f"{self.test} reached for {address}: a unit test uses no engine and no network"
            " -- fake it, or move the test to unit_tests/integration/"
        )

    def check(self, family: int, address: Any) -> None:
        """Raise unless `address` is on this machine's loopback or a Unix socket that is no engine's."""
        if family == socket.AF_UNIX:
            path = os.fsdecode(address) if isinstance(address, (str, bytes)) else str(address)
            if path.endswith(_ENGINE_SOCKETS):
                raise self.refuse(path)
        elif family in (socket.AF_INET, socket.AF_INET6) and not is_local(str(address[0])):
            raise self.refuse(f"{address[0]}:{address[1]}")


def is_local(host: str) -> bool:
    """Whether `host`, a name or an address, is this machine's loopback."""
    if host in _LOCAL_NAMES:
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@pytest.fixture(autouse=True)
def barred(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    """Refuse connections that leave the machine or go to an engine; remove variables that lead there.

    An attempt fails the test even when the code under test swallows the error.
    """
    guard = Guard(request.node.nodeid)
    for name in list(os.environ):
        if name.startswith(_BARRED_PREFIXES) and name not in _KEPT:
            monkeypatch.delenv(name)
    for method in ("connect", "connect_ex", "sendto"):
        _guard_method(monkeypatch, guard, method)
    resolve = socket.getaddrinfo

    def guarded_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = os.fsdecode(host) if isinstance(host, (str, bytes)) else ""
        if not is_local(name) and not _is_address(name):
            raise guard.refuse(name)
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)
    yield guard
    if guard.attempts:
        pytest.fail(f"{guard.test} reached for {', '.join(guard.attempts)}", pytrace=False)


def _guard_method(monkeypatch: pytest.MonkeyPatch, guard: Guard, method: str) -> None:
    original = getattr(socket.socket, method)

    def guarded(self: socket.socket, *args: Any) -> Any:
        guard.check(self.family, args[-1])
        return original(self, *args)

    monkeypatch.setattr(socket.socket, method, guarded)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
