import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sdcm.ownership.docker_endpoint import Endpoint, EngineSilent, is_private_host
from unit_tests.lib.fake_engine import FakeEngine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    fake = FakeEngine(tmp_path)
    yield fake
    fake.close()


def test_an_engine_that_answers_is_not_silent(engine: FakeEngine) -> None:
    assert Endpoint(engine.host).silence() == ""


def test_a_missing_socket_tells_so(tmp_path: Path) -> None:
    assert Endpoint(f"unix://{tmp_path}/none.sock").silence() == "No such file or directory"


def test_a_socket_without_listener_tells_so(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead.sock"))
    assert Endpoint(f"unix://{tmp_path}/dead.sock").silence() == "Connection refused"


def test_an_engine_that_hangs_is_given_its_time_and_no_more(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(tmp_path / "slow.sock"))
        hanging.listen()
        assert Endpoint(f"unix://{tmp_path}/slow.sock").silence(timeout=0.2) == "no answer within 0.2 s"


def test_what_speaks_no_http_is_no_engine(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "ssh.sock"))
        other.listen()

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        assert "no Docker Engine" in Endpoint(f"unix://{tmp_path}/ssh.sock").silence()
        thread.join()


def test_an_error_status_is_no_answer(engine: FakeEngine) -> None:
    engine.refusals["GET /_ping"] = [(500, {"message": "starting"})]
    assert Endpoint(engine.host).silence() == "it answered with HTTP status 500"


def test_a_call_gives_status_and_json(engine: FakeEngine) -> None:
    engine.add_image("a/b:1")
    status, answer = Endpoint(engine.host).call("GET", "/images/a/b:1/json")
    assert (status, answer["Size"]) == (200, 1000)
    assert Endpoint(engine.host).call("GET", "/images/c:1/json") == (404, {"message": "No such image: c:1"})


def test_a_call_without_engine_names_it(tmp_path: Path) -> None:
    with pytest.raises(EngineSilent, match=r"unix://.*/none\.sock does not answer.*No such file"):
        Endpoint(f"unix://{tmp_path}/none.sock").call("GET", "/info")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("unix:///run/sct/engine-0a1b2c/docker.sock", True),
        ("unix:///var/run/docker.sock", False),
        ("unix:///run/sct/engine-0a1b2c/other.sock", False),
        ("tcp://engine-0a1b2c/docker.sock", False),
    ],
)
def test_a_private_engine_is_known_by_its_socket(host: str, expected: bool) -> None:
    assert is_private_host(host) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("unix:///var/run/docker.sock", "127.0.0.1"),
        ("tcp://127.0.0.1:2375", "127.0.0.1"),
        ("tcp://localhost:2375", "127.0.0.1"),
        ("tcp://192.0.2.7:2376", "192.0.2.7"),
    ],
)
def test_ports_are_published_where_the_engine_is_reached(host: str, expected: str) -> None:
    assert Endpoint(host).publish_host == expected


@pytest.mark.parametrize(
    "endpoint", [Endpoint("unix:///a.sock"), Endpoint("tcp://h:1", True, "/certs"), Endpoint("tcp://h:1", False, "/c")]
)
def test_ledger_facts_give_the_address_back(endpoint: Endpoint) -> None:
    facts = endpoint.facts()
    assert all(isinstance(value, str) for value in facts.values())
    assert Endpoint.from_facts(facts) == endpoint


def test_a_tls_engine_is_spoken_to_in_tls(tmp_path: Path) -> None:
    connection = Endpoint("tcp://192.0.2.7:2376", tls_verify=False, cert_path=str(tmp_path)).connection(1.0)
    assert (type(connection).__name__, connection.port) == ("HTTPSConnection", 2376)
    plain = Endpoint("tcp://192.0.2.7").connection(1.0)
    assert (type(plain).__name__, plain.port) == ("HTTPConnection", 2375)


def test_the_engines_own_authority_wins_over_the_environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import docker
    import requests

    (tmp_path / "ca.pem").write_text("x")
    given: dict[str, Any] = {}
    monkeypatch.setattr(docker, "DockerClient", lambda **arguments: given.update(arguments))
    Endpoint("tcp://h:2376", tls_verify=True, cert_path=str(tmp_path)).client()
    session = requests.Session()
    given["tls"].configure_client(session)
    assert given["base_url"] == "https://h:2376"
    # With it, requests lets REQUESTS_CA_BUNDLE replace what the session verifies by.
    assert (session.verify, session.trust_env) == (str(tmp_path / "ca.pem"), False)


def test_whether_anything_listens_is_told_apart_from_a_slow_answer(tmp_path: Path) -> None:
    endpoint = Endpoint(f"unix://{tmp_path}/e.sock")
    assert not endpoint.listens(), "there is no socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mute:
        mute.bind(str(tmp_path / "e.sock"))
        assert not endpoint.listens(), "nobody listens at it"
        mute.listen(1)
        assert endpoint.listens(), "it never answers, and is there"
    assert not endpoint.listens(), "what listened is dead; its socket lies there still"
