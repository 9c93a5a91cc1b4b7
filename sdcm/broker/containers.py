"""Starts the containers beside database nodes that tests ask for, and takes them away."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing

from sdcm.broker.admission import Admission
from sdcm.broker.asking import Asking
from sdcm.broker.gate import Gate
from sdcm.broker.nodes import ROOM_DEADLINE
from sdcm.broker.removal import remove_container
from sdcm.broker.supplies import Supplies
from sdcm.containers.service import ContainerRecord, ContainerRequest, ContainerSpec, start_container
from sdcm.ownership import labels
from sdcm.ownership.ledger import Entry


class ContainerMaker:
    """Starts containers within the machine's budget; safe to use from several threads."""

    def __init__(self, supplies: Supplies, gate: Gate, admission: Admission) -> None:
        """Start containers in the environment of `supplies` for as long as `gate` is open."""
        self._supplies = supplies
        self._gate = gate
        self._admission = admission
        self._lock = threading.Lock()
        self._numbers: Counter[str] = Counter()

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
        with self._lock:
            self._numbers[request.fixture] += 1
            alias = f"{request.fixture}-{self._numbers[request.fixture]}"
        return ContainerSpec(
            request=request,
            name=f"sct-{self._supplies.run_id}-{alias}",
            alias=alias,
            image=image.reference,
            network=network,
            labels=labels.of_run(self._supplies.run_id, "service", test),
            publish_host=engine.publish_host,
            host=engine.host,
        )

    def _start(self, spec: ContainerSpec, test: str, asking: Asking) -> tuple[ContainerRecord, Entry]:
        engine = self._supplies.engine()
        journal = self._supplies.journal
        started = time.monotonic()
        self._gate.enter()
        try:
            entry = self._supplies.ledger.will_make("container", spec.name, **engine.facts())
            journal.write("container", name=spec.name, image=spec.image, test=test, state="starting")
            try:
                with closing(engine.client()) as client:
                    record = start_container(client, spec)
                asking.require()
            except BaseException:
                remove_container(self._supplies, entry, spec.image, test)
                raise
        finally:
            self._gate.leave()
        seconds = round(time.monotonic() - started, 3)
        journal.write("container", name=spec.name, image=spec.image, test=test, state="ready", seconds=seconds)
        return record, entry
