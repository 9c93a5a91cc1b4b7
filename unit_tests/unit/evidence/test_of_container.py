"""What a container tells: of its state, its log, what was done to it, and its ring."""

from types import SimpleNamespace

import pytest
from docker.errors import NotFound

from sdcm.containers.container import Container
from sdcm.containers.execution import CommandResult
from sdcm.containers.node import Node
from sdcm.containers.records import NodeRecord
from sdcm.evidence import findings
from sdcm.evidence.of_container import of_container, state_in_words

START = 1795374900.0
RUNS = {"Status": "running", "Running": True, "StartedAt": "2026-11-22T19:14:35.4Z", "ExitCode": 0}
KILLED = {"Status": "exited", "Running": False, "ExitCode": 137, "FinishedAt": "2026-11-22T19:15:04.617Z"}
STATUS = "Datacenter: dc\n--  Address   Load\nUN  10.0.0.2  1 KiB\nDN  10.0.0.3  1 KiB\n"


class EngineContainer:
    """The engine's object of one container; writes down what its log was asked for."""

    def __init__(self, state, log="", events=()):
        self.attrs = {"State": state, "HostConfig": {"Memory": 2**30}, "NetworkSettings": {"Ports": {}, "Networks": {}}}
        self.name, self.id, self.log, self.asked = "sct-1", "id", log, {}
        self.client = SimpleNamespace(api=SimpleNamespace(events=lambda **_: iter(events)), close=lambda: None)

    def reload(self):
        """Look again."""
        if self.attrs["State"] is None:
            raise NotFound("No such container")

    def logs(self, **options):
        """Give the log."""
        self.asked = options
        return self.log.encode()


def asked(container, engine, names=None):
    """Return what the sources of a container find."""
    container.__dict__["handle"] = engine
    sources = of_container(container, START, START + 10, names or {})
    return findings.gather(sources, 20)


def node(name="sct-1", **more):
    """A node as a test has it."""
    own = {"container_id": "id", "name": name, "image": "img", "flavour": "cassandra", "host": "unix:///x"}
    own |= {"ip": "10.0.0.2", "ports": {"9042": ("127.0.0.1", 4)}, "network": "net", "username": "", "password": ""}
    return Node(NodeRecord(**own, dc="dc1", rack="r1", boot_seconds=1.0, **more))


@pytest.fixture
def plain():
    """A container that is no node."""
    return Container("id", "unix:///x", name="sct-1", image="img")


def test_a_killed_container_is_told_first_with_what_was_done_to_it(plain):
    """Its status, its last words, and the engine's memory of who killed it."""
    log = "2026-11-22T19:15:01.000000000Z INFO ready\n2026-11-22T19:15:04.000000000Z FATAL the disk is gone\n"
    kill = {"Action": "kill", "timeNano": int((START + 4) * 1e9), "Actor": {"Attributes": {"signal": "9"}}}
    die = {"Action": "die", "timeNano": int((START + 4.1) * 1e9), "Actor": {"Attributes": {"exitCode": "137"}}}
    late = {"Action": "exec_create: nodetool status", "timeNano": int((START + 11) * 1e9)}
    engine = EngineContainer(KILLED, log, [kill, die, late])
    found = asked(plain, engine)
    assert found.missing == []
    assert found.telling() == [
        "sct-1 ended with status 137 (signal KILL) at 19:15:04.617; its log: 19:15:04.000 FATAL the disk is gone"
    ]
    assert [moment.what for moment in found.moments()] == [
        "sct-1: the engine was asked to send it signal KILL",
        "sct-1: ended with status 137",
    ]
    assert {piece.file: piece.place for piece in found.pieces()} == {"sct-1.state.txt": 1, "sct-1.log": 1}
    assert engine.asked["since"] == START
    assert engine.asked["until"] > START + 10


def test_a_container_that_is_well_comes_last_and_tells_nothing(plain):
    """Its log and state are there nevertheless."""
    found = asked(plain, EngineContainer(RUNS, "2026-11-22T19:15:01.000000000Z INFO ready\n"))
    assert found.telling() == []
    assert [held.state for held in found.held()] == ["runs since 19:14:35.400"]
    assert {piece.place for piece in found.pieces()} == {findings.WELL}


def test_a_container_that_somebody_removed_is_told_so(plain):
    """There is nothing else to be had."""
    found = asked(plain, EngineContainer(None))
    assert found.telling() == ["container sct-1 was removed by somebody else"]
    assert found.pieces() == []


def test_a_node_tells_which_of_its_ring_it_misses(monkeypatch):
    """By name where the test has that node."""
    one = node(capabilities=("nodetool",), leased_at=START + 3, earlier_tests=("a.py::first", "a.py::second"))
    monkeypatch.setattr(one, "execute", lambda *_, **__: CommandResult(STATUS, "", 0, 1.0, "nodetool status"))
    engine = EngineContainer(RUNS)
    found = asked(one, engine, {"10.0.0.3": "sct-2"})
    assert found.telling() == ["sct-1 sees sct-2 (10.0.0.3) as DN"]
    assert found.pieces()[0].file == "sct-1.nodetool-status.txt"
    assert engine.asked["since"] == START + 3
    state = next(piece.text for piece in found.pieces() if piece.file == "sct-1.state.txt")
    assert "had before by        a.py::first\n                     a.py::second\n" in state


def test_a_node_that_is_down_is_not_asked_for_its_ring(monkeypatch):
    """The container says why."""
    one = node(capabilities=("nodetool",))
    monkeypatch.setattr(one, "execute", lambda *_, **__: pytest.fail("it was asked"))
    found = asked(one, EngineContainer(KILLED))
    assert [piece.file for piece in found.pieces()] == ["sct-1.state.txt", "sct-1.log"]
    assert found.missing == []


def test_states_in_words():
    """As docker has them, for people."""
    assert state_in_words({"Status": "created"}) == "was never started"
    assert state_in_words({**RUNS, "Paused": True}) == "is paused, started at 19:14:35.400"
    assert state_in_words({**RUNS, "Health": {"Status": "unhealthy"}}).endswith(", unhealthy")
    killed = state_in_words({**KILLED, "OOMKilled": True})
    assert killed == "ended with status 137 (killed by the kernel for its use of memory) at 19:15:04.617"
    assert state_in_words({"Status": "exited", "ExitCode": 3}) == "ended with status 3"
