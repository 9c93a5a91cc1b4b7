import contextlib
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from sdcm.containers import cql, cql_access
from sdcm.containers.execution import UnexpectedExit
from sdcm.containers.node import Node
from sdcm.containers.records import NodeRecord
from sdcm.errors import UsageProblem
from unit_tests.lib.fake_docker import FakeDocker


class FakeCluster:
    """A driver's cluster that notes its end, and what it was told of its only host."""

    def __init__(self) -> None:
        self.ended = False
        self.host = SimpleNamespace(address="10.0.0.1", is_up=True)
        self.told_up = 0

    @property
    def metadata(self) -> Any:
        return SimpleNamespace(all_hosts=lambda: [self.host])

    def on_up(self, host: Any) -> None:
        self.told_up += 1
        host.is_up = self.told_up > 1

    def shutdown(self) -> None:
        self.ended = True


class FakeSession:
    """A session of it."""

    def __init__(self) -> None:
        self.cluster = FakeCluster()
        self.asked = 0

    def execute(self, _query: str, timeout: float, host: Any) -> None:
        assert timeout > 0
        assert host is self.cluster.host
        self.asked += 1
        if self.asked == 1:
            host.is_up = False
            raise ConnectionError("it is closed")

    @property
    def is_shutdown(self) -> bool:
        return self.cluster.ended


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Arguments of each session that was opened."""
    calls: list[dict[str, Any]] = []

    def open_session(contact_points: Any, places: Any, **arguments: Any) -> FakeSession:
        calls.append({"contact_points": contact_points, "published": places.published(), **arguments})
        return FakeSession()

    monkeypatch.setattr(cql, "open_session", open_session)
    return calls


def test_a_session_logs_in_as_the_superuser_of_the_record(node: Node, opened: list[dict[str, Any]]) -> None:
    node.cql_connection(keyspace="ks")
    assert opened[0]["login"] == ("cassandra", "s3cret")
    assert opened[0]["keyspace"] == "ks"
    assert opened[0]["contact_points"] == ["10.0.0.1"]
    assert opened[0]["published"] == {"10.0.0.1": ("127.0.0.1", 32768)}


def test_a_session_can_log_in_as_somebody_else(node: Node, opened: list[dict[str, Any]]) -> None:
    node.cql_connection("ks", "bob", "builder", compression=False, ssl_context=None)
    assert opened[0]["login"] == ("bob", "builder")
    assert opened[0]["options"] == {"compression": False}
    assert opened[0]["keyspace"] == "ks"


def test_sessions_log_in_as_the_tests_params_say(node: Node, opened: list[dict[str, Any]], engine: FakeDocker) -> None:
    logins = [("bob", "builder"), ("", "")]
    node.log_in_as(lambda: logins[len(opened)])
    node.cql_connection()
    node.cql_connection()
    assert [call["login"] for call in opened] == [("bob", "builder"), ("cassandra", "s3cret")]
    logins.append(("bob", "builder"))
    node.run_cqlsh("x")
    (path,) = [word.partition("=")[2] for word in engine.api.commands[0] if word.startswith("--credentials=")]
    data, info = engine.containers.made["node-1"].put[path]
    assert data == b"[plain_text_auth]\nusername = bob\npassword = builder\n"
    assert (info.mode, info.uid) == (0o600, 999)


def test_a_node_without_logins_is_asked_for_none(
    engine: FakeDocker, record: NodeRecord, opened: list[dict[str, Any]]
) -> None:
    Node(NodeRecord(**{**vars(record), "username": "", "password": ""})).cql_connection()
    assert opened[0]["login"] is None


def test_a_session_reaches_every_node_of_the_ring_by_its_published_port(
    node: Node, peer: NodeRecord, opened: list[dict[str, Any]]
) -> None:
    other = Node(peer)
    node.parent_cluster.join(other)
    node.cql_connection()
    node.cql_connection(exclusive=True)
    node.cql_connection(whitelist_nodes=[other])
    assert opened[0]["published"] == {"10.0.0.1": ("127.0.0.1", 32768), "10.0.0.2": ("127.0.0.1", 40002)}
    assert opened[0]["contact_points"] == ["10.0.0.1", "10.0.0.2"]
    assert opened[0]["only"] == []
    assert [opened[1][name] for name in ("contact_points", "only")] == [["10.0.0.1"]] * 2
    assert [opened[2][name] for name in ("contact_points", "only")] == [["10.0.0.2"]] * 2


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

    def open_session(_contact_points: Any, places: Any, **_arguments: Any) -> FakeSession:
        tried.append(places.place_of("10.0.0.1", 9042))
        if tried[-1] == ("127.0.0.1", 32768):
            raise NoHostAvailable("no", {})
        return FakeSession()

    monkeypatch.setattr(cql, "open_session", open_session)
    with pytest.raises(NoHostAvailable):
        node.cql_connection()
    engine.published[9042] = 40100
    engine.containers.made["node-1"].start()
    node.cql_connection()
    assert tried == [("127.0.0.1", 32768)] * 2 + [("127.0.0.1", 40100)]
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
    # The fake engine gave it another address too: whoever knows the old one is led to it all the same.
    assert node.ip_address == "10.0.0.2"
    assert [node.whereabouts.place_of(ip, 9042)[1] for ip in ("10.0.0.1", "10.0.0.2")] == [40100, 40100]


def test_open_sessions_use_a_started_node_again(
    node: Node, opened: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sdcm.containers.launch.CqlProbe.ask", lambda *_: True)
    lost, closed, anothers = node.cql_connection(), node.cql_connection(), node.cql_connection(exclusive=True)
    closed.cluster.shutdown()
    anothers.cluster.host.address = "10.0.0.9"
    node.restart()
    assert len(opened) == 3
    # The closed connection is noticed, then the node told of until it is up, then it answers.
    assert (lost.asked, lost.cluster.told_up, lost.cluster.host.is_up) == (2, 2, True)
    assert (closed.asked, anothers.asked) == (0, 0)


def test_nobody_is_led_to_a_node_that_is_stopped_or_gone(node: Node) -> None:
    node.stop()
    assert node.whereabouts.published() == {}
    node.note_place()
    node.kill()
    assert node.whereabouts.published() == {}


def test_a_patient_session_is_tried_for_again_and_closed_after_its_block(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cassandra.cluster import NoHostAvailable

    monkeypatch.setattr(cql_access, "_PAUSE", 0.0)
    answers: list[Any] = [NoHostAvailable("not yet", {}), NoHostAvailable("not yet", {}), FakeSession()]

    def open_session(*_: Any, **__: Any) -> FakeSession:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(cql, "open_session", open_session)
    with node.cql_connection_patient("ks") as session:
        assert not session.cluster.ended
    assert session.cluster.ended
    answers = [NoHostAvailable("never", {})]
    with pytest.raises(NoHostAvailable, match="never"), node.cql_connection_patient_exclusive(patience=0):
        pass


def test_cqlsh_logs_in_and_asks_this_node(node: Node, engine: FakeDocker) -> None:
    engine.api.answers = lambda _: (0, "\n a\n---\n 1\n\n", "")
    result = node.run_cqlsh('SELECT "a" FROM t', keyspace="ks", timeout=30, connect_timeout=10)
    assert result.stdout == "a\n---\n 1"
    assert engine.api.commands == [
        ["timeout", "-k", "2", "40", "cqlsh", "--credentials=/etc/sct/cqlsh-credentials", "--no-color",
         "--connect-timeout=10", "--request-timeout=30", "-k", "ks", "-e", 'SELECT "a" FROM t', "10.0.0.1"]
    ]  # fmt: skip
    assert engine.api.users == [""]


def test_cqlsh_can_give_lines(node: Node, engine: FakeDocker) -> None:
    engine.api.answers = lambda _: (0, "\n a \n---\n 1\n", "")
    assert node.run_cqlsh("x", split=True) == ["a", "---", "1"]


def test_cqlsh_of_a_node_with_tls_uses_it(engine: FakeDocker, node: Node, record: NodeRecord) -> None:
    Node(NodeRecord(**{**vars(record), "ssl_dir": "/certificates"})).run_cqlsh("x")
    assert {"--ssl", "--cqlshrc=/etc/cassandra/ssl/cqlshrc"} < set(engine.api.commands[0])


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


def test_nodetool_is_told_of_with_its_failure(node: Node, engine: FakeDocker) -> None:
    told: list[Any] = []

    @contextlib.contextmanager
    def observe(**call: str) -> Iterator[None]:
        told.append(call)
        try:
            yield
        except UnexpectedExit as exc:
            told.append(exc.result.exit_status)
            raise

    node.tell_of_nodetool(observe)
    engine.api.answers = lambda _: (1, "", "no")
    node.run_nodetool("flush", "ks", options="-h ::1", ignore_status=True)
    assert told == [{"node": "node-1", "nodetool_command": "flush ks", "options": "-h ::1"}, 1]


def test_a_log_begins_with_the_lease(engine: FakeDocker, node: Node, record: NodeRecord) -> None:
    engine.log = "line\n"
    assert Node(record, log_since=1234.5).get_log(tail=5) == "line\n"
    assert engine.log_requests == [{"since": 1234.5, "tail": 5}]


def test_a_followed_log_gives_each_matching_line_once(node: Node, engine: FakeDocker) -> None:
    engine.log = "2026-01-31T10:20:30.000000001Z starting\n2026-01-31T10:20:30.000000002Z compaction of a\n"
    from_now = node.follow_system_log(["compaction"])
    from_start = node.follow_system_log(["compaction", "^start"], start_from_beginning=True)
    assert list(from_start) == ["starting", "compaction of a"]
    engine.log += "2026-01-31T10:20:30.000000002Z compaction of b\n2026-01-31T10:20:31.000000000Z compaction of c\n"
    assert list(from_now) == list(from_start) == ["compaction of b", "compaction of c"]
    assert list(from_now) == list(from_start) == []
    assert engine.log_requests[-1] == {"since": 1769854831.0, "timestamps": True}


def test_changed_settings_are_written_and_others_left(node: Node, engine: FakeDocker) -> None:
    engine.files["/etc/cassandra/cassandra.yaml"] = b"num_tokens: 4\nauthenticator: A\nold: 1\n"
    made = engine.containers.made["node-1"]
    with node.remote_cassandra_yaml() as settings:
        assert settings.num_tokens == 4
    assert made.put == {}
    with node.remote_yaml() as settings:
        settings.num_tokens = 8
        settings["new"] = {"a": [1]}
        del settings.old
        # Written meanwhile by somebody else.
        engine.files["/etc/cassandra/cassandra.yaml"] = b"num_tokens: 4\nauthenticator: B\nold: 1\n"
    data, info = made.put["/etc/cassandra/cassandra.yaml"]
    assert yaml.safe_load(data) == {"num_tokens": 8, "authenticator": "B", "new": {"a": [1]}}
    assert (info.mode, info.uid, info.gid) == (0o640, 7, 8)
    with pytest.raises(AttributeError, match="no setting nonsense"):
        settings.nonsense  # noqa: B018


def test_settings_of_a_block_that_fails_are_not_written(node: Node, engine: FakeDocker) -> None:
    engine.files["/etc/cassandra/cassandra.yaml"] = b"num_tokens: 4\n"
    with pytest.raises(ZeroDivisionError), node.remote_yaml() as settings:
        settings["num_tokens"] = 1 / 0
    assert engine.containers.made["node-1"].put == {}


def test_settings_of_the_other_flavour_are_refused_with_the_right_name(node: Node) -> None:
    with pytest.raises(UsageProblem, match=r"it is a cassandra node -- use remote_cassandra_yaml\(\)"):
        node.remote_scylla_yaml()
    with pytest.raises(UsageProblem, match=r"use restart\(\)"):
        node.reload_config()


def test_a_scylla_node_is_told_to_read_its_settings_again(engine: FakeDocker, node: Node, record: NodeRecord) -> None:
    engine.files["/etc/scylla/scylla.yaml"] = b"a: 1\n"
    scylla = Node(NodeRecord(**{**vars(record), "flavour": "scylla"}))
    with scylla.remote_scylla_yaml() as settings:
        settings.a = 2
    scylla.reload_config()
    assert "kill -HUP" in engine.api.commands[-1][-1]


def test_a_node_tells_the_latest_of_the_tests_that_had_it_before(node: Node, record: NodeRecord) -> None:
    assert "had before" not in node.evidence(5)

    def told(tests: int) -> str:
        before = tuple(f"a.py::t{number}" for number in range(tests))
        return Node(NodeRecord(**{**vars(record), "earlier_tests": before})).evidence(5).splitlines()[0]

    assert told(2) == "had before by: a.py::t0, a.py::t1"
    assert told(5).endswith("a.py::t3, a.py::t4")
    assert told(7) == "had before by: a.py::t2, a.py::t3, a.py::t4, a.py::t5, a.py::t6 and 2 before them"
