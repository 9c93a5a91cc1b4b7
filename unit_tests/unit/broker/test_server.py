import errno
import io
import json
import socket
import subprocess
import sys
import threading
import time

import pytest

from sdcm.broker import obituary
from sdcm.broker.client import BrokerClient, BrokerGone
from sdcm.broker.server import Server
from sdcm.errors import EnvironmentFailed, ServiceUnavailable
from sdcm.wait import wait_for


class EchoDesk:
    """Answers with what it was asked, and records who left and which requests were given up."""

    def __init__(self):
        self.gone = []
        self.left_event = threading.Event()
        self.slow_began = threading.Event()
        self.given_up = threading.Event()
        self.hellos = []

    def handle(self, worker, op, arguments, asking):
        if op == "hello":
            self.hellos.append(dict(arguments))
            return {"name": worker}
        if op == "slow":
            with asking.when_given_up(self.given_up.set):
                self.slow_began.set()
                self.given_up.wait(300)
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
    assert desk.left_event.wait(30)
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
    with BrokerClient(path, "gw0", deadline=60) as client:
        assert client.ask("x")["op"] == "x"
    timer.join()
    started[0].close()


def test_no_broker_is_said(tmp_path):
    with pytest.raises(BrokerGone, match="the broker is gone"):
        BrokerClient(tmp_path / "none.sock", "gw0", deadline=0.1)


class Interrupting:
    """A worker's stream in which an exception comes instead of the answer's first bytes."""

    def __init__(self, stream, began):
        self._stream = stream
        self._began = began

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def readline(self):
        self._began.wait(30)
        raise KeyboardInterrupt


def test_an_interrupted_request_is_given_up_and_the_next_gets_its_own_answer(server, desk):
    with BrokerClient(server.socket_path, "gw0") as client:
        name = client.welcome["name"]
        client._stream = Interrupting(client._stream, desk.slow_began)
        with pytest.raises(KeyboardInterrupt):
            client.ask("slow", test="first")
        assert client.ask("after", test="second")["test"] == "second"
        assert desk.given_up.wait(30)
        assert desk.hellos[-1]["resume"] == name
        assert desk.left_event.wait(30)
        assert desk.gone == [name]


def test_a_workers_death_is_noticed_while_its_request_is_pending(server, desk):
    client = BrokerClient(server.socket_path, "gw0")

    def ask():
        with pytest.raises(BrokerGone):
            client.ask("slow")

    asks = threading.Thread(target=ask)
    asks.start()
    assert desk.slow_began.wait(30)
    client._socket.shutdown(2)
    assert desk.given_up.wait(30), "noticed while the request is pending: it ends only when given up"
    assert desk.left_event.wait(30)
    asks.join(30)


def test_a_server_retires_only_when_nobody_is_connected(server):
    client = BrokerClient(server.socket_path, "gw0")
    assert not server.retire()
    assert client.ask("x")["op"] == "x"
    client.close()
    wait_for(server.retire, step=0.01, timeout=30)
    with pytest.raises(BrokerGone):
        BrokerClient(server.socket_path, "late", deadline=0.1)


def test_a_broker_that_ends_at_its_start_is_told_at_once_with_its_last_words(tmp_path):
    log = tmp_path / "broker.log"
    with log.open("w") as out:
        child = subprocess.Popen([sys.executable, "-S", "-c", "import no_such_thing"], stderr=out)
    obituary.note_birth(tmp_path, child.pid, log)
    began = time.monotonic()
    with pytest.raises(BrokerGone, match="No module named 'no_such_thing'") as caught:
        BrokerClient(tmp_path / "b.sock", "gw0", deadline=300)
    assert time.monotonic() - began < 60
    assert str(log) in caught.value.mend
    child.wait(30)
    obituary.note_birth(tmp_path, child.pid, log)
    assert "no_such_thing" in (obituary.why_ended(tmp_path) or ""), "also one that ended before it was looked at"


def test_nothing_is_told_of_a_broker_that_lives_or_is_not_known(tmp_path):
    assert obituary.why_ended(tmp_path) is None
    child = subprocess.Popen(["sleep", "60"])
    obituary.note_birth(tmp_path, child.pid, tmp_path / "none.log")
    assert obituary.why_ended(tmp_path) is None
    child.kill()
    child.wait(30)
    assert "without a word" in (obituary.why_ended(tmp_path) or "")
    assert json.loads((tmp_path / obituary.FILE_NAME).read_text())["log"].endswith("none.log")


def test_a_worker_that_left_with_an_answer_under_way_is_no_defect(desk, tmp_path, monkeypatch):
    """What an answer left in the stream's buffer is sent when the stream is closed: to nobody, by then."""

    class Leaving:
        def __init__(self, connection):
            self._connection = connection

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._connection.close()

        def makefile(self, _mode):
            return io.BufferedRWPair(io.BytesIO(), Refusing())

    class Refusing(io.RawIOBase):
        def writable(self):
            return True

        def write(self, _data):
            raise BrokenPipeError

    def answer_is_stuck(stream):
        stream.write(b"half an answer")

    monkeypatch.setattr("sdcm.broker.protocol.receive", answer_is_stuck)
    one, other = socket.socketpair()
    Server(tmp_path / "c.sock", desk)._serve(Leaving(one), "connection-1")
    other.close()
    assert desk.gone == ["connection-1"]


def test_a_moment_without_free_descriptors_does_not_end_the_server(tmp_path):
    server = Server(tmp_path / "b.sock", EchoDesk())
    listener, refusals = server._listener, [OSError(errno.EMFILE, "Too many open files")]

    class Refusing:
        close = listener.close

        def accept(self):
            if refusals:
                raise refusals.pop()
            return listener.accept()

    server._listener = Refusing()
    server.start()
    with BrokerClient(server.socket_path, "w") as client:
        assert client.ask("anything")["op"] == "anything"
    server.close()
