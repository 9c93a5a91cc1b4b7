"""The guard of unit tests: what it refuses, and what it lets through."""

import os
import socket
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from sdcm import process


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("10.0.0.1", 2375)])
def test_a_connection_off_the_machine_is_refused_by_name(barred: Any, address: tuple[str, int]) -> None:
    with socket.socket() as stranger, pytest.raises(RuntimeError, match=r"test_guard\.py::test_a_connection_off"):
        stranger.connect(address)
    with socket.socket() as stranger, pytest.raises(RuntimeError, match="move the test to unit_tests/integration/"):
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
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)
    assert barred.attempts == []


def test_no_variable_leads_to_an_engine_or_an_account() -> None:
    assert not [name for name in os.environ if name.startswith(("DOCKER_", "AWS_", "KUBECONFIG", "SCT_CONFIG"))]


def test_a_swallowed_attempt_fails_its_test_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nsct_guard_unit_tests = true\n")
    (tmp_path / "test_swallow.py").write_text(
        textwrap.dedent("""
        import contextlib, os, socket

        def test_swallow():
            assert "AWS_PROFILE" not in os.environ
            with contextlib.suppress(Exception), socket.socket() as stranger:
                stranger.connect(("192.0.2.1", 80))
        """)
    )
    done = process.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "AWS_PROFILE": "somebody"},
        check=False,
    )
    assert done.exit_status == 1
    assert "test_swallow.py::test_swallow reached for 192.0.2.1:80" in done.stdout
    assert "1 passed, 1 error" in done.stdout
