import pytest

from sdcm.containers.touches import leaves_node_clean


@pytest.mark.parametrize(
    "action",
    [
        "exec_create: timeout -k 2 180 cqlsh --no-color -u cassandra -p x -e SELECT * FROM t 10.0.0.1",
        "exec_create: timeout -k 2 120 nodetool status",
        "exec_create: timeout -k 2 120 nodetool -h ::1 -p 7199 tablestats ks",
        "exec_create: nodetool",
        "exec_start: timeout -k 2 120 nodetool status",
        "exec_die",
    ],
)
def test_reading_leaves_a_node_clean(action: str) -> None:
    assert leaves_node_clean(action)


@pytest.mark.parametrize(
    "action",
    [
        "exec_create: timeout -k 2 600 /bin/sh -c cqlsh -e 'SELECT 1'; rm -rf /var/lib/cassandra",
        "exec_create: timeout -k 2 180 cqlsh -e COPY ks.t TO '/tmp/x'",
        "exec_create: timeout -k 2 180 cqlsh -e SOURCE '/tmp/x'",
        "exec_create: timeout -k 2 120 nodetool disablegossip",
        "exec_create: timeout -k 2 120 nodetool -h status disablebinary",
        "exec_create: timeout -k 2 5",
        "exec_create: mynodetool status",
        "restart",
        "extract-to-dir",
    ],
)
def test_anything_else_touches_it(action: str) -> None:
    assert not leaves_node_clean(action)
