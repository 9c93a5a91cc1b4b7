"""Brings the environment up, each part as a step of the graph, and answers for it.

    engine --> network
           --> image X, for each image
           --> privileged (may containers be?) --+
           --> image kind-node ------------------+--> cluster --> X loaded, for each image X
           --> kind (the binary) ----------------+

What the plan names is started by `begin`; what a test asks for beyond it, when it asks. The steps themselves are in
`engine_steps` and `cluster_steps`.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from sdcm.broker import states as service_states
from sdcm.broker.gate import Gate
from sdcm.broker.opener import BrokerSpec
from sdcm.broker.states import ServiceStates
from sdcm.environment.engine import Engine
from sdcm.environment.graph import Graph
from sdcm.environment.images import Image
from sdcm.errors import EngineLost, SctError, ServiceUnavailable
from sdcm.journal import Journal
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.ownership.ledger import Ledger
from sdcm.paths import Paths
from sdcm.run.cluster_steps import ClusterSteps
from sdcm.run.engine_steps import EngineSteps
from sdcm.run.engine_watch import LOST_FILE
from sdcm.run.on_kubernetes.steps import ShardSteps
from sdcm.services.selected import NODE_IMAGE

#: What the runner waits for with `--on kubernetes`: the Job that the cluster has taken.
SHARDS = "shards"


class ServicesUp:
    """The run's environment; implements what the desk hands out from (`sdcm.broker.supplies`)."""

    def __init__(
        self,
        spec: BrokerSpec,
        places: Paths,
        ledger: Ledger,
        journal: Journal,
        states: ServiceStates,
        gate: Gate,
        stop: threading.Event,
    ) -> None:
        """Bring nothing up yet."""
        self.run_id = spec.run_id
        self.runtime = places.run_runtime(spec.run_id)
        self.ledger = ledger
        self.journal = journal
        self.graph = Graph(journal, places.run_state(spec.run_id) / "logs")
        self.kept_until = 0.0
        self._spec = spec
        self._states = states
        self._stop = stop
        self._engine_steps = EngineSteps(spec, places, ledger, self.graph, gate)
        self._engine_steps.on_lost = self._engine_lost
        self._cluster_steps = ClusterSteps(spec, places, ledger, self.graph, gate, self._engine_steps)
        self._shard_steps = ShardSteps(spec, ledger, self.graph, gate, self._engine_steps)
        self._watched: set[str] = set()
        self._lock = threading.Lock()

    # -- what the run asks of the whole ------------------------------------------------------------

    def begin(self) -> None:
        """Start every step that the plan names."""
        for service in self._spec.services:
            self._start(service)
        if self._spec.shards:
            self._shard_steps.job()

    def call_with_engine(self, then: Callable[[Engine], None]) -> None:
        """Have the engine passed on once it is up; to be said before `begin`."""
        self._engine_steps.on_engine.append(then)

    def let_go_of_engine(self) -> None:
        """Give up the hold on the engine; the last to do so stops a private one (see `teardown`)."""
        self._engine_steps.let_go()

    def wait(self, service: str) -> dict[str, str]:
        """Wait for a service and return the variables a test reaches it by."""
        if service == SHARDS:
            return self._shard_steps.job().result().facts()
        if service == "kubernetes":
            self._cluster_steps.hurry()
        self._start(service)
        for future in self._vital_steps(service):
            future.result()
        if service == "kubernetes":
            variables = self._engine_environ_if_any()
            return {**variables, "KUBECONFIG": self.cluster().kubeconfig}
        return self.engine().environ() if service == "docker" else {}

    def state(self) -> dict[str, dict[str, str]]:
        """Return the states of services and steps, and the variables that reach what is up."""
        environ: dict[str, str] = {}
        for service, state in self._states.all().items():
            if state == service_states.READY:
                environ |= self.wait(service)
        return {"services": self._states.all(), "steps": self.graph.state(), "environ": environ}

    def keep(self, seconds: float) -> None:
        """Let the environment outlive its opener for so long."""
        self.kept_until = time.time() + seconds
        self.ledger.keep_until(self.kept_until)

    def dismiss(self, service: str) -> None:
        """Take a service down that no test to come needs, unless the environment is to stay.

        A test that does ask for it, as one does that a plugin runs once more, has it brought up anew.
        """
        if not self.is_passing(service) or not self._cluster_steps.remove_early():
            return
        with self._lock:
            self._watched.discard(service)
        self._states.set(service, service_states.DISMISSED)

    def is_passing(self, service: str) -> bool:
        """Whether the service goes when no test needs it any more: a cluster of ours, unless it is to stay."""
        stays = self._spec.keeps or self._spec.keep_failed or self.kept_until
        return service == "kubernetes" and self._spec.kubernetes == "kind" and not stays

    def stop(self) -> None:
        """Begin to tear down."""
        self._stop.set()

    # -- its parts ---------------------------------------------------------------------------------

    def engine(self) -> Engine:
        """Return the engine."""
        return self._engine_steps.engine().result()

    def network(self, name: str) -> str:
        """Return the Docker network to use for a name; empty: the run's own."""
        return self._engine_steps.network(name).result()

    def image(self, name: str) -> Image:
        """Return an image by catalogue name, reference, or `NODE_IMAGE`."""
        return self._image(name).result()

    def node_image(self) -> Image:
        """Return the image of the run's own node flavour."""
        return self.image(self._engine_steps.flavour().result())

    def cluster(self) -> ClusterRecord:
        """Return the Kubernetes cluster."""
        return self._cluster_steps.cluster().result()

    def loaded(self, name: str) -> str:
        """Return the reference of an image once the cluster's nodes hold it."""
        return self._cluster_steps.loaded(name).result()

    # -- states ------------------------------------------------------------------------------------

    def _start(self, service: str) -> None:
        with self._lock:
            if service in self._watched:
                return
            self._watched.add(service)
        vital = self._vital_steps(service)
        if vital:
            self._states.set(service, service_states.WAITING, steps=self.graph.names(vital))
            images = self._images_of(service)
            threading.Thread(target=self._watch, args=(service, vital, images), daemon=True).start()

    def _vital_steps(self, service: str) -> "list[Future[Any]]":
        """Return the steps without which no test that needs the service can run."""
        if service == "docker":
            return [self._engine_steps.engine(), self._engine_steps.network("")]
        return [self._cluster_steps.cluster()] if service == "kubernetes" else []

    def _image(self, name: str) -> "Future[Image]":
        return self._engine_steps.node_image() if name == NODE_IMAGE else self._engine_steps.image(name)

    def _images_of(self, service: str) -> "list[Future[Any]]":
        if service != "docker":
            return []
        return [self._image(name) for name in self._spec.images]

    def _watch(self, service: str, vital: "list[Future[Any]]", images: "list[Future[Any]]") -> None:
        """Publish the service's state; an image that a test names, and that is not to be had, concerns it alone."""
        failures = [error for step in vital if (error := step.exception()) is not None]
        for image in images:
            image.exception()
        if service == "docker" and NODE_IMAGE in self._spec.images and not failures:
            # Without an image for the run's own nodes there is no service to speak of.
            failures = [error for error in [self._image(NODE_IMAGE).exception()] if error is not None]
        first = next((error for error in failures if isinstance(error, SctError)), None)
        if first is None:
            steps = self.graph.names(vital)
            if service == "docker" and NODE_IMAGE in self._spec.images:
                steps.append(f"image {self._engine_steps.flavour().result()}")
            self._states.set(service, service_states.READY, steps=steps)
        elif isinstance(first, ServiceUnavailable):
            self._states.set(service, service_states.UNAVAILABLE, first)
        else:
            self._states.set(service, service_states.FAILED, first)

    def _engine_lost(self, why: str) -> None:
        """Say that nothing more is to be expected of the engine: to the tests, the runner and the journal."""
        error = EngineLost("the engine is gone", why=why, mend="see the engine's own log; `sct.py doctor`")
        self.journal.write("engine-lost", error=error.to_record())
        (self.runtime / LOST_FILE).write_text(str(error))
        for service in self._states.all():
            self._states.set(service, service_states.FAILED, error)

    def _engine_environ_if_any(self) -> Mapping[str, str]:
        return self.engine().environ() if self._spec.kubernetes == "kind" else {}
