"""What the integration tests share."""

import pytest
from orders.store import OrderStore


@pytest.fixture
def store(fresh_keyspace, test_data_dir):
    """Give the test a store in a keyspace of its own, which holds one order of Ann's.

    External services: Docker (database node)
    """
    fresh_keyspace.apply_file(test_data_dir / "schema.cql")
    return OrderStore(fresh_keyspace.session)
