"""Starts the containers beside database nodes that tests ask for, and takes them away."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sdcm.broker.admission import Admission
from sdcm.broker.asking import Asking
from sdcm.broker.gate import Gate
from sdcm.broker.making import Making
from sdcm.broker.nodes import ROOM_DEADLINE
from sdcm.broker.removal import remove_container
from sdcm.broker.supplies import Supplies
from sdcm.containers.service import ContainerRecord, ContainerRequest, ContainerSpec, start_container
from sdcm.ownership import labels
from sdcm.ownership.ledger import Entry

if TYPE_CHECKING:
    from docker import DockerClient


class ContainerMaker:
    """Starts containers within the machine's budget; safe to use from several threads."""

    def __init__(self, supplies: Supplies, gate: Gate, admission: Admission) -> None:
        """Start containers in the environment of `supplies` for as long as `gate` is open."""
        self._supplies = supplies
        self._making = Making(supplies, gate)
        self._admission = admission

    def make(
        self, request: ContainerRequest, test: str, asking: Asking, *, holds_others: bool
    ) -> tuple[ContainerRecord, Callable[[], None]]:
        """Start a container; whether what runs in it is ready is for the caller to find out.

        Args:
            request: What the test asks for.
            test: Its node id.
            asking: Tells whether the worker still waits; without it nothing more is made.
            holds_others: The asking worker holds leases already.

        Returns:
            The container, and a function that takes it away.

        Raises:
            ServiceUnavailable: Its image is not to be had.
            Interrupted: The worker stopped waiting; what was made is removed.
            EnvironmentFailed: It did not start.
        """
        spec = self._spec(request, test)
        with self._admission.boot(request.memory_mb, holds_others=holds_others, deadline=ROOM_DEADLINE, asking=asking):
            record, entry = self._start(spec, test, asking)

        def take_away() -> None:
            remove_container(self._supplies, entry, spec.image, test)
            self._admission.gone(request.memory_mb)

        return record, take_away

    def _spec(self, request: ContainerRequest, test: str) -> ContainerSpec:
        image = self._supplies.image(request.image)
        # A fixture may name the network that its node is on already, in full.
        own = f"sct-{self._supplies.run_id}"
        is_full = request.network == own or request.network.startswith(f"{own}-")
        network = request.network if is_full else self._supplies.network(request.network)
        engine = self._supplies.engine()
        alias = self._making.alias(request.fixture)
        return ContainerSpec(
            request=request,
            name=self._making.full_name(alias),
            alias=alias,
            image=image.reference,
            network=network,
            labels=labels.of_run(self._supplies.run_id, "service", test),
            publish_host=engine.publish_host,
            host=engine.host,
        )

    def _start(self, spec: ContainerSpec, test: str, asking: Asking) -> tuple[ContainerRecord, Entry]:
        def launch(client: "DockerClient", on_created: Callable[[str], None]) -> ContainerRecord:
            return start_container(client, spec, on_created=on_created)

        return self._making.make(spec.name, spec.image, test, asking, launch)
