"""What the desk hands out from: the run's environment, each part brought up when first asked for."""

from pathlib import Path
from typing import Protocol

from sdcm.environment.engine import Engine
from sdcm.environment.images import Image
from sdcm.journal import Journal
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.ownership.ledger import Ledger


class Supplies(Protocol):
    """Each method waits until its part is up, and raises that part's own error when it is not to be had."""

    run_id: str
    runtime: Path
    ledger: Ledger
    journal: Journal

    def engine(self) -> Engine:
        """Return the engine."""

    def network(self, name: str) -> str:
        """Return the Docker network to use for a name; empty: the run's own."""

    def image(self, name: str) -> Image:
        """Return an image by catalogue name or reference."""

    def node_image(self) -> Image:
        """Return the image of the run's own node flavour."""

    def cluster(self) -> ClusterRecord:
        """Return the Kubernetes cluster."""

    def loaded(self, name: str) -> str:
        """Return the reference of an image once the cluster's nodes hold it."""

    def wait(self, service: str) -> dict[str, str]:
        """Wait for a service and return the variables a test reaches it by."""

    def state(self) -> dict[str, dict[str, str]]:
        """Return the states of services and steps."""

    def keep(self, seconds: float) -> None:
        """Let the environment outlive its opener for so long."""

    def dismiss(self, service: str) -> None:
        """Take a service down that no test to come needs, in the background; one that asks for it gets it anew."""

    def is_passing(self, service: str) -> bool:
        """Whether the service goes when no test needs it any more, with all that is on it."""

    def stop(self) -> None:
        """Begin to tear down."""
