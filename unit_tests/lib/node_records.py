"""A node's record that names nothing real, for tests of what is done with one."""

from dataclasses import replace
from typing import Any

from sdcm.containers.records import NodeRecord

_FIRST = NodeRecord(
    container_id="id-of-node-1",
    name="node-1",
    image="image:1",
    flavour="cassandra",
    host="unix:///nowhere/engine.sock",
    ip="10.0.0.1",
    ports={"9042": ("127.0.0.1", 32768)},
    network="net",
    username="cassandra",
    password="s3cret",
    dc="datacenter1",
    rack="rack1",
    capabilities=("cql", "nodetool"),
    boot_seconds=4.5,
)


def node_record(number: int = 1, **more: Any) -> NodeRecord:
    """Return the record of the `number`-th node; `more` replaces what else it says."""
    own = {"container_id": f"id-of-node-{number}", "name": f"node-{number}", "ip": f"10.0.0.{number}"}
    return replace(_FIRST, **{**own, **more})
