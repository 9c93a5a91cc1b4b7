"""What the tests of stress tools share: a node to put load on, and events."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm.containers.records import NodeRecord
from sdcm.events.device import EventsDevice
from unit_tests.lib import node_records as records


@pytest.fixture
def node_record() -> NodeRecord:
    return records.node_record(network="sct-12345678")


@pytest.fixture
def node(node_record: NodeRecord) -> Any:
    """A node as tools see it: its address and its record."""
    return SimpleNamespace(cql_address=node_record.ip, record=node_record)


@pytest.fixture
def device() -> Iterator[EventsDevice]:
    with EventsDevice() as events:
        yield events
