"""What the tests of stress tools share: a node to put load on, and events."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm.containers.records import NodeRecord
from sdcm.events.device import EventsDevice


@pytest.fixture
def node_record() -> NodeRecord:
    return NodeRecord(
        container_id="id-of-node-1",
        name="node-1",
        image="image:1",
        flavour="cassandra",
        host="unix:///nowhere/engine.sock",
        ip="10.0.0.1",
        ports={"9042": ("127.0.0.1", 32768)},
        network="sct-12345678",
        username="cassandra",
        password="s3cret",
        dc="datacenter1",
        rack="rack1",
        capabilities=("cql",),
        boot_seconds=4.5,
    )


@pytest.fixture
def node(node_record: NodeRecord) -> Any:
    """A node as tools see it: its address and its record."""
    return SimpleNamespace(cql_address=node_record.ip, record=node_record)


@pytest.fixture
def device() -> Iterator[EventsDevice]:
    with EventsDevice() as events:
        yield events
