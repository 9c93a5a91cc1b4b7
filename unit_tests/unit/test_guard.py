"""The guard of unit tests: what it refuses, and what it lets through."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("10.0.0.1", 2375)])
def test_a_connection_off_the_machine_is_refused_by_name(barred: Any, address: tuple[str, int]) -> None:
    with socket.socket() as stranger, pytest.raises(RuntimeError, match=r"test_guard\.py::test_a_connection_off"):
        stranger.connect(address)
    with socket.socket() as stranger, pytest.raises(RuntimeError, match="move the test to integration/"):
        stranger.connect_ex(address)
    assert len(barred.attempts) == 2
    barred.attempts.clear()


def test_names_and_datagrams_are_refused_too(barred: Any) -> None:
    with pytest.raises(RuntimeError, match=r"reached for example\.org"):
        socket.create_connection(("example.org", 80), timeout=1)
    with socket.socket(type=socket.SOCK_DGRAM) as stranger, pytest.raises(RuntimeError):
        stranger.sendto(b"x", ("192.0.2.1", 53))
    barred.attempts.clear()


@pytest.mark.parametrize("path", ["/var/run/docker.sock", "/run/user/1000/podman/podman.sock"])
def test_an_engine_socket_is_refused(barred: Any, path: str) -> None:
    with socket.socket(socket.AF_UNIX) as engine, pytest.raises(RuntimeError, match="a unit test uses no engine"):
        engine.connect(path)
    barred.attempts.clear()


def test_loopback_and_other_unix_sockets_pass(barred: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=60).close()
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)
    assert barred.attempts == []


def test_no_variable_leads_to_an_engine_or_an_account() -> None:
    assert not [name for name in os.environ if name.startswith(("DOCKER_", "AWS_", "KUBECONFIG", "SCT_CONFIG"))]
