"""`docker_scylla` and `docker_scylla_2`: database nodes in containers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from sdcm.errors import ServiceUnavailable
from sdcm.pytest_plugin import evidence, markers
from sdcm.pytest_plugin.leasing import leased
from sdcm.pytest_plugin.readiness import skip_unavailable
from sdcm.pytest_plugin.session import context_of

if TYPE_CHECKING:
    from sdcm.broker.protocol import NodeRequest
    from sdcm.containers.node import Node

MARKER = "docker_scylla_args"
#: Seconds for two nodes to see one another up.
RING_DEADLINE = 120.0
#: Marker argument -> field of the request to the broker.
_ARGUMENTS = {
    "scylla_docker_image": "image",
    "image": "image",
    "docker_network": "network",
    "ssl": "ssl",
    "seeds": "seeds",
    "rack": "rack",
    "dc": "dc",
    "native_entrypoint": "native_entrypoint",
    "smp": "smp",
    "memory_mb": "memory_mb",
    "extra_args": "extra_args",
}


def request_of(arguments: dict[str, object], fixture: str, **more: Any) -> "NodeRequest":
    """Turn marker arguments into a request to the broker.

    Args:
        arguments: The marker's arguments, all levels merged.
        fixture: Short name of the fixture.
        **more: Fields that the fixture itself decides.

    Raises:
        pytest.UsageError: An argument is unknown.
    """
    from sdcm.broker.protocol import NodeRequest

    # What other fixtures read.
    arguments = {name: value for name, value in arguments.items() if name != "vs_docker_image"}
    unknown = sorted(set(arguments) - set(_ARGUMENTS))
    if unknown:
        raise pytest.UsageError(f"{MARKER}: unknown argument {unknown[0]!r} -- known: {', '.join(sorted(_ARGUMENTS))}")
    fields: dict[str, Any] = {}
    # `scylla_docker_image` wins over `image`, so it comes last.
    for name in sorted(arguments, key=lambda name: name == "scylla_docker_image"):
        fields[_ARGUMENTS[name]] = arguments[name]
    if "seeds" in fields:
        fields["seeds"] = tuple(str(fields["seeds"]).replace(",", " ").split())
    if "rack" in fields:
        fields["rack"] = "" if fields["rack"] is None else str(fields["rack"])
    fields["extra_args"] = tuple(fields.get("extra_args", ()))
    return NodeRequest(**{**fields, "fixture": fixture, **more})


@contextmanager
def node_for(request: pytest.FixtureRequest, wanted: "NodeRequest") -> Iterator["Node"]:
    """Lease a node for the time of the block; its sessions are closed before it goes."""
    from sdcm.containers.node import Node
    from sdcm.containers.records import NodeRecord

    with leased(request, "node", request=wanted.to_record()) as answer:
        record = NodeRecord.from_record(answer["node"])
        node = Node(record)
        evidence.watch(request.node, node)
        try:
            yield node
        finally:
            node.close()


def _needs(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Return the capabilities that the test asks of its node."""
    return tuple(str(capability) for marker in request.node.iter_markers("needs") for capability in marker.args)


@pytest.fixture(scope="session")
def catalogue_image(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Give the test a function that makes an image ready and returns its reference.

    Its argument is a name of the image catalogue (`sct.py images list`) or an image reference. An image
    that can be neither pulled nor built skips the test, naming it.

    External services: Docker
    """

    def ready(name: str) -> str:
        try:
            return str(context_of(request.config).client().ask("image", image=name)["reference"])
        except ServiceUnavailable as exc:
            skip_unavailable("docker", exc)

    return ready


@pytest.fixture
def docker_scylla(request: pytest.FixtureRequest) -> Iterator["Node"]:
    """Give the test a database node of its own: CQL answers and the login works.

    The node is Scylla where its image is to be had, else Cassandra (`--db`); the marker
    `docker_scylla_args` says how it starts.

    External services: Docker
    """
    wanted = request_of(markers.merged_arguments(request.node, MARKER), "scylla", needs=_needs(request))
    with node_for(request, wanted) as node:
        yield node


@pytest.fixture
def docker_scylla_2(request: pytest.FixtureRequest, docker_scylla: "Node") -> Iterator["Node"]:
    """Give the test a second node, in one cluster with `docker_scylla`; both see one another as up.

    External services: Docker
    """
    from sdcm.containers.ring import wait_until_ring

    arguments = {**markers.merged_arguments(request.node, MARKER), "seeds": docker_scylla.internal_ip_address}
    with node_for(request, request_of(arguments, "scylla")) as node:
        wait_until_ring([docker_scylla.record, node.record], deadline=RING_DEADLINE)
        docker_scylla.know_peer(node.record)
        node.know_peer(docker_scylla.record)
        yield node
