"""A Kind cluster as a user has one: named `kind`, on Kind's own network, in the kubeconfig of their home folder."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docker import DockerClient

from sdcm import paths
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import Engine
from sdcm.environment.images import Images
from sdcm.environment.kind_binary import ensure_kind_binary
from sdcm.environment.kind_config import OWN_NODE_LABEL, kind_config
from sdcm.environment.kind_kubectl import ensure_kubectl
from sdcm.ownership.docker_endpoint import Endpoint
from unit_tests.lib.fake_step import FakeStep

#: What `kind create cluster` calls its cluster and its network when it is told no name.
NAME = "kind"
NODE = f"{NAME}-control-plane"
_CREATE_SECONDS = 420


@dataclass(frozen=True)
class UsersCluster:
    """What its user does with it.

    Attributes:
        home: Folder with `.kube/config`.
        kubectl: The program.
    """

    home: Path
    kubectl: Path

    @property
    def kubeconfig(self) -> Path:
        """The file that `kind create cluster` wrote."""
        return self.home / ".kube" / "config"

    def ask(self, *words: str) -> str:
        """Return what kubectl says, as its user would call it: without naming a kubeconfig."""
        argv = [str(self.kubectl), "--request-timeout=60s", *words]
        # What is beside the kubeconfig afterwards is then whoever else's.
        environ = {"HOME": str(self.home), "KUBECACHEDIR": str(self.home / "cache"), "PATH": os.environ["PATH"]}
        return subprocess.run(argv, env=environ, check=True, capture_output=True, text=True, timeout=120).stdout


@contextmanager
def users_cluster(client: DockerClient, image: str, home: Path) -> Iterator[UsersCluster]:
    """Have `kind create cluster` make one for the time of the block; one of that name that is there is used.

    Args:
        client: The engine, the one of DOCKER_HOST.
        image: The node image.
        home: Home folder of the user.
    """
    engine = Engine.at(Endpoint(os.environ["DOCKER_HOST"]), private=False)
    places, step = paths.from_environment(), FakeStep(home, deadline=600.0)
    kind = ensure_kind_binary(engine, Images(engine, Catalogue.load(), places), places, step)
    config = home / "kind.json"
    own_node = OWN_NODE_LABEL in client.images.get(image).labels
    config.write_text(kind_config(own_node=own_node, address=engine.publish_host))
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("KUBECONFIG", "KIND_"))}

    def run(*words: str) -> str:
        argv, env = [str(kind), *words], {**environ, "HOME": str(home)}
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=_CREATE_SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    is_there = NAME in run("get", "clusters").split()
    had_network = bool(client.networks.list(names=[f"^{NAME}$"]))
    try:
        if is_there:
            run("export", "kubeconfig")
        else:
            run("create", "cluster", "--config", str(config), "--image", image)
        yield UsersCluster(home, ensure_kubectl(client, NODE, client.images.get(image).id, places))
    finally:
        if not is_there:
            run("delete", "cluster")
        if not had_network:
            for network in client.networks.list(names=[f"^{NAME}$"]):
                network.remove()
