"""Steps of set-up that are about the Kubernetes cluster: `kind`, the cluster, images loaded into it."""

import threading
import time
from concurrent.futures import Future
from pathlib import Path

from sdcm.broker.gate import Gate
from sdcm.broker.opener import BrokerSpec
from sdcm.broker.protocol import TESTS_BEGUN_FILE
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import missing_capabilities, privileged_verdict
from sdcm.environment.graph import Graph, RunningStep
from sdcm.environment.kind import create_cluster
from sdcm.environment.kind_binary import ensure_kind_binary
from sdcm.environment.kind_images import load_image
from sdcm.errors import ServiceUnavailable
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.ownership import removers
from sdcm.ownership.ledger import Ledger
from sdcm.paths import Paths
from sdcm.run.engine_steps import IMAGE_DEADLINE, EngineSteps

_KIND_DEADLINE = 900.0
_CLUSTER_DEADLINE = 300.0
_LOAD_DEADLINE = 300.0
_LOOK_AGAIN = 0.1
_REMOVAL_DEADLINE = 60.0
#: Image that containers are probed with; the base of what is built here.
_PROBE_IMAGE = "base-bookworm"


class ClusterSteps:
    """`cluster` and `loaded` return the future of a step, and start it when it is first asked for."""

    def __init__(
        self, spec: BrokerSpec, places: Paths, ledger: Ledger, graph: Graph, gate: Gate, on: EngineSteps
    ) -> None:
        """Start nothing yet.

        Args:
            spec: Says which cluster.
            places: Where files go.
            ledger: The run's.
            graph: The run's steps.
            gate: Closed when the run ends.
            on: The engine that a cluster of our own stands on.
        """
        self._spec = spec
        self._places = places
        self._ledger = ledger
        self._graph = graph
        self._gate = gate
        self._on = on
        self._wanted = threading.Event()
        self._go: Future[None] = Future()
        self._looking = threading.Lock()
        self._removal: list[Future[None]] = []

    def hurry(self) -> None:
        """Let the cluster wait for no test: somebody waits for it."""
        self._wanted.set()

    def _kind(self) -> "Future[Path]":
        return self._graph.step(
            "kind",
            lambda step: ensure_kind_binary(self._on.engine().result(), self._on.images(), self._places, step),
            needs=[self._privileged()],
            deadline=_KIND_DEADLINE,
        )

    def _privileged(self) -> "Future[str]":
        return self._graph.step(
            "privileged", self._probe_privileged, needs=[self._on.engine()], deadline=IMAGE_DEADLINE
        )

    def _probe_privileged(self, step: RunningStep) -> str:
        """Try on a user's engine whether it runs privileged containers; a private one was started so that it does."""
        engine = self._on.engine().result()
        if engine.private:
            step.detail = "private engine"
            return ""
        reason = privileged_verdict(engine, self._on.image(_PROBE_IMAGE).result().reference, self._spec.run_id)
        if reason:
            raise ServiceUnavailable(
                "kubernetes: this Docker engine cannot run privileged containers, which Kind needs",
                why=reason,
                mend="use an engine that can, or pass --kubeconfig",
            )
        return ""

    def cluster(self) -> "Future[ClusterRecord]":
        """Return the future cluster: the one given, or one that Kind makes."""
        if self._spec.kubernetes == "none":
            return self._graph.step("cluster", self._no_cluster, deadline=_CLUSTER_DEADLINE)
        if self._spec.kubernetes == "kubeconfig":
            return self._graph.step("cluster", self._given_cluster, deadline=_CLUSTER_DEADLINE)
        node_image = self._graph.step(
            "image kind-node",
            # The pulled node cannot run without every capability; ours finds out what there is.
            lambda step: self._on.images().ensure("kind-node", step, built_here=bool(missing_capabilities())),
            needs=[self._privileged()],
            deadline=IMAGE_DEADLINE,
        )
        return self._graph.step(
            "cluster",
            self._create_cluster,
            needs=[self._kind(), node_image, self._tests_begun(), *self._removal],
            deadline=_CLUSTER_DEADLINE,
        )

    def _tests_begun(self) -> "Future[None]":
        """Return what is done when the first test was given out, or its time is up, or the cluster is waited for.

        Workers that collect beside a cluster that boots take twice as long, and every test waits for them.
        """
        # Asked for each time that the step is, and looked for once.
        if self._looking.acquire(blocking=False):
            threading.Thread(target=self._look, name="tests begun", daemon=True).start()
        return self._go

    def _look(self) -> None:
        begun = self._places.run_runtime(self._spec.run_id) / TESTS_BEGUN_FILE
        end = time.monotonic() + self._spec.tests_first
        while not begun.exists() and time.monotonic() < end and not self._graph.closing.is_set():
            if self._wanted.wait(_LOOK_AGAIN):
                break
        self._go.set_result(None)

    def remove_early(self) -> bool:
        """Begin to remove a cluster of our own while the run goes on; return whether there is one that is up.

        It is a step of the run like its creation; what it cannot remove is in the ledger still, and is teardown's.
        """
        if self._spec.kubernetes != "kind" or self._removal or self._graph.state().get("cluster") != "done":
            return False
        loads = [name for name in self._graph.state() if name.startswith("load ")]
        self._removal.append(self._graph.step("cluster removal", self._remove, deadline=_REMOVAL_DEADLINE))
        self._graph.forget("cluster", *loads)
        return True

    def _remove(self, step: RunningStep) -> None:
        name = f"sct-{self._spec.run_id}"
        ours = {("kind-cluster", name), ("network", f"{name}-kind")}
        entries = self._ledger.entries()
        left = removers.remove([e for e in entries if (e.kind, e.name) in ours], self._ledger, _REMOVAL_DEADLINE)
        if not left:
            for entry in entries:
                if entry.kind == "namespace":
                    self._ledger.removed(entry)
        step.detail = "no test to come needs it" if not left else f"left for teardown: {left[0]}"

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
            self._on.engine().result(),
            self._on.image("kind-node").result(),
            self._kind().result(),
            run_id=self._spec.run_id,
            runtime=self._places.run_runtime(self._spec.run_id),
            paths=self._places,
            ledger=self._ledger,
            making=self._gate.making,
            step=step,
        )

    def loaded(self, name: str) -> "Future[str]":
        """Return the future reference of an image that the cluster's nodes hold."""
        if self._spec.kubernetes != "kind":
            return self._graph.step(
                f"load {name}", lambda _: self._pullable(name), needs=[self.cluster()], deadline=_LOAD_DEADLINE
            )
        return self._graph.step(
            f"load {name}",
            lambda step: self._load(name, step),
            needs=[self.cluster(), self._on.image(name)],
            deadline=_LOAD_DEADLINE,
        )

    def _load(self, name: str, step: RunningStep) -> str:
        reference = self._on.image(name).result().reference
        load_image(self._on.engine().result(), self.cluster().result(), reference, step)
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
