from collections.abc import Sequence

import pytest

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
def records(
    engine: FakeDocker, node: Node, record: NodeRecord, peer: NodeRecord, monkeypatch: pytest.MonkeyPatch
) -> list[NodeRecord]:
    monkeypatch.setattr(ring, "_STEP", 0.01)
    engine.containers.create("image:1", name="node-2", ports={}).start()
    return [record, peer]


def test_states_are_read_from_nodetools_table() -> None:
    assert ring.states(JOINING) == {"10.0.0.1": "UN", "10.0.0.2": "UJ"}


def test_the_wait_ends_when_both_nodes_see_both(engine: FakeDocker, records: list[NodeRecord]) -> None:
    outputs = [(1, "", "not up yet"), (0, JOINING, ""), (0, JOINED, ""), (0, JOINED, "")]
    engine.api.answers = lambda _: outputs.pop(0)
    ring.wait_until_ring(records, deadline=5)
    assert outputs == []
    assert engine.closed == 2


def test_a_node_too_many_is_not_that_ring(engine: FakeDocker, records: list[NodeRecord]) -> None:
    engine.api.answers = lambda _: (0, JOINED, "")
    with pytest.raises(DeadlinePassed, match=r"1 nodes were no ring within 0\.1 s: node-1 sees 10\.0\.0\.1 UN"):
        ring.wait_until_ring(records[:1], deadline=0.1)


def test_the_time_being_up_tells_who_sees_whom_how(engine: FakeDocker, records: list[NodeRecord]) -> None:
    engine.api.answers = lambda _: (0, JOINING, "")
    engine.log = "the log"
    with pytest.raises(DeadlinePassed, match=r"node-2 sees 10\.0\.0\.1 UN, 10\.0\.0\.2 UJ") as failure:
        ring.wait_until_ring(records, deadline=0.1)
    assert failure.value.evidence == "the log"


def test_a_node_that_ended_ends_the_wait(engine: FakeDocker, records: list[NodeRecord]) -> None:
    def answers(_argv: Sequence[str]) -> Answer:
        engine.containers.made["node-2"].attrs["State"].update(Status="exited", ExitCode=1)
        return 1, "", "gone"

    engine.api.answers = answers
    with pytest.raises(EnvironmentFailed, match="node node-2 ended with status 1"):
        ring.wait_until_ring(records, deadline=60)
