"""Nodes that are handed from test to test are as good as new, whatever the test before has left.

External services: Docker (database nodes)
"""

import pytest

from unit_tests.lib.leavings import LEAVINGS, LEFT_OUTSIDE, LOOK, assert_nothing_outside, assert_pristine, leave

#: No other database's nodes are handed on.
pytestmark = [pytest.mark.integration, pytest.mark.docker_scylla_args(image="cassandra")]


# One after the other on one worker: more workers would each boot nodes of their own.
@pytest.mark.xdist_group("leavings")
@pytest.mark.parametrize("left", LEAVINGS, ids=lambda left: left.replace(" ", "-"))
@pytest.mark.parametrize("visit", ["first", "again"])
def test_a_node_is_as_good_as_new(docker_scylla, left: str, visit: str) -> None:
    """Each of these tests finds a node as it boots, and leaves it as the next must not find it."""
    session = docker_scylla.cql_connection()
    assert_pristine(session)
    leave(session, left)


@pytest.mark.parametrize("visit", ["first", "again"])
def test_what_is_done_outside_the_database_is_not_handed_on(docker_scylla, visit: str) -> None:
    """A node that saw more than CQL is thrown away: neither of these tests finds what the other has left."""
    assert_nothing_outside(docker_scylla.run(LOOK, timeout=60, ignore_status=True).stdout)
    for command in LEFT_OUTSIDE.values():
        docker_scylla.run(command, timeout=60)
