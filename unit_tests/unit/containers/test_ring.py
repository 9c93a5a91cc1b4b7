import time
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace

import pytest
from cassandra import ConsistencyLevel, Unauthorized

from sdcm import wait
from sdcm.containers import ring
from sdcm.containers.node import Node
from sdcm.containers.records import NodeRecord
from sdcm.errors import DeadlinePassed, EnvironmentFailed
from unit_tests.lib.fake_docker import Answer, FakeDocker

STATUS = """\
Datacenter: datacenter1
=======================
Status=Up/Down
|/ State=Normal/Leaving/Joining/Moving
--  Address     Load        Tokens  Owns (effective)  Host ID                               Rack
UN  10.0.0.1    116.81 KiB  4       100.0%            b735c445-8714-458d-ad1d-f29d12ac0e8b  rack1
{second}
"""
JOINED = STATUS.format(second="UN  10.0.0.2    98 KiB  4  100.0%  d90cde7a-4756-4a2a-863d-4e389fd24979  rack1")
JOINING = STATUS.format(second="UJ  10.0.0.2    98 KiB  4  ?       d90cde7a-4756-4a2a-863d-4e389fd24979  rack1")


@pytest.fixture
def nodes(engine: FakeDocker, node: Node, peer: NodeRecord, monkeypatch: pytest.MonkeyPatch) -> ring.NodeRing:
    monkeypatch.setattr(ring, "_STEP", 0.01)
    engine.containers.create("image:1", name="node-2", ports={}).start()
    made = ring.NodeRing([node])
    made.join(Node(peer))
    return made


def test_states_are_read_from_nodetools_table() -> None:
    assert ring.states(JOINING) == {"10.0.0.1": "UN", "10.0.0.2": "UJ"}


def test_the_wait_ends_when_both_nodes_see_both(engine: FakeDocker, nodes: ring.NodeRing) -> None:
    outputs = [(1, "", "not up yet"), (0, JOINING, ""), (0, JOINED, ""), (0, JOINED, "")]
    engine.api.answers = lambda _: outputs.pop(0)
    nodes.wait_until_up(5)
    assert outputs == []


def test_a_node_too_many_is_not_that_ring(engine: FakeDocker, nodes: ring.NodeRing) -> None:
    engine.api.answers = lambda _: (0, JOINED, "")
    with pytest.raises(DeadlinePassed, match=r"1 nodes were no ring within 0\.1 s: node-1 sees 10\.0\.0\.1 UN"):
        ring.NodeRing(nodes[:1]).wait_until_up(0.1)


def test_the_time_being_up_tells_who_sees_whom_how(engine: FakeDocker, nodes: ring.NodeRing) -> None:
    engine.api.answers = lambda _: (0, JOINING, "")
    engine.log = "the log"
    with pytest.raises(DeadlinePassed, match=r"node-2 sees 10\.0\.0\.1 UN, 10\.0\.0\.2 UJ") as failure:
        nodes.wait_until_up(0.1)
    assert failure.value.evidence == "the log"


def test_a_node_that_ended_ends_the_wait(engine: FakeDocker, nodes: ring.NodeRing) -> None:
    def answers(_argv: Sequence[str]) -> Answer:
        engine.containers.made["node-2"].attrs["State"].update(Status="exited", ExitCode=1)
        return 1, "", "gone"

    engine.api.answers = answers
    with pytest.raises(EnvironmentFailed, match="node node-2 ended with status 1"):
        nodes.wait_until_up(60)


class FakeSession:
    """Answers what the schema says of the tables of logins, and writes down what it was asked."""

    def __init__(self, *tables: str) -> None:
        self.tables = tables
        self.asked: list[tuple[str, object]] = []

    def execute(self, query: object, _values: object = None) -> list[SimpleNamespace]:
        text = getattr(query, "query_string", query)
        self.asked.append((text, getattr(query, "consistency_level", None)))
        return [SimpleNamespace(table_name=name) for name in self.tables] if "system_schema" in text else []


def test_logins_are_kept_on_every_node_and_read_at_all_so_that_each_has_them() -> None:
    session = FakeSession("roles", "role_members")
    ring.replicate_logins(session, Counter(dc2=1, dc1=2))
    assert [text for text, _ in session.asked[1:]] == [
        "ALTER KEYSPACE system_auth WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 2, 'dc2': 1}",
        "SELECT * FROM system_auth.roles",
        "SELECT * FROM system_auth.role_members",
    ]
    assert [level for _, level in session.asked[2:]] == [ConsistencyLevel.ALL] * 2


def test_a_coordinator_that_finds_no_roles_yet_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = iter([Unauthorized("User cassandra has no SELECT permission")] * 2)

    class Refusing(FakeSession):
        def execute(self, query: object, _values: object = None) -> list[SimpleNamespace]:
            found = super().execute(query, _values)
            if "SELECT * FROM" in self.asked[-1][0] and (refusal := next(refusals, None)):
                raise refusal
            return found

    monkeypatch.setattr(wait, "time", SimpleNamespace(sleep=lambda _seconds: None, monotonic=time.monotonic))
    session = Refusing("cidr_groups", "roles")
    ring.replicate_logins(session, Counter(dc1=3))
    assert [text.rpartition(".")[2] for text, _ in session.asked[2:]] == ["cidr_groups"] * 3 + ["roles"]


def test_logins_that_are_no_keyspace_of_their_own_are_left_alone() -> None:
    session = FakeSession()
    ring.replicate_logins(session, Counter(dc1=3))
    assert len(session.asked) == 1


def test_nodes_of_a_ring_know_it_and_lead_one_anothers_sessions(nodes: ring.NodeRing) -> None:
    first, second = nodes
    assert first.parent_cluster is second.parent_cluster is nodes
    assert first.whereabouts.published() == second.whereabouts.published() == {
        "10.0.0.1": ("127.0.0.1", 32768), "10.0.0.2": ("127.0.0.1", 40002),
    }  # fmt: skip
    second.stop()
    assert list(first.whereabouts.published()) == ["10.0.0.1"]


def test_a_node_of_its_own_is_a_ring_of_one(node: Node) -> None:
    assert list(node.parent_cluster) == [node]
    assert node.parent_cluster.get_db_auth() == ("cassandra", "s3cret")
