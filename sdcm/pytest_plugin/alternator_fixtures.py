"""`alternator_api`: the DynamoDB API of the test's node, or beside it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from sdcm.pytest_plugin.container_leases import container_for

if TYPE_CHECKING:
    from sdcm.containers.alternator import Alternator
    from sdcm.containers.container import Container
    from sdcm.containers.node import Node
    from sdcm.containers.service import ContainerRequest

#: Name in the image catalogue.
IMAGE = "dynamodb-local"
#: Property of a test's report that says who served the API.
SERVED_BY_PROPERTY = "sct.alternator"
#: Seconds the server beside a node may take until it answers.
_READY_SECONDS = 60.0


@pytest.fixture
def alternator_api(request: pytest.FixtureRequest, docker_scylla: "Node") -> Iterator["Alternator"]:
    """Give the test the DynamoDB API: endpoint, keys, a boto3 client and resource, helpers for tables.

    A Scylla node serves it itself (Alternator); its role `alternator` is made. A Cassandra node has none: DynamoDB
    Local then answers from a container of its own, a real DynamoDB API whose tables are not the node's;
    `served_by` and the report say so. A test that needs Scylla's own is marked `needs("alternator")`.

    External services: Docker
    """
    from sdcm.containers.alternator import AccessKeys, Alternator, role_keys

    with ExitStack() as stack:
        if "alternator" in docker_scylla.capabilities:
            login = docker_scylla.record.username
            keys = role_keys(docker_scylla.cql_connection().execute) if login else AccessKeys()
            api = Alternator(docker_scylla, keys, served_by=docker_scylla.flavour)
        else:
            container = stack.enter_context(container_for(request, _stand_in(docker_scylla)))
            _await(container)
            api = Alternator(container, AccessKeys(), served_by=IMAGE)
        request.node.user_properties.append((SERVED_BY_PROPERTY, api.served_by))
        yield stack.enter_context(closing(api))


def _stand_in(node: "Node") -> "ContainerRequest":
    """Return the request for DynamoDB Local on the node's network."""
    from sdcm.containers.alternator import ALTERNATOR_PORT
    from sdcm.containers.service import ContainerRequest

    return ContainerRequest("alternator", IMAGE, network=node.docker_network, ports=(ALTERNATOR_PORT,), memory_mb=384)


def _await(container: "Container") -> None:
    """Wait until DynamoDB Local answers; a request without a signature is answered 400 by then.

    Raises:
        DeadlinePassed: It did not within its time.
        EnvironmentFailed: It has ended.
    """
    from sdcm.containers.alternator import ALTERNATOR_PORT
    from sdcm.containers.inspection import log_tail, raise_if_ended
    from sdcm.containers.readiness import Waiting, ask_http

    host, port = container.ports[str(ALTERNATOR_PORT)]
    Waiting(_READY_SECONDS).until_ready(
        lambda timeout: ask_http(host, port, timeout, any_status=True),
        what=f"container {container.name} did not serve the DynamoDB API",
        check_alive=lambda: raise_if_ended(container.handle),
        evidence=lambda: log_tail(container.handle),
    )
