"""What needs no node of what is told of tables."""

import pytest

from sdcm.containers.tables import _own, _quoted, copies


@pytest.mark.parametrize(
    ("replication", "count"),
    [
        ({"class": "org.apache.cassandra.locator.SimpleStrategy", "replication_factor": "3"}, 3),
        ({"class": "NetworkTopologyStrategy", "dc1": "1", "dc2": "2"}, 3),
        ({"class": "NetworkTopologyStrategy", "dc1": "1"}, 1),
        ({"class": "LocalStrategy"}, 0),
    ],
)
def test_copies_of_all_data_centres_count(replication, count):
    assert copies(replication) == count


def test_the_databases_own_keyspaces_are_known():
    own = ["system", "system_auth", "system_schema", "system_distributed_everywhere", "system_virtual_schema", "audit"]
    assert all(map(_own, own))
    assert not any(map(_own, ["systematic", "ks", "my_system", "auditor"]))


def test_names_are_quoted_where_cql_wants_it():
    assert [_quoted(name) for name in ("orders", "Orders", 'a"b', "1st")] == ["orders", '"Orders"', '"a""b"', '"1st"']
