import threading

import pytest

from sdcm.broker.client import BrokerClient, BrokerGone
from sdcm.broker.server import Server
from sdcm.errors import EnvironmentFailed, ServiceUnavailable


class EchoDesk:
    """Answers with what it was asked, and records who left."""

    def __init__(self):
        self.gone = []
        self.left_event = threading.Event()

    def handle(self, worker, op, arguments):
        if op == "refuse":
            raise ServiceUnavailable("no such thing", why="because", mend="do this")
        if op == "break":
            raise ZeroDivisionError
        return {"worker": worker, "op": op, **arguments}

    def left(self, worker):
        self.gone.append(worker)
        self.left_event.set()


@pytest.fixture
def desk():
    return EchoDesk()


@pytest.fixture
def server(desk, tmp_path):
    server = Server(tmp_path / "b.sock", desk)
    server.start()
    yield server
    server.close()


def test_a_request_is_answered(server):
    with BrokerClient(server.socket_path, "gw0") as client:
        answer = client.ask("node", test="a::b")
    assert answer["test"] == "a::b"
    assert answer["worker"].startswith("gw0/")


def test_only_this_user_may_connect(server):
    assert server.socket_path.stat().st_mode & 0o777 == 0o600


def test_an_error_keeps_its_type_and_words(server):
    with BrokerClient(server.socket_path, "gw0") as client:
        with pytest.raises(ServiceUnavailable) as caught:
            client.ask("refuse")
        assert client.ask("after")["op"] == "after"
    assert str(caught.value) == "no such thing: because -- do this"


def test_a_defect_of_the_desk_reaches_the_asker_and_the_connection_lives_on(server):
    with BrokerClient(server.socket_path, "gw0") as client:
        with pytest.raises(EnvironmentFailed) as caught:
            client.ask("break")
        assert "ZeroDivisionError" in caught.value.evidence
        assert client.ask("after")["op"] == "after"


def test_two_workers_of_one_name_are_two(server):
    with BrokerClient(server.socket_path, "gw0") as one, BrokerClient(server.socket_path, "gw0") as two:
        assert one.ask("x")["worker"] != two.ask("x")["worker"]


def test_a_closed_connection_ends_the_workers_leases(server, desk):
    BrokerClient(server.socket_path, "gw7").close()
    assert desk.left_event.wait(5)
    assert desk.gone[0].startswith("gw7/")


def test_a_client_waits_for_a_broker_that_is_starting(desk, tmp_path):
    path = tmp_path / "late.sock"
    started = []

    def start():
        server = Server(path, desk)
        server.start()
        started.append(server)

    timer = threading.Timer(0.2, start)
    timer.start()
    with BrokerClient(path, "gw0", deadline=5) as client:
        assert client.ask("x")["op"] == "x"
    timer.join()
    started[0].close()


def test_no_broker_is_said(tmp_path):
    with pytest.raises(BrokerGone, match="the broker is gone"):
        BrokerClient(tmp_path / "none.sock", "gw0", deadline=0.1)
