"""Starts the containers beside database nodes that tests ask for, and takes them away."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing

from sdcm.broker.admission import Admission
from sdcm.broker.gate import Gate
from sdcm.broker.nodes import ROOM_DEADLINE
from sdcm.broker.supplies import Supplies
from sdcm.containers.service import ContainerRecord, ContainerRequest, ContainerSpec, start_container
from sdcm.ownership import labels, removers
from sdcm.ownership.ledger import Entry

_REMOVE_DEADLINE = 60.0


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
        self, request: ContainerRequest, test: str, *, holds_others: bool
    ) -> tuple[ContainerRecord, Callable[[], None]]:
        """Start a container; whether what runs in it is ready is for the caller to find out.

        Args:
            request: What the test asks for.
            test: Its node id.
            holds_others: The asking worker holds leases already.

        Returns:
            The container, and a function that takes it away.

        Raises:
            ServiceUnavailable: Its image is not to be had.
            EnvironmentFailed: It did not start.
        """
        spec = self._spec(request, test)
        with self._admission.boot(request.memory_mb, holds_others=holds_others, deadline=ROOM_DEADLINE):
            record, entry = self._start(spec, test)

        def take_away() -> None:
            self._remove(entry)
            self._admission.gone(request.memory_mb)
            self._supplies.journal.write("container", name=spec.name, image=spec.image, test=test, state="removed")

        return record, take_away

    def _spec(self, request: ContainerRequest, test: str) -> ContainerSpec:
        image = self._supplies.image(request.image)
        network = self._supplies.network(request.network)
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

    def _start(self, spec: ContainerSpec, test: str) -> tuple[ContainerRecord, Entry]:
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
            except BaseException:
                self._remove(entry)
                raise
        finally:
            self._gate.leave()
        seconds = round(time.monotonic() - started, 3)
        journal.write("container", name=spec.name, image=spec.image, test=test, state="ready", seconds=seconds)
        return record, entry

    def _remove(self, entry: Entry) -> None:
        removers.remove([entry], self._supplies.ledger, deadline=_REMOVE_DEADLINE)
