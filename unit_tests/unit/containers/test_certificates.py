import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sdcm.containers.certificates import Authority
from sdcm.containers.tls import client_context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    (tmp_path / "ssl").mkdir()
    return Authority(tmp_path / "ssl")


def issued(authority: Authority, name: str, *names: str) -> Path:
    folder = authority.folder / name
    folder.mkdir()
    return authority.issue(folder, names)


def test_files_and_permissions(authority: Authority) -> None:
    folder = issued(authority, "db-1")
    assert sorted(path.name for path in folder.iterdir()) == [
        "ca.pem", "client-facing.crt", "client-facing.key", "test.crt", "test.key",
    ]  # fmt: skip
    assert sorted(path.name for path in authority.folder.iterdir() if path.is_file()) == ["ca.key", "ca.pem"]
    assert {path.stat().st_mode & 0o777 for path in authority.folder.rglob("*.key")} == {0o600}


def test_both_ends_accept_each_other_and_the_names_fit(authority: Authority) -> None:
    folder = issued(authority, "db-1", "db-1", "10.9.8.7")
    server = _server(folder)
    for name in ("db-1", "localhost", "127.0.0.1", "10.9.8.7"):
        assert _shake_hands(server, client_context(folder), name) == ((("commonName", "test"),),)


def test_another_name_is_refused(authority: Authority) -> None:
    folder = issued(authority, "db-1", "db-1")
    with pytest.raises(ssl.SSLCertVerificationError, match="db-2"):
        _shake_hands(_server(folder), client_context(folder), "db-2")


def test_a_client_trusts_the_runs_authority_alone(authority: Authority, tmp_path: Path) -> None:
    folder = issued(authority, "db-1")
    stranger = Authority(tmp_path)
    stranger.issue(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(_server(folder), client_context(tmp_path), "localhost")


def test_nodes_that_ask_at_once_get_one_authority(authority: Authority) -> None:
    """Several threads, and a later process, find the authority that the first of them made (flaw 6)."""
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda number: issued(authority, f"db-{number}"), range(8)))
    folders.append(issued(Authority(authority.folder), "db-8"))
    assert {(folder / "ca.pem").read_bytes() for folder in folders} == {authority.certificate_file.read_bytes()}
    assert _shake_hands(_server(folders[0]), client_context(folders[8]), "localhost")


def _server(folder: Path) -> ssl.SSLContext:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "client-facing.crt", folder / "client-facing.key")
    server.load_verify_locations(folder / "ca.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    return server


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> object:
    ours, theirs = socket.socketpair()
    seen: list[object] = []

    def serve() -> None:
        try:
            with server.wrap_socket(theirs, server_side=True) as secured:
                seen.append((secured.getpeercert() or {}).get("subject"))
                secured.recv(1)
        except OSError:
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(ours, server_hostname=name) as secured:
            secured.sendall(b"x")
    finally:
        ours.close()
        thread.join()
    return seen[0]
