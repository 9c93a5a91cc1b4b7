"""Puts images of the engine into the node of a Kind cluster.

The image streams from the engine into containerd in the node, without a file between. A label in
containerd tells which image a name stands for, so an image that is there is not sent again.
"""

import contextlib
import shlex
import socket
from typing import TYPE_CHECKING, Any

from sdcm.environment.engine import Engine
from sdcm.environment.step import Step
from sdcm.environment.telling import Teller
from sdcm.errors import EnvironmentFailed
from sdcm.kubernetes.cluster import ClusterRecord

if TYPE_CHECKING:
    import docker

_CTR = ("ctr", "--namespace=k8s.io", "images")
#: Label of an image in the node: the id it has in the engine.
_ID_LABEL = "sct.image-id"
_BLOCK = 1 << 20


def load_image(engine: Engine, cluster: ClusterRecord, reference: str, step: Step) -> None:
    """Make an image of the engine present in the cluster's node, under the same reference.

    Args:
        engine: The engine that has the image.
        cluster: The cluster, on the same engine.
        reference: The image; by tag, which manifests then name.
        step: Reported to; its deadline holds.

    Raises:
        EnvironmentFailed: The engine has no such image, or the node does not take it.
    """
    from docker.errors import DockerException, ImageNotFound

    try:
        with contextlib.closing(engine.client(timeout=step.deadline)) as client:
            image = client.images.get(reference)
            name = full_name(reference)
            if _present(client, cluster.control_plane, name, str(image.id)):
                step.say(f"{reference} is in the cluster already")
                return
            size = image.attrs.get("Size", 0)
            teller = Teller(step, f"loading {reference} ({size / 1e6:.0f} MB) into the cluster")
            _stream(client, cluster.control_plane, reference, size, teller)
            _run(client, cluster.control_plane, [*_CTR, "label", name, f"{_ID_LABEL}={image.id}"])
    except ImageNotFound as exc:
        raise EnvironmentFailed(f"the engine has no image {reference}", mend=f"docker pull {reference}") from exc
    except (DockerException, OSError) as exc:
        raise EnvironmentFailed(f"{reference} cannot be loaded into the cluster", why=str(exc)) from exc


def full_name(reference: str) -> str:
    """Return an image's name as containerd has it: with registry and tag."""
    first, slash, _ = reference.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    if not slash:
        reference = f"docker.io/library/{reference}"
    elif not is_host:
        reference = f"docker.io/{reference}"
    last = reference.rpartition("/")[2]
    return reference if ":" in last or "@" in last else f"{reference}:latest"


def _present(client: "docker.DockerClient", node: str, name: str, image_id: str) -> bool:
    listed = _run(client, node, [*_CTR, "list", "-q", f'name=={name},labels."{_ID_LABEL}"=={image_id}'])
    return bool(listed.strip())


def _run(client: "docker.DockerClient", node: str, argv: list[str]) -> str:
    status, output = client.containers.get(node).exec_run(argv)
    text = output.decode(errors="replace") if isinstance(output, bytes) else ""
    if status != 0:
        raise EnvironmentFailed(f"`{shlex.join(argv)}` failed in {node}", why=text.strip()[-300:], evidence=text)
    return text


def _stream(client: "docker.DockerClient", node: str, reference: str, size: int, teller: Teller) -> None:
    argv = [*_CTR, "import", "--discard-unpacked-layers", "-"]
    execution = client.api.exec_create(node, argv, stdin=True, stdout=True, stderr=True)["Id"]
    connection = client.api.exec_start(execution, socket=True)
    pipe: Any = getattr(connection, "_sock", connection)
    sent = 0
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it then says why it stopped reading
            for block in client.api.get_image(reference, chunk_size=_BLOCK):
                pipe.sendall(block)
                sent += len(block)
                teller.still(f"loading {reference}: {sent / 1e6:.0f} of about {size / 1e6:.0f} MB")
            pipe.shutdown(socket.SHUT_WR)
        teller.now(f"unpacking {reference} in the cluster")
        said = b"".join(iter(lambda: pipe.recv(_BLOCK), b""))
    finally:
        connection.close()
    status = client.api.exec_inspect(execution)["ExitCode"]
    if status != 0:
        text = said.decode(errors="replace")
        raise EnvironmentFailed(f"the cluster does not take {reference}", why=text.strip()[-300:], evidence=text)
