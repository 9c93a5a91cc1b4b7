import logging
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from sdcm.containers import container as containers
from sdcm.containers.execution import UnexpectedExit
from sdcm.containers.node import Node
from sdcm.errors import EnvironmentFailed, UsageProblem
from unit_tests.lib.fake_docker import Answer, FakeDocker

#: /proc/net/tcp of a container in which something listens on 9042 and a connection uses port 8000 (hex 1F40).
SOCKETS = """\
  sl  local_address rem_address   st tx_queue rx_queue
   0: 00000000:2352 00000000:0000 0A 00000000:00000000
   1: 0100007F:1F40 0100007F:D431 01 00000000:00000000
  sl  local_address                         remote_address                        st
"""


def test_a_line_is_run_by_the_shell_as_root(node: Node, engine: FakeDocker) -> None:
    engine.api.answers = lambda _: (0, "hi\n", "")
    assert node.run("echo hi | cat", timeout=7).stdout == "hi\n"
    assert engine.api.commands == [["timeout", "-k", "2", "7", "/bin/sh", "-c", "echo hi | cat"]]
    assert engine.api.users == ["root"]


def test_a_failing_line_raises_unless_its_status_is_ignored(node: Node, engine: FakeDocker) -> None:
    engine.api.answers = lambda _: (4, "", "no such thing")
    with pytest.raises(UnexpectedExit, match="`false` in node-1 ended with status 4: no such thing"):
        node.run("false")
    assert node.run("false", ignore_status=True).exit_status == 4


def test_a_failing_line_is_tried_again(node: Node, engine: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_RETRY_PAUSE", 0)
    answers: list[Answer] = [(1, "", ""), (1, "", ""), (0, "there", "")]
    engine.api.answers = lambda _: answers.pop(0)
    assert node.run("look", retry=3).stdout == "there"
    assert len(engine.api.commands) == 3


def test_the_last_try_decides(node: Node, engine: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_RETRY_PAUSE", 0)
    engine.api.answers = lambda _: (1, "", "")
    with pytest.raises(UnexpectedExit):
        node.run("look", retry=2)
    assert len(engine.api.commands) == 2


def test_output_goes_to_file_and_watchers_by_line(node: Node, engine: FakeDocker, tmp_path: Path) -> None:
    engine.api.answers = lambda _: (0, "one\ntwo", "three\n")
    seen: list[str] = []
    (tmp_path / "log").write_text("before\n")
    node.run("x", log_file=tmp_path / "log", watchers=[seen.append])
    assert sorted(seen) == ["one", "three", "two"]
    assert sorted((tmp_path / "log").read_text().splitlines()) == ["before", "one", "three", "two"]


def test_a_stopped_container_is_told_in_one_line(node: Node, engine: FakeDocker) -> None:
    engine.containers.made.clear()
    with pytest.raises(EnvironmentFailed, match="container node-1 could not be looked at: No such container"):
        node.run("true")


def test_ports_are_given_as_text(node: Node) -> None:
    assert node.get_port("9042") == node.get_port(9042) == "127.0.0.1:32768"
    with pytest.raises(UsageProblem, match="port 7000 of node-1 is not published: published are 9042"):
        node.get_port(7000)


def test_every_name_of_the_address_is_the_same(node: Node) -> None:
    names = ("ip_address", "internal_ip_address", "private_ip_address", "external_address", "public_dns_name")
    assert {getattr(node, name) for name in (*names, "cql_address")} == {"10.0.0.1"}


def test_a_port_of_a_reachable_container_is_tried(node: Node) -> None:
    node._ip = "127.0.0.1"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert node.is_port_used(port, "cql")
    assert not node.is_port_used(port, "cql")


def test_a_port_out_of_reach_is_looked_up_inside(node: Node, engine: FakeDocker) -> None:
    node.publish_host = "engine-host"
    engine.api.answers = lambda _: (0, SOCKETS, "")
    assert node.is_port_used(9042, "cql")
    assert not node.is_port_used(8000, "alternator")


def test_asking_for_a_port_never_raises(node: Node, engine: FakeDocker) -> None:
    node.publish_host = "engine-host"
    engine.containers.made.clear()
    assert node.is_port_used(9042, "cql") is False


def test_files_are_sent_into_a_folder_or_under_a_name(node: Node, engine: FakeDocker, tmp_path: Path) -> None:
    def answers(argv: Sequence[str]) -> Answer:
        return (0 if "/there" in argv or "mkdir" in argv else 1, "", "")

    engine.api.answers = answers
    (tmp_path / "a").write_text("x")
    assert node.send_files(tmp_path / "a", "/there") is True
    assert node.send_files(str(tmp_path / "a"), "/new/name") is True
    assert node.send_files(tmp_path / "a", "relative/") is True
    put = engine.containers.made["node-1"].put
    assert sorted(put) == ["/new/name", "/srv/relative/a", "/there/a"]
    assert ["timeout", "-k", "2", "10", "mkdir", "-p", "/new"] in engine.api.commands


def test_files_are_received(node: Node, engine: FakeDocker, tmp_path: Path) -> None:
    engine.files["/data/f"] = b"content"
    assert node.receive_files("/data/f", tmp_path / "got") is True
    assert (tmp_path / "got").read_bytes() == b"content"
    with pytest.raises(FileNotFoundError, match="/nope in node-1"):
        node.receive_files("/nope", tmp_path)


def test_a_stop_makes_it_not_running_and_a_removal_too(node: Node, engine: FakeDocker) -> None:
    assert node.is_running()
    node.stop(3)
    assert not node.is_running()
    node.kill()
    assert not node.is_running()
    assert engine.containers.made == {}


def test_killing_what_is_gone_is_no_error(node: Node, engine: FakeDocker, caplog: pytest.LogCaptureFixture) -> None:
    container = engine.containers.made["node-1"]
    node.kill()
    assert container.calls[-1] == "remove ['force', 'v']"
    with caplog.at_level(logging.WARNING):
        node.kill()
    assert "could not be removed: No such container" in caplog.text
