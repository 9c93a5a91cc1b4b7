"""`docker_scylla`, `docker_scylla_2` and `docker_scylla_cluster`: database nodes in containers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Protocol

import pytest

from sdcm.errors import ServiceUnavailable
from sdcm.pytest_plugin import node_arguments
from sdcm.pytest_plugin.leasing import leased, watched
from sdcm.pytest_plugin.node_arguments import request_of
from sdcm.pytest_plugin.node_login import are_read, login_in, login_of, params_of
from sdcm.pytest_plugin.readiness import skip_unavailable
from sdcm.pytest_plugin.session import context_of

if TYPE_CHECKING:
    from sdcm.broker.protocol import NodeRequest
    from sdcm.containers.node import Node
    from sdcm.containers.ring import NodeRing

#: The most nodes a test may ask for at once; a slip of the keyboard is not to fill the machine.
_MOST_NODES = 12


@contextmanager
def node_for(request: pytest.FixtureRequest, wanted: "NodeRequest") -> Iterator["Node"]:
    """Lease a node for the time of the block; its sessions are closed before it goes.

    With TLS the test's `params` say so; sessions log in as `params` say.
    """
    from sdcm.containers.node import Node
    from sdcm.containers.records import NodeRecord

    params = params_of(request) if wanted.ssl or are_read(request) else None
    with leased(request, "node", request=wanted.to_record()) as answer:
        node = Node(NodeRecord.from_record(answer["node"]))
        node.log_in_as(login_of(request.node) if params is None else lambda: login_in(params))
        if params is not None and wanted.ssl:
            params.update(client_encrypt=True, client_encrypt_mtls=wanted.mtls)
        node.tell_of_nodetool(_nodetool_event)
        with watched(request, node), closing(node):
            yield node


@contextmanager
def _nodetool_event(*, node: str, nodetool_command: str, options: str) -> Iterator[None]:
    """Tell of a call of nodetool where a test has an event system."""
    from sdcm.events import registry

    if registry.active() is None:
        yield
        return
    from sdcm.events.kinds import NodetoolEvent

    with NodetoolEvent(node=node, nodetool_command=nodetool_command, options=options):
        yield


def _needs(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Return the capabilities that the test asks of its node."""
    return tuple(str(capability) for marker in request.node.iter_markers("needs") for capability in marker.args)


@pytest.fixture(scope="session")
def catalogue_image(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Give the test a function that makes an image ready and returns its reference.

    Its argument is a name of the image catalogue (`sct.py images list`) or an image reference. An image
    that can be neither pulled nor built here skips the test, naming it; one whose build breaks fails it.

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
    wanted = request_of(node_arguments.of_item(request.node), "scylla", needs=_needs(request))
    with node_for(request, wanted) as node:
        yield node


@pytest.fixture
def docker_scylla_2(request: pytest.FixtureRequest, docker_scylla: "Node") -> Iterator["Node"]:
    """Give the test a second node, in one cluster with `docker_scylla`; both see one another as up.

    External services: Docker
    """
    wanted = request_of(
        node_arguments.of_item(request.node), "scylla", **_joining(docker_scylla), needs=_needs(request)
    )
    with node_for(request, wanted) as node:
        docker_scylla.parent_cluster.join(node)
        docker_scylla.parent_cluster.settle()
        yield node


def _joining(first: "Node") -> dict[str, object]:
    """Return what a request says to join the ring of this node."""
    return {"seeds": (first.ip_address,), "cluster_name": first.record.cluster_name}


class MakeCluster(Protocol):
    """What `docker_scylla_cluster` gives."""

    def __call__(
        self, n: int, racks: int | Sequence[str] = (), dcs: int | Sequence[str] = (), **arguments: object
    ) -> "NodeRing":
        """Boot `n` nodes that form a ring."""


@pytest.fixture
def docker_scylla_cluster(request: pytest.FixtureRequest) -> Iterator[MakeCluster]:
    """Give the test a function that boots a cluster of its own: `docker_scylla_cluster(3, racks=2)`.

    Its arguments are the number of nodes; `racks` and `dcs`, each a number (`RACK0`, `RACK1`, ... and `datacenter1`,
    `datacenter2`, ...) or a list of names, dealt out to the nodes in turn; and what `docker_scylla_args` takes,
    which wins over the marker's. It returns the nodes, in the order they joined, once each sees all of them up.

    External services: Docker
    """
    with ExitStack() as held:

        def make(
            n: int, racks: int | Sequence[str] = (), dcs: int | Sequence[str] = (), **arguments: object
        ) -> "NodeRing":
            if not 1 <= n <= _MOST_NODES:
                raise pytest.UsageError(f"docker_scylla_cluster: {n} nodes -- it boots 1 to {_MOST_NODES}")
            racks = [f"RACK{number}" for number in range(racks)] if isinstance(racks, int) else racks
            dcs = [f"datacenter{number + 1}" for number in range(dcs)] if isinstance(dcs, int) else dcs
            common = {**node_arguments.of_item(request.node), **arguments}
            return _boot_ring(request, held, common, list(_places(n, racks, dcs)))

        yield make


def _places(n: int, racks: Sequence[str], dcs: Sequence[str]) -> Iterator[dict[str, object]]:
    """Yield rack and data centre of each of `n` nodes: data centres in turn, and in each of them the racks in turn."""
    for number in range(n):
        place: dict[str, object] = {}
        if dcs:
            place["dc"] = dcs[number % len(dcs)]
        if racks:
            place["rack"] = racks[number // max(1, len(dcs)) % len(racks)]
        yield place


def _boot_ring(
    request: pytest.FixtureRequest, held: ExitStack, common: dict[str, object], places: list[dict[str, object]]
) -> "NodeRing":
    from sdcm.containers.ring import NodeRing

    def boot(place: dict[str, object], **more: object) -> "Node":
        wanted = request_of({**common, **place}, "scylla", **more, needs=_needs(request))
        return held.enter_context(node_for(request, wanted))

    ring = NodeRing([boot(places[0])])
    for place in places[1:]:
        ring.join(boot(place, **_joining(ring[0])))
    ring.settle()
    return ring
