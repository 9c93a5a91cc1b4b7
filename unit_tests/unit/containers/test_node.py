import logging
from typing import Any

import pytest

from sdcm.containers import cql
from sdcm.containers.execution import UnexpectedExit
from sdcm.containers.node import Node
from sdcm.containers.records import NodeRecord
from unit_tests.lib.fake_docker import FakeDocker


class FakeCluster:
    """A driver's cluster that only notes its end."""

    def __init__(self) -> None:
        self.ended = False

    def shutdown(self) -> None:
        self.ended = True


class FakeSession:
    """A session of it."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Arguments of each session that was opened."""
    calls: list[dict[str, Any]] = []

    def open_session(contact_points: Any, published: Any, **arguments: Any) -> FakeSession:
        calls.append({"contact_points": contact_points, "published": dict(published), **arguments})
        return FakeSession()

    monkeypatch.setattr(cql, "open_session", open_session)
    return calls


def test_a_session_logs_in_as_the_superuser_of_the_record(node: Node, opened: list[dict[str, Any]]) -> None:
    node.cql_connection(keyspace="ks")
    assert opened[0]["login"] == ("cassandra", "s3cret")
    assert opened[0]["keyspace"] == "ks"
    assert opened[0]["contact_points"] == [("127.0.0.1", 32768)]


def test_a_session_can_log_in_as_somebody_else(node: Node, opened: list[dict[str, Any]]) -> None:
    node.cql_connection("bob", "builder", compression=False)
    assert opened[0]["login"] == ("bob", "builder")
    assert opened[0]["options"] == {"compression": False}


def test_a_node_without_logins_is_asked_for_none(
    engine: FakeDocker, record: NodeRecord, opened: list[dict[str, Any]]
) -> None:
    Node(NodeRecord(**{**vars(record), "username": "", "password": ""})).cql_connection()
    assert opened[0]["login"] is None


def test_a_session_reaches_every_node_of_the_ring_by_its_published_port(
    node: Node, peer: NodeRecord, opened: list[dict[str, Any]]
) -> None:
    node.know_peer(peer)
    node.cql_connection()
    node.cql_connection(exclusive=True)
    assert opened[0]["published"] == {"10.0.0.1": ("127.0.0.1", 32768), "10.0.0.2": ("127.0.0.1", 40002)}
    assert opened[0]["contact_points"] == [("127.0.0.1", 32768), ("127.0.0.1", 40002)]
    assert opened[1]["contact_points"] == [("127.0.0.1", 32768)]
    assert opened[1]["exclusive"] is True


def test_sessions_are_closed_with_the_node(node: Node, opened: list[dict[str, Any]]) -> None:
    sessions = [node.cql_connection(), node.cql_connection()]
    node.close()
    assert [session.cluster.ended for session in sessions] == [True, True]
    node.close()


def test_a_closed_node_has_no_connection_to_the_engine_and_opens_one_when_used_again(
    node: Node, engine: FakeDocker
) -> None:
    node.close()
    assert engine.closed == 0
    assert node.is_running()
    node.close()
    assert engine.closed == 1
    assert node.is_running()


