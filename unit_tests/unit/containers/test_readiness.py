import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sdcm.containers import readiness
from sdcm.containers.readiness import CqlProbe, NotReady, Waiting, ask_http
from sdcm.errors import DeadlinePassed, EnvironmentFailed
from unit_tests.lib import fake_cql
from unit_tests.lib.fake_cql import FakeCql
from unit_tests.lib.set_clock import SetClock


def probe(port: int) -> CqlProbe:
    return CqlProbe("127.0.0.1", port, "cassandra", "cassandra")


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens at, and that nobody else is given meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Let the pauses between two tries take no time, and a minute pass after some of them."""
    clock = SetClock(pace=50)
    monkeypatch.setattr(readiness, "time", clock)
    return clock


def test_a_node_is_ready_when_it_takes_the_login() -> None:
    with FakeCql().serving() as server:
        assert probe(server.port).ask() is True
    assert server.opcodes == [fake_cql.OPTIONS, fake_cql.STARTUP, fake_cql.AUTH_RESPONSE]


def test_a_node_that_asks_for_no_login_is_ready_too() -> None:
    with FakeCql(asks_login=False).serving() as server:
        assert probe(server.port).ask() is False


def test_a_refused_login_is_not_ready() -> None:
    with FakeCql(refusals=1).serving() as server, pytest.raises(NotReady, match="password are incorrect"):
        probe(server.port).ask()


def test_an_accepted_connection_that_is_closed_is_not_ready() -> None:
    with FakeCql(closes=1).serving() as server, pytest.raises(NotReady, match="no answer in CQL yet") as answer:
        probe(server.port).ask()
    assert not answer.value.refused


def test_a_closed_port_is_told_apart(closed_port: int) -> None:
    with pytest.raises(NotReady) as answer:
        probe(closed_port).ask()
    assert answer.value.refused


def test_http_is_ready_with_200_alone(closed_port: int) -> None:
    class Handler(BaseHTTPRequestHandler):
        status = 503

        def do_GET(self) -> None:
            self.send_response(type(self).status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            with pytest.raises(NotReady, match="status 503"):
                ask_http("127.0.0.1", server.server_port)
            Handler.status = 200
            ask_http("127.0.0.1", server.server_port)
        finally:
            server.shutdown()
            thread.join()
    with pytest.raises(NotReady, match="nothing listens"):
        ask_http("127.0.0.1", closed_port)


def test_waiting_goes_on_until_the_login_works(clock: SetClock) -> None:
    with FakeCql(closes=2, refusals=2).serving() as server:
        asks = Waiting(600).until_ready(
            lambda timeout: probe(server.port).ask(timeout), what="x", check_alive=_alive, evidence=str
        )
    assert asks is True
    assert len(server.tokens) == 3


def test_waiting_ends_when_the_container_has_ended() -> None:
    def ended() -> None:
        raise EnvironmentFailed("it has ended")

    started = time.monotonic()
    with pytest.raises(EnvironmentFailed, match="it has ended"):
        Waiting(600).until_ready(lambda _: _refuse(), what="x", check_alive=ended, evidence=str)
    assert time.monotonic() - started < 60


def test_the_time_being_up_says_what_was_awaited_the_last_state_and_shows_the_log(clock: SetClock) -> None:
    with pytest.raises(DeadlinePassed, match=r"node x took no login within 60 s: last: nothing there") as failure:
        Waiting(60).until_ready(
            lambda _: _refuse(), what="node x took no login", check_alive=_alive, evidence=lambda: "the log"
        )
    assert failure.value.evidence == "the log"


def _alive() -> None:
    """The container runs."""


def _refuse() -> None:
    raise NotReady("nothing there", refused=True)
