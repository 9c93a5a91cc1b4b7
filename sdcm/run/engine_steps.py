"""Steps of set-up that are about the engine: itself, the run's networks, images."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing
from typing import Any

from sdcm.broker.gate import Gate
from sdcm.broker.opener import BrokerSpec
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import Engine, find_engine, hold_engine
from sdcm.environment.graph import Graph, RunningStep
from sdcm.environment.images import Image, Images
from sdcm.ownership import labels
from sdcm.ownership.ledger import Ledger
from sdcm.paths import Paths
from sdcm.run.engine_watch import EngineWatch

#: Seconds that getting an image may take: building the Kubernetes one was measured at 10 minutes of two free cores;
#: packages and pulls depend on the network.
IMAGE_DEADLINE = 3600.0
_ENGINE_DEADLINE = 600.0
_NETWORK_DEADLINE = 60.0


class EngineSteps:
    """What returns a future starts its step, unless that was started before.

    Attributes:
        on_engine: Each called with the engine once it is up.
        on_lost: Called with the reason once it is gone.
    """

    def __init__(self, spec: BrokerSpec, places: Paths, ledger: Ledger, graph: Graph, gate: Gate) -> None:
        """Start nothing yet."""
        self.on_engine: list[Callable[[Engine], None]] = []
        self.on_lost: Callable[[str], None] = lambda _why: None
        self._spec = spec
        self._places = places
        self._ledger = ledger
        self._graph = graph
        self._gate = gate
        self._hold = ExitStack()

    def let_go(self) -> None:
        """Give up the hold on the engine."""
        self._hold.close()

    def engine(self) -> "Future[Engine]":
        """Return the future engine."""
        return self._graph.step("engine", self._engine_up, deadline=_ENGINE_DEADLINE)

    def _engine_up(self, step: RunningStep) -> Engine:
        choice = find_engine(self._spec.environ, self._places, allow_install=self._spec.allow_install)
        step.say(choice.detail)
        if choice.private:
            self._ledger.will_make("engine", str(self._places.engine))
        engine = self._hold.enter_context(hold_engine(choice, self._places, step))
        self._ledger.will_make("labelled", self._spec.run_id, **engine.facts())
        for then in self.on_engine:
            then(engine)
        step.detail = f"private; for `docker ps`: export DOCKER_HOST={engine.host}" if engine.private else choice.detail
        EngineWatch(engine.endpoint, self._graph.closing, self.on_lost).start()
        return engine

    def images(self) -> Images:
        """Return the images of the engine, once it is up."""
        return Images(
            self.engine().result(),
            Catalogue.load(),
            self._places,
            allow_install=self._spec.allow_install,
            verdicts=self._places.run_runtime(self._spec.run_id) / "registries.json",
            ledger=self._ledger,
        )

    def image(self, name: str, after: "Sequence[Future[Any]]" = ()) -> "Future[Image]":
        """Return a future image, by catalogue name or reference; it begins when the steps of `after` are over."""
        return self._graph.step(
            f"image {name}",
            lambda step: self.images().ensure(name, step),
            needs=[self.engine(), *after],
            deadline=IMAGE_DEADLINE,
        )

    def flavour(self) -> "Future[str]":
        """Return the future catalogue name of the run's own nodes' image."""
        return self._graph.step("flavour", self._choose_flavour, needs=[self.engine()], deadline=_NETWORK_DEADLINE)

    def _choose_flavour(self, step: RunningStep) -> str:
        """Scylla where its image is to be had, Cassandra elsewhere, unless `--db` says which."""
        if self._spec.db != "auto":
            return self._spec.db
        why_not = self.images().obtainable("scylla")
        flavour = "cassandra" if why_not else "scylla"
        step.detail = f"nodes are {flavour}" + (f": {why_not}" if why_not else "")
        return flavour

    def node_image(self) -> "Future[Image]":
        """Return the future image of the run's flavour, which is known only once the engine is up."""
        image: Future[Image] = Future()

        def follow(flavour: "Future[str]") -> None:
            if (error := flavour.exception()) is not None:
                image.set_exception(error)
                return
            self.image(flavour.result(), after=(self.flavour(),)).add_done_callback(pass_on)

        def pass_on(made: "Future[Image]") -> None:
            if (error := made.exception()) is not None:
                image.set_exception(error)
            else:
                image.set_result(made.result())

        self.flavour().add_done_callback(follow)
        return image

    def network(self, name: str) -> "Future[str]":
        """Return the future Docker network to use for a name; empty: the run's own."""
        return self._graph.step(
            f"network {name}".strip(),
            lambda step: self._make_network(name, step),
            needs=[self.engine()],
            deadline=_NETWORK_DEADLINE,
        )

    def _make_network(self, name: str, step: RunningStep) -> str:
        """Join a network of the user's by its very name; any other name is one within the run."""
        with closing(self.engine().result().client()) as client:
            if name and any(
                found.name == name and not labels.is_ours(found.attrs.get("Labels"))
                for found in client.networks.list(names=[name])
            ):
                step.say(f"joining {name}, which is not ours")
                return name
            own = f"sct-{self._spec.run_id}-{name}" if name else f"sct-{self._spec.run_id}"
            with self._gate.making():
                self._ledger.will_make("network", own, **self.engine().result().facts())
                client.networks.create(own, driver="bridge", labels=labels.of_run(self._spec.run_id, "network"))
        return own
