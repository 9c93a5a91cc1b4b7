"""`docker_vector_store`: ScyllaDB's Vector Store beside the test's node."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sdcm.errors import ServiceUnavailable
from sdcm.pytest_plugin import markers
from sdcm.pytest_plugin.container_leases import container_for
from sdcm.pytest_plugin.readiness import skip_unavailable
from sdcm.pytest_plugin.session import context_of

if TYPE_CHECKING:
    from sdcm.config.model import SCTConfiguration
    from sdcm.containers.node import Node
    from sdcm.containers.service import ContainerRequest
    from sdcm.containers.vector_store import VectorStore

#: Argument of the marker `docker_scylla_args` that names the store's image.
ARGUMENT = "vs_docker_image"
_MEMORY_MB = 1024


@pytest.fixture
def vector_store_image(request: pytest.FixtureRequest) -> str:
    """Give the reference of the image that `vs_docker_image` names, made ready; empty without that argument.

    `docker_vector_store` asks for it before anything is started: an image that is not to be had skips the test,
    naming it.

    External services: Docker
    """
    named = str(markers.merged_arguments(request.node, "docker_scylla_args").get(ARGUMENT) or "")
    if not named:
        return ""
    try:
        return str(context_of(request.config).client().ask("image", image=named)["reference"])
    except ServiceUnavailable as exc:
        skip_unavailable("docker", exc)


@pytest.fixture
def docker_vector_store(
    request: pytest.FixtureRequest, vector_store_image: str, docker_scylla: "Node", params: "SCTConfiguration"
) -> Iterator["VectorStore | None"]:
    """Give the test a Vector Store connected with `docker_scylla`, its HTTP client ready; None without an image.

    The marker's `docker_scylla_args(vs_docker_image=...)` names the image. Port and threads are those of `params`
    (`vector_store_port`, `vector_store_threads`), where the image and the number of nodes are set too. It answers
    for its indexes before the test starts, and the node sends it its vector queries. It works with Scylla alone: from
    2025.4 on, in keyspaces made with `tablets = {'enabled': true}`.

    External services: Docker
    """
    if not vector_store_image:
        yield None
        return
    if docker_scylla.flavour != "scylla":
        skip_unavailable(
            "docker",
            ServiceUnavailable(
                f"{vector_store_image} needs a Scylla node, and this one is {docker_scylla.flavour}",
                mend="run with --db scylla; through CQL alone, vectors work on Cassandra too",
            ),
        )
    from sdcm.containers.inspection import raise_if_ended
    from sdcm.containers.vector_store import VectorStore, split_image

    name, tag = split_image(vector_store_image)
    params.update(n_vector_store_nodes=1, vector_store_docker_image=name, vector_store_version=tag)
    with (
        container_for(request, _wanted(vector_store_image, docker_scylla, params)) as container,
        closing(VectorStore(container, port=params["vector_store_port"])) as store,
    ):
        store.wait_for_ready(check_alive=lambda: raise_if_ended(container.handle))
        store.serve(docker_scylla)
        yield store


def _wanted(image: str, node: "Node", params: "SCTConfiguration") -> "ContainerRequest":
    from sdcm.containers.service import ContainerRequest
    from sdcm.containers.vector_store import PASSWORD_FILE, environment_of

    return ContainerRequest(
        "vector-store",
        image,
        network=node.docker_network,
        environment=environment_of(
            node.internal_ip_address,
            node.record.username,
            port=params["vector_store_port"],
            scylla_port=params["vector_store_scylla_port"],
            threads=params["vector_store_threads"],
        ),
        files={PASSWORD_FILE: node.record.password} if node.record.username else {},
        ports=(params["vector_store_port"],),
        memory_mb=_MEMORY_MB,
    )
