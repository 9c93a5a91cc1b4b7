"""A cluster's DNS, made quick: one server, looked at each second.

kubeadm asks for two servers that are looked at every ten seconds. Changed once they are up, both are started, stopped
and replaced, and the cluster waits for that; so they are changed as soon as they are asked for, before anything starts.
"""

import contextlib
import io
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm.errors import SctError
from sdcm.kubernetes.api import STRATEGIC_PATCH, Api
from sdcm.kubernetes.conditions import is_met
from sdcm.kubernetes.kubeconfig import Access, read_access

if TYPE_CHECKING:
    import docker

_DEPLOYMENT = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"
#: One node needs no second DNS server, nor to wait ten seconds for the next look at the first.
_ONE_QUICK_SERVER = {
    "spec": {
        "replicas": 1,
        "template": {"spec": {"containers": [{"name": "coredns", "readinessProbe": {"periodSeconds": 1}}]}},
    }
}
#: Where kubeadm writes how to log in, long before kind has it.
_LOGIN = "/etc/kubernetes/admin.conf"
_API_PORT = "6443/tcp"
#: Seconds between two looks for the login, which comes once, and for the servers, which start at once.
_LOGIN_POLL = 0.3
_POLL = 0.1
_SILENT = 5.0


def make_quick(api: Api) -> None:
    """Have the cluster's DNS be one server that is looked at each second.

    Raises:
        ApiRefused: It was not asked for yet.
        ApiSilent: The API server does not answer.
    """
    api.call("PATCH", _DEPLOYMENT, _ONE_QUICK_SERVER, content_type=STRATEGIC_PATCH)


def answers(api: Api) -> bool:
    """Return whether DNS answers."""
    return bool(is_met(api.get(_DEPLOYMENT), "Ready"))


@contextlib.contextmanager
def quick_from_the_start(connect: "Callable[[], docker.DockerClient]", node: str, address: str) -> Iterator[None]:
    """Make DNS quick as soon as it is asked for, while the block has the cluster made.

    It is tried again and again to the block's end; who needs it to have been done calls `make_quick` then.

    Args:
        connect: Makes a client of the engine; it is closed here.
        node: Name of the control plane's container, which need not be there yet.
        address: Where its API server is published.
    """
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(connect, node, address, over), name=f"dns of {node}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_SILENT)


def _watch(connect: "Callable[[], docker.DockerClient]", node: str, address: str, over: threading.Event) -> None:
    from docker.errors import DockerException

    # An engine that is gone is told of by who makes the cluster.
    with contextlib.suppress(DockerException, OSError), contextlib.closing(connect()) as client:
        api = None
        while api is None and not over.wait(_LOGIN_POLL):
            try:
                api = Api(_log_in(client, node, address), timeout=_SILENT)
            except Exception:  # noqa: BLE001,S112 - no container, port or file yet, or half a file: looked for again
                continue
        while api is not None and not over.wait(_POLL):
            with contextlib.suppress(SctError):
                make_quick(api)
                break
        if api is not None:
            api.close()


def _log_in(client: "docker.DockerClient", node: str, address: str) -> Access:
    """Return how to reach the API server from here; the file that kubeadm wrote says how to from the node."""
    import yaml

    container = client.containers.get(node)
    port = container.attrs["NetworkSettings"]["Ports"][_API_PORT][0]["HostPort"]
    packed = io.BytesIO(b"".join(container.get_archive(_LOGIN)[0]))
    with tarfile.open(fileobj=packed) as archive:
        member = archive.extractfile(Path(_LOGIN).name)
        config = yaml.safe_load(member.read() if member else b"")
    for each in config["clusters"]:
        each["cluster"]["server"] = f"https://{address}:{port}"
    # 0600, and gone at once: it holds the cluster's key.
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(config, file)
        file.flush()
        return read_access(Path(file.name))
