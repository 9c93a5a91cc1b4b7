"""Makes the database nodes that tests ask for, and takes them away."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

from sdcm.broker.admission import Admission
from sdcm.broker.asking import Asking
from sdcm.broker.gate import Gate
from sdcm.broker.making import Making
from sdcm.broker.protocol import NodeRequest
from sdcm.broker.removal import remove_container
from sdcm.broker.supplies import Supplies
from sdcm.containers.certificates import Authority
from sdcm.containers.flavours import flavour_of
from sdcm.containers.launch import launch_node
from sdcm.containers.records import NodeRecord, NodeSpec
from sdcm.environment import passing
from sdcm.environment.images import Image
from sdcm.errors import ServiceUnavailable, UsageProblem
from sdcm.ownership import labels
from sdcm.ownership.ledger import Entry
from sdcm.paths import make_private

if TYPE_CHECKING:
    from docker import DockerClient

#: Seconds a node may take from its creation until its login works; four boots on two busy cores
#: were seen to take 40.
BOOT_DEADLINE = 180.0
#: Seconds a request may wait for room; longer than the slowest test that holds a node is likely to run.
ROOM_DEADLINE = 1800.0
#: MiB a node may use, unless the test says otherwise.
NODE_MEMORY_MB = 512


class NodeMaker:
    """Boots nodes within the machine's budget; safe to use from several threads."""

    def __init__(self, supplies: Supplies, gate: Gate, admission: Admission) -> None:
        """Make nodes in the environment of `supplies` for as long as `gate` is open."""
        self._supplies = supplies
        self._making = Making(supplies, gate)
        self._admission = admission
        self._lock = threading.Lock()
        #: Address or name of a node -> name of its ring, for who joins it.
        self._rings: dict[str, str] = {}
        self._authority = Authority(supplies.runtime / "ssl")

    def make(
        self,
        request: NodeRequest,
        test: str,
        asking: Asking,
        *,
        holds_others: bool,
        room_deadline: float = ROOM_DEADLINE,
        unless: Callable[[], bool] = lambda: False,
        admitted: Callable[[], None] = lambda: None,
    ) -> tuple[NodeRecord, Callable[[], None]]:
        """Boot a node that answers CQL.

        Args:
            request: What the test asks for.
            test: Its node id.
            asking: Tells whether the worker still waits; without it nothing more is made.
            holds_others: The asking worker holds nodes already.
            room_deadline: Seconds it may wait for room.
            unless: Asked while it waits, whether the node is needed no more.
            admitted: Called once there is room, before it boots.

        Returns:
            The node, and a function that takes it away.

        Raises:
            ServiceUnavailable: Its image is not to be had.
            Interrupted: The worker stopped waiting; what was made is removed.
            NotNeeded: `unless` said so.
            EnvironmentFailed: It did not come up.
        """
        image = self._image_of(request)
        network = self._supplies.network(request.network)
        spec = self._spec(request, image, network, test)
        with self._admission.boot(
            spec.memory_mb, holds_others=holds_others, deadline=room_deadline, asking=asking, unless=unless
        ):
            admitted()
            node, entry = passing.again(
                lambda: self._boot(spec, test, asking),
                lambda text: self._supplies.journal.write("container", name=spec.name, state="again", reason=text),
                time.sleep,
            )
        with self._lock:
            self._rings.update(dict.fromkeys((node.ip, node.name, spec.network_alias), node.cluster_name))

        def take_away() -> None:
            remove_container(self._supplies, entry, spec.image, test)
            self._admission.gone(spec.memory_mb)

        return node, take_away

    def require(self, request: NodeRequest) -> None:
        """Check that a node of that kind has what the test asks of it.

        Raises:
            ServiceUnavailable: It has not, or its image is not to be had.
        """
        known = flavour_of(self._flavour_in(self._image_of(request)))
        missing = sorted(set(request.needs) - set(known.capabilities))
        if missing:
            raise ServiceUnavailable(
                f"a {known.name} node has no {', '.join(missing)}",
                why="; ".join(known.instead[name] for name in missing if name in known.instead),
                mend="run with an image that has (--db scylla)",
            )

    def _image_of(self, request: NodeRequest) -> Image:
        return self._supplies.image(request.image) if request.image else self._supplies.node_image()

    def _flavour_in(self, image: Image) -> str:
        with closing(self._supplies.engine().client()) as client:
            return flavour_of_image(image.reference, client.images.get(image.id).labels)

    def _spec(self, request: NodeRequest, image: Image, network: str, test: str) -> NodeSpec:
        engine = self._supplies.engine()
        flavour = self._flavour_in(image)
        alias = self._making.alias(request.fixture)
        name = self._making.full_name(alias)
        return NodeSpec(
            name=name,
            image=image.reference,
            flavour=flavour,
            network=network,
            network_alias=alias,
            seeds=request.seeds,
            cluster_name=request.cluster_name or self._ring_of(request.seeds, name),
            ssl_dir=self._certificates(name, alias, engine.publish_host) if request.ssl else "",
            mtls=request.mtls,
            rack=request.rack,
            dc=request.dc,
            smp=request.smp,
            memory_mb=request.memory_mb or NODE_MEMORY_MB,
            extra_args=request.extra_args,
            native_entrypoint=request.native_entrypoint,
            labels=labels.of_run(self._supplies.run_id, "node", test),
            publish_host=engine.publish_host,
            host=engine.host,
        )

    def _ring_of(self, seeds: tuple[str, ...], name: str) -> str:
        """Return the name of the ring that the seeds are of, `name` for a ring of its own; empty when not known."""
        with self._lock:
            return next((self._rings[seed] for seed in seeds if seed in self._rings), "") if seeds else name

    def _certificates(self, *names: str) -> str:
        """Have the run's authority sign certificates for a node, named first, in the run's runtime directory."""
        make_private(self._authority.folder)
        return str(self._authority.issue(make_private(self._authority.folder / names[0]), names))

    def _boot(self, spec: NodeSpec, test: str, asking: Asking) -> tuple[NodeRecord, Entry]:
        def launch(client: "DockerClient", on_created: Callable[[str], None]) -> NodeRecord:
            return launch_node(client, spec, deadline=BOOT_DEADLINE, on_created=on_created)

        return self._making.make(spec.name, spec.image, test, asking, launch)


def flavour_of_image(reference: str, image_labels: Mapping[str, str] | None) -> str:
    """Return the node flavour inside an image: what its label says, else what its repository's name does.

    Raises:
        UsageProblem: Neither tells.
    """
    if labelled := (image_labels or {}).get(labels.FLAVOUR):
        return labelled
    repository = reference.rpartition("@")[0] or reference
    found = next((flavour for flavour in ("scylla", "cassandra") if flavour in repository), None)
    if found is None:
        raise UsageProblem(
            f"cannot tell which database is in image {reference}",
            why=f"it has no label {labels.FLAVOUR} and its name says neither scylla nor cassandra",
            mend=f"label it: LABEL {labels.FLAVOUR}=cassandra",
        )
    return found
