import socket
import ssl
import threading
from pathlib import Path

from sdcm.containers.certificates import make_certificates


def test_files_and_permissions(tmp_path: Path) -> None:
    make_certificates(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ca.key", "ca.pem", "client-facing.crt", "client-facing.key", "test.crt", "test.key",
    ]  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.key")} == {0o600}


def test_both_ends_accept_each_other_and_the_names_fit(tmp_path: Path) -> None:
    make_certificates(tmp_path, ("db-1",))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "client-facing.crt", tmp_path / "client-facing.key")
    server.load_verify_locations(tmp_path / "ca.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    client.load_cert_chain(tmp_path / "test.crt", tmp_path / "test.key")
    for name in ("db-1", "localhost", "127.0.0.1"):
        assert _shake_hands(server, client, name) == ((("commonName", "test"),),)


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> object:
    ours, theirs = socket.socketpair()
    seen: list[object] = []

    def serve() -> None:
        with server.wrap_socket(theirs, server_side=True) as secured:
            seen.append((secured.getpeercert() or {}).get("subject"))
            secured.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    with client.wrap_socket(ours, server_hostname=name) as secured:
        secured.sendall(b"x")
        thread.join()
    return seen[0]
