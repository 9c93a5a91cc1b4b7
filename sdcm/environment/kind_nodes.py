"""Puts a run's image into every node of a Kind cluster that is not the run's own, and takes it out again."""

import contextlib
from typing import TYPE_CHECKING

from sdcm.environment.engine import Engine
from sdcm.environment.kind_images import full_name, load_image
from sdcm.environment.step import Step
from sdcm.errors import ServiceUnavailable
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.ownership import docker_objects
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.ownership.ledger import Entry, Ledger

if TYPE_CHECKING:
    import docker.models.containers

#: Kind of an image in a node in a ledger; its name is the image's, its facts are the engine's, and `node`.
LEDGER_KIND = "node-image"
#: What kind puts before a cluster's name to name its context.
_CONTEXT = "kind-"
_CTR = ("ctr", "--namespace=k8s.io", "images")


def load_into_nodes(engine: Engine, context: str, reference: str, ledger: Ledger, step: Step) -> None:
    """Load an image of the engine into the nodes of a context's Kind cluster.

    Args:
        engine: The engine that has the image, and that the cluster is on.
        context: The context; it is named after the cluster.
        reference: The image.
        ledger: The run's; told before each node gets it.
        step: Reported to; its deadline holds.

    Raises:
        ServiceUnavailable: The context is no Kind cluster of this engine.
        EnvironmentFailed: A node does not take it.
    """
    name = context.removeprefix(_CONTEXT)
    nodes = docker_objects.kind_containers(engine.endpoint, name) if context.startswith(_CONTEXT) else []
    if not nodes:
        raise ServiceUnavailable(
            "--load-into-kind",
            why=f"context {context} is no Kind cluster of the Docker engine {engine.host}",
            mend="use --registry HOST/PATH, from which the cluster pulls the image",
        )
    for node in nodes:
        ledger.will_make(LEDGER_KIND, reference, node=node.name, **engine.facts())
        load_image(engine, ClusterRecord(name, "", "", context, control_plane=node.name), reference, step)


def unload(entry: Entry) -> None:
    """Take an image out of a node; a node that is gone has taken it along.

    Args:
        entry: The ledger's.

    Raises:
        DockerException: The engine or the node refuses.
    """
    from docker.errors import NotFound

    with contextlib.closing(Endpoint.from_facts(entry.facts).client(timeout=60)) as client:
        try:
            node = client.containers.get(entry.facts["node"])
        except NotFound:
            return
        if node.status == "running":
            _remove(node, full_name(entry.name))


def _remove(node: "docker.models.containers.Container", name: str) -> None:
    """Remove a name, and what the kubelet calls the same image by unless another run's name means it too."""
    listed = node.exec_run([*_CTR, "list"])[1]
    text = listed.decode(errors="replace") if isinstance(listed, bytes) else ""
    rows = [line.split() for line in text.splitlines()[1:]]
    digests = {row[0]: row[2] for row in rows if len(row) > 2}
    if name not in digests:
        return
    same = [each for each, digest in digests.items() if digest == digests[name]]
    others = [each for each in same if each != name and not each.startswith("sha256:") and "@" not in each]
    node.exec_run([*_CTR, "rm", *([name] if others else same)])
