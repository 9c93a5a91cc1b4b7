"""What the tests of containers share: a node on a fake engine."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from sdcm.containers.records import NodeRecord
from unit_tests.lib.node_records import node_record

# A conftest is loaded even where no test of its folder is wanted: what is heavy is imported in the fixtures.
if TYPE_CHECKING:
    from sdcm.containers.node import Node
    from unit_tests.lib.fake_cql import FakeCql
    from unit_tests.lib.fake_docker import FakeDocker


@pytest.fixture
def cql() -> Iterator["FakeCql"]:
    """A server that answers as a node does, on a port of its own."""
    from unit_tests.lib.fake_cql import FakeCql

    with FakeCql().serving() as server:
        yield server


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator["FakeDocker"]:
    """The engine that containers find behind every address."""
    from sdcm.containers import handle
    from unit_tests.lib.fake_docker import FakeDocker

    docker = FakeDocker()
    docker.published = {9042: 32768, 8000: 32769}
    monkeypatch.setattr(handle, "connect", lambda _host: docker)
    yield docker
    docker.api.close()


@pytest.fixture
def record() -> NodeRecord:
    return node_record()


@pytest.fixture
def node(engine: "FakeDocker", record: NodeRecord) -> "Node":
    """A running node."""
    from sdcm.containers.node import Node

    engine.containers.create("image:1", name="node-1", network="net", ports={"9042/tcp": ("127.0.0.1", None)}).start()
    return Node(record)


@pytest.fixture
def peer() -> NodeRecord:
    return node_record(2, ports={"9042": ("127.0.0.1", 40002)})
