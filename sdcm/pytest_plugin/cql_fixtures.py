"""`cql_session`, `cql_driver`, `fresh_keyspace` and `random_values`: CQL without preliminaries."""

import os
import secrets
from typing import TYPE_CHECKING

import pytest

from sdcm.errors import UsageProblem

if TYPE_CHECKING:
    from cassandra.cluster import Cluster, Session

    from sdcm.containers.keyspace import Keyspace
    from sdcm.containers.node import Node
    from sdcm.containers.random_rows import RandomValues

#: Makes random values the same again.
SEED_VARIABLE = "SCT_SEED"


@pytest.fixture
def cql_session(docker_scylla: "Node") -> "Session":
    """Give the test a session of the driver with `docker_scylla`, closed at its end.

    External services: Docker
    """
    return docker_scylla.cql_connection()


@pytest.fixture
def cql_driver(cql_session: "Session") -> "Cluster":
    """Give the test the driver's `Cluster` behind `cql_session`: its metadata, more sessions.

    External services: Docker
    """
    return cql_session.cluster


@pytest.fixture
def random_values(request: pytest.FixtureRequest) -> "RandomValues":
    """Give the test a source of random values and rows; a failure's report says how to get the same ones again.

    They follow from the test's name and a seed: that of `SCT_SEED`, else another one each time.
    """
    from sdcm.containers.random_rows import RandomValues

    given = os.environ.get(SEED_VARIABLE, "")
    if given and not given.isdecimal():
        raise UsageProblem(f"{SEED_VARIABLE} is {given!r}", why="it is to be a whole number")
    seed = int(given) if given else secrets.randbelow(10**9)
    request.node.add_report_section("setup", "random values", f"{SEED_VARIABLE}={seed} makes the same ones again")
    return RandomValues(f"{seed}:{request.node.nodeid}")


@pytest.fixture
def fresh_keyspace(request: pytest.FixtureRequest, docker_scylla: "Node", random_values: "RandomValues") -> "Keyspace":
    """Give the test a keyspace of its own on `docker_scylla`, with a replica on each node, and a session in it.

    `apply_file(path)` executes a file of CQL in it, `fill(table)` writes random rows. It goes with the node.

    External services: Docker
    """
    from sdcm.containers.keyspace import make_keyspace

    if "docker_scylla_2" in request.fixturenames:
        request.getfixturevalue("docker_scylla_2")
    return make_keyspace(docker_scylla.parent_cluster, random_values, [request.path.parent, request.config.rootpath])
