"""The store against a real database node.

External services: Docker (database node)
"""

from decimal import Decimal

import pytest


@pytest.mark.integration
def test_orders_come_back_by_number(store):
    """What was stored is read, in the order of its numbers.

    External services: Docker (database node)
    """
    store.add("ann", 3, "chair", Decimal("80.00"))
    store.add("ann", 2, "table", Decimal("120.00"))
    assert [item for item, _ in store.of("ann")] == ["lamp", "table", "chair"]


@pytest.mark.integration
@pytest.mark.services("docker")
def test_orders_survive_a_restart(store, docker_scylla):
    """What was stored is there after the node was stopped and started again.

    External services: Docker (database node)
    """
    store.add("bob", 1, "desk", Decimal("250.00"))
    docker_scylla.restart()
    assert store.of("bob") == [("desk", Decimal("250.00"))]


@pytest.mark.integration
@pytest.mark.sct_config("tests/test_data/two_loaders.yaml")
def test_the_projects_own_configuration(params, docker_scylla):
    """A test may have a file of options; the file is found from the project's folder.

    External services: Docker (database node)
    """
    assert params["n_loaders"] == 2
    assert docker_scylla.cql_connection().execute("SELECT cluster_name FROM system.local").one()