def test_a_port_that_moved_behind_our_back_is_found_again(
    node: Node, engine: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cassandra.cluster import NoHostAvailable

    tried: list[Any] = []

    def open_session(contact_points: Any, _published: Any, **_arguments: Any) -> FakeSession:
        tried.append(contact_points)
        if contact_points == [("127.0.0.1", 32768)]:
            raise NoHostAvailable("no", {})
        return FakeSession()

    monkeypatch.setattr(cql, "open_session", open_session)
    with pytest.raises(NoHostAvailable):
        node.cql_connection()
    engine.published[9042] = 40100
    engine.containers.made["node-1"].start()
    node.cql_connection()
    assert tried == [[("127.0.0.1", 32768)]] * 2 + [[("127.0.0.1", 40100)]]
    assert node.record.ports == {"9042": ("127.0.0.1", 40100)}


def test_a_start_waits_for_the_login_and_takes_over_the_new_port(
    node: Node, engine: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def ask(self: Any, _timeout: float) -> bool:
        asked.append((self.host, self.port, self.username, self.password))
        return True

    monkeypatch.setattr("sdcm.containers.launch.CqlProbe.ask", ask)
    engine.published[9042] = 40100
    node.restart(1)
    assert engine.containers.made["node-1"].calls == ["start", "stop 1", "start"]
    assert asked == [("127.0.0.1", 40100, "cassandra", "s3cret")]
    assert node.get_port(9042) == "127.0.0.1:40100"
    assert node.record.ports["9042"] == ("127.0.0.1", 40100)


def test_cqlsh_logs_in_and_asks_this_node(node: Node, engine: FakeDocker) -> None:
    engine.api.answers = lambda _: (0, "\n a\n---\n 1\n\n", "")
    result = node.run_cqlsh('SELECT "a" FROM t', keyspace="ks", timeout=30, connect_timeout=10)
    assert result.stdout == "a\n---\n 1"
    assert engine.api.commands == [
        ["timeout", "-k", "2", "40", "cqlsh", "--no-color", "--connect-timeout=10", "--request-timeout=30",
         "--credentials=/etc/sct/cqlsh-credentials", "-k", "ks", "-e", 'SELECT "a" FROM t', "10.0.0.1"]
    ]  # fmt: skip
    assert engine.api.users == [""]


def test_cqlsh_can_give_lines(node: Node, engine: FakeDocker) -> None:
    engine.api.answers = lambda _: (0, "\n a \n---\n 1\n", "")
    assert node.run_cqlsh("x", split=True) == ["a", "---", "1"]


def test_cqlsh_of_a_node_with_tls_uses_it(engine: FakeDocker, node: Node, record: NodeRecord) -> None:
    Node(NodeRecord(**{**vars(record), "ssl_dir": "/certificates"})).run_cqlsh("x")
    assert "--ssl" in engine.api.commands[0]


def test_a_failing_statement_does_not_show_the_password(
    node: Node, engine: FakeDocker, caplog: pytest.LogCaptureFixture
) -> None:
    engine.api.answers = lambda _: (2, "", "SyntaxException: line 1")
    with caplog.at_level(logging.DEBUG), pytest.raises(UnexpectedExit) as failure:
        node.run_cqlsh("SELEC")
    assert str(failure.value) == "`cqlsh -e SELEC` in node-1 ended with status 2: SyntaxException: line 1"
    assert "s3cret" not in caplog.text + str(failure.value) + failure.value.evidence + repr(failure.value.result)


def test_cqlsh_is_tried_again_as_often_as_asked(node: Node, engine: FakeDocker) -> None:
    engine.api.answers = lambda _: (1, "", "")
    with pytest.raises(UnexpectedExit):
        node.run_cqlsh("x", num_retry_on_failure=3, retry_interval=0)
    assert len(engine.api.commands) == 3


def test_nodetool_gets_options_command_and_arguments_in_order(node: Node, engine: FakeDocker) -> None:
    node.run_nodetool("flush", args="ks 'my table'", options="-h ::1", timeout=9)
    assert engine.api.commands == [["timeout", "-k", "2", "9", "nodetool", "-h", "::1", "flush", "ks", "my table"]]


def test_a_failing_nodetool_raises_unless_its_status_is_ignored(node: Node, engine: FakeDocker) -> None:
    engine.api.answers = lambda _: (1, "", "nodetool: no")
    with pytest.raises(UnexpectedExit):
        node.run_nodetool("flush")
    assert node.run_nodetool("flush", ignore_status=True).exit_status == 1


def test_a_log_begins_with_the_lease(engine: FakeDocker, node: Node, record: NodeRecord) -> None:
    engine.log = "line\n"
    assert Node(record, log_since=1234.5).get_log(tail=5) == "line\n"
    assert engine.log_requests == [{"since": 1234.5, "tail": 5}]
