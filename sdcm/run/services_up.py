"""Brings the environment up, each part as a step of the graph, and answers for it.

    engine --> network
           --> image X, for each image
           --> privileged (may containers be?) --+
           --> image kind-node ------------------+--> cluster --> X loaded, for each image X
           --> kind (the binary) ----------------+

What the plan names is started by `begin`; what a test asks for beyond it, when it asks.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, TypeVar

from sdcm.broker import states as service_states
from sdcm.broker.gate import Gate
from sdcm.broker.opener import BrokerSpec
from sdcm.broker.states import ServiceStates
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import Engine, find_engine, hold_engine, missing_capabilities, privileged_verdict
from sdcm.environment.graph import Graph, RunningStep
from sdcm.environment.images import Image, Images
from sdcm.environment.kind import create_cluster
from sdcm.environment.kind_binary import ensure_kind_binary
from sdcm.environment.kind_images import load_image
from sdcm.errors import EngineLost, SctError, ServiceUnavailable
from sdcm.journal import Journal
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.ownership import labels
from sdcm.ownership.ledger import Ledger
from sdcm.paths import Paths
from sdcm.run.engine_watch import LOST_FILE, EngineWatch
from sdcm.services.selected import NODE_IMAGE

T = TypeVar("T")


#: Seconds each kind of step may take. Building the Kubernetes image was measured at 10 minutes of
#: two free cores; packages and pulls depend on the network.
_DEADLINES = {"engine": 600.0, "network": 60.0, "image": 3600.0, "kind": 900.0, "cluster": 300.0, "load": 300.0}
#: Image that containers are probed with; the base of what is built here.
_PROBE_IMAGE = "base-bookworm"


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
        #: Called with the engine once it is up.
        self.on_engine: Callable[[Engine], None] = lambda _engine: None
        self._spec = spec
        self._places = places
        self._states = states
        self._gate = gate
        self._stop = stop
        self._engine_hold = ExitStack()
        self._watched: set[str] = set()
        self._lock = threading.Lock()

    # -- what the run asks of the whole ------------------------------------------------------------

    def begin(self) -> None:
        """Start every step that the plan names."""
        for service in self._spec.services:
            self._start(service)

    def let_go_of_engine(self) -> None:
        """Give up the hold on the engine; the last to do so stops a private one (see `teardown`)."""
        self._engine_hold.close()

    def wait(self, service: str) -> dict[str, str]:
        """Wait for a service and return the variables a test reaches it by."""
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

    def stop(self) -> None:
        """Begin to tear down."""
        self._stop.set()

    # -- its parts ---------------------------------------------------------------------------------

    def engine(self) -> Engine:
        """Return the engine."""
        return self._engine().result()

    def network(self, name: str) -> str:
        """Return the Docker network to use for a name; empty: the run's own."""
        return self._network(name).result()

    def image(self, name: str) -> Image:
        """Return an image by catalogue name, reference, or `NODE_IMAGE`."""
        return (self._node_image() if name == NODE_IMAGE else self._image(name)).result()

    def node_image(self) -> Image:
        """Return the image of the run's own node flavour."""
        return self.image(self._flavour().result())

    def cluster(self) -> ClusterRecord:
        """Return the Kubernetes cluster."""
        return self._cluster().result()

    def loaded(self, name: str) -> str:
        """Return the reference of an image once the cluster's nodes hold it."""
        return self._loaded(name).result()

    # -- steps -------------------------------------------------------------------------------------

    def _start(self, service: str) -> None:
        with self._lock:
            if service in self._watched:
                return
            self._watched.add(service)
        vital = self._vital_steps(service)
        if vital:
            self._states.set(service, service_states.WAITING)
            images = self._images_of(service)
            threading.Thread(target=self._watch, args=(service, vital, images), daemon=True).start()

    def _vital_steps(self, service: str) -> "list[Future[Any]]":
        """Return the steps without which no test that needs the service can run."""
        if service == "docker":
            return [self._engine(), self._network("")]
        return [self._cluster()] if service == "kubernetes" else []

    def _images_of(self, service: str) -> "list[Future[Any]]":
        if service != "docker":
            return []
        return [self._node_image() if name == NODE_IMAGE else self._image(name) for name in self._spec.images]

    def _watch(self, service: str, vital: "list[Future[Any]]", images: "list[Future[Any]]") -> None:
        """Publish the service's state; an image that a test names, and that is not to be had, concerns it alone."""
        failures = [error for step in vital if (error := step.exception()) is not None]
        for image in images:
            image.exception()
        if service == "docker" and NODE_IMAGE in self._spec.images and not failures:
            # Without an image for the run's own nodes there is no service to speak of.
            failures = [error for error in [self._node_image().exception()] if error is not None]
        first = next((error for error in failures if isinstance(error, SctError)), None)
        if first is None:
            self._states.set(service, service_states.READY)
        elif isinstance(first, ServiceUnavailable):
            self._states.set(service, service_states.UNAVAILABLE, first)
        else:
            self._states.set(service, service_states.FAILED, first)

    def _engine(self) -> "Future[Engine]":
        return self.graph.step("engine", self._engine_up, deadline=_DEADLINES["engine"])

    def _engine_up(self, step: RunningStep) -> Engine:
        choice = find_engine(self._spec.environ, self._places, allow_install=self._spec.allow_install)
        step.say(choice.detail)
        if choice.private:
            self.ledger.will_make("engine", str(self._places.engine))
        engine = self._engine_hold.enter_context(hold_engine(choice, self._places, step))
        self.ledger.will_make("labelled", self.run_id, **engine.facts())
        self.on_engine(engine)
        step.detail = f"private; for `docker ps`: export DOCKER_HOST={engine.host}" if engine.private else choice.detail
        EngineWatch(engine.endpoint, self.graph.closing, self._engine_lost).start()
        return engine

    def _engine_lost(self, why: str) -> None:
        """Say that nothing more is to be expected of the engine: to the tests, the runner and the journal."""
        error = EngineLost("the engine is gone", why=why, mend="see the engine's own log; `sct.py doctor`")
        self.journal.write("engine-lost", error=error.to_record())
        (self.runtime / LOST_FILE).write_text(str(error))
        for service in self._states.all():
            self._states.set(service, service_states.FAILED, error)

    def _images(self) -> Images:
        return Images(
            self.engine(),
            Catalogue.load(),
            self._places,
            allow_install=self._spec.allow_install,
            verdicts=self.runtime / "registries.json",
            ledger=self.ledger,
        )

    def _image(self, name: str) -> "Future[Image]":
        return self.graph.step(
            f"image {name}",
            lambda step: self._images().ensure(name, step),
            needs=[self._engine()],
            deadline=_DEADLINES["image"],
        )

    def _flavour(self) -> "Future[str]":
        return self.graph.step("flavour", self._choose_flavour, needs=[self._engine()], deadline=_DEADLINES["network"])

    def _choose_flavour(self, step: RunningStep) -> str:
        """Scylla where its image is to be had, Cassandra elsewhere, unless `--db` says which."""
        if self._spec.db != "auto":
            return self._spec.db
        why_not = self._images().obtainable("scylla")
        flavour = "cassandra" if why_not else "scylla"
        step.detail = f"nodes are {flavour}" + (f": {why_not}" if why_not else "")
        return flavour

    def _node_image(self) -> "Future[Image]":
        """Return the future image of the run's flavour, which is known only once the engine is up."""
        image: Future[Image] = Future()

        def follow(flavour: "Future[str]") -> None:
            if (error := flavour.exception()) is not None:
                image.set_exception(error)
                return
            self._image(flavour.result()).add_done_callback(pass_on)

        def pass_on(made: "Future[Image]") -> None:
            if (error := made.exception()) is not None:
                image.set_exception(error)
            else:
                image.set_result(made.result())

        self._flavour().add_done_callback(follow)
        return image

    def _network(self, name: str) -> "Future[str]":
        return self.graph.step(
            f"network {name}".strip(),
            lambda step: self._make_network(name, step),
            needs=[self._engine()],
            deadline=_DEADLINES["network"],
        )

    def _make_network(self, name: str, step: RunningStep) -> str:
        """Join a network of the user's by its very name; any other name is one within the run."""
        with closing(self.engine().client()) as client:
            if name and any(
                found.name == name and not labels.is_ours(found.attrs.get("Labels"))
                for found in client.networks.list(names=[name])
            ):
                step.say(f"joining {name}, which is not ours")
                return name
            own = f"sct-{self.run_id}-{name}" if name else f"sct-{self.run_id}"
            self._making(
                "network",
                own,
                lambda: client.networks.create(own, driver="bridge", labels=labels.of_run(self.run_id, "network")),
            )
        return own

    def _making(self, kind: str, name: str, make: Callable[[], T], **facts: str) -> T:
        """Make an object of the engine's: gate, ledger, then the object."""
        with self._gate.making():
            self.ledger.will_make(kind, name, **self.engine().facts(), **facts)
            return make()

    def _kind(self) -> "Future[Path]":
        return self.graph.step(
            "kind",
            lambda step: ensure_kind_binary(self.engine(), self._images(), self._places, step),
            needs=[self._privileged()],
            deadline=_DEADLINES["kind"],
        )

    def _privileged(self) -> "Future[str]":
        return self.graph.step(
            "privileged", self._probe_privileged, needs=[self._engine()], deadline=_DEADLINES["image"]
        )

    def _probe_privileged(self, step: RunningStep) -> str:
        """Try on a user's engine whether it runs privileged containers; a private one was started so that it does."""
        if self.engine().private:
            step.detail = "private engine"
            return ""
        reason = privileged_verdict(self.engine(), self.image(_PROBE_IMAGE).reference, self.run_id)
        if reason:
            raise ServiceUnavailable(
                "kubernetes: this Docker engine cannot run privileged containers, which Kind needs",
                why=reason,
                mend="use an engine that can, or pass --kubeconfig",
            )
        return ""

    def _cluster(self) -> "Future[ClusterRecord]":
        if self._spec.kubernetes == "none":
            return self.graph.step("cluster", self._no_cluster, deadline=_DEADLINES["cluster"])
        if self._spec.kubernetes == "kubeconfig":
            return self.graph.step("cluster", self._given_cluster, deadline=_DEADLINES["cluster"])
        node_image = self.graph.step(
            "image kind-node",
            # The pulled node cannot run without every capability; ours finds out what there is.
            lambda step: self._images().ensure("kind-node", step, built_here=bool(missing_capabilities())),
            needs=[self._privileged()],
            deadline=_DEADLINES["image"],
        )
        return self.graph.step(
            "cluster", self._create_cluster, needs=[self._kind(), node_image], deadline=_DEADLINES["cluster"]
        )

    def _no_cluster(self, _step: RunningStep) -> ClusterRecord:
        raise ServiceUnavailable(
            "kubernetes: no cluster: KUBECONFIG is not set and no environment is kept",
            mend="run through `uv run sct.py integration-tests`, which makes a Kind cluster",
        )

    def _given_cluster(self, _step: RunningStep) -> ClusterRecord:
        from sdcm.kubernetes.existing import existing_cluster

        return existing_cluster(Path(self._spec.kubeconfig))

    def _create_cluster(self, step: RunningStep) -> ClusterRecord:
        return create_cluster(
            self.engine(),
            self.image("kind-node"),
            self._kind().result(),
            run_id=self.run_id,
            runtime=self.runtime,
            paths=self._places,
            ledger=self.ledger,
            making=self._gate.making,
            step=step,
        )

    def _loaded(self, name: str) -> "Future[str]":
        if self._spec.kubernetes != "kind":
            return self.graph.step(
                f"load {name}", lambda _: self._pullable(name), needs=[self._cluster()], deadline=_DEADLINES["load"]
            )
        return self.graph.step(
            f"load {name}",
            lambda step: self._load(name, step),
            needs=[self._cluster(), self._image(name)],
            deadline=_DEADLINES["load"],
        )

    def _load(self, name: str, step: RunningStep) -> str:
        reference = self.image(name).reference
        load_image(self.engine(), self.cluster(), reference, step)
        return reference

    @staticmethod
    def _pullable(name: str) -> str:
        """Return what a cluster that is not ours can pull itself; nothing is loaded into it."""
        entry = Catalogue.load().find(name)
        if entry is not None and not entry.pull:
            raise ServiceUnavailable(
                f"kubernetes: image {name} is built here, and a cluster of --kubeconfig cannot pull it",
                mend="push it to a registry of the cluster's and name it by its reference, or run on Kind",
            )
        return entry.pull if entry else name

    def _engine_environ_if_any(self) -> Mapping[str, str]:
        return self.engine().environ() if self._spec.kubernetes == "kind" else {}
