"""Several nodes that form a ring.

External services: Docker (database nodes)
"""

import threading

import pytest

from unit_tests.lib.lazily import lazily

cassandra = lazily("cassandra")
ring_module = lazily("sdcm.containers.ring")


ROWS = 50


class Reads:
    """Reads a table at QUORUM, again and again, in a thread of its own."""

    def __init__(self, session):
        self._session = session
        self._query = session.prepare("SELECT v FROM shop.orders WHERE k = ?")
        self._query.consistency_level = cassandra.ConsistencyLevel.QUORUM
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self.done = 0
        self.failures = []

    def _read(self):
        while not self._stop.is_set():
            key = self.done % ROWS
            try:
                assert self._session.execute(self._query, [key]).one().v == f"item {key}"
            except Exception as exc:  # noqa: BLE001 - each failure is told in the test
                self.failures.append(exc)
            self.done += 1
            self._stop.wait(0.02)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


@pytest.mark.integration
def test_quorum_reads_go_on_while_a_node_is_away(docker_scylla_cluster):
    """Three nodes in two racks: all replicate, and one of them stops and comes back under reads at QUORUM.

    External services: Docker (three database nodes)
    """
    ring = docker_scylla_cluster(3, racks=2)
    assert [node.record.rack for node in ring] == ["RACK0", "RACK1", "RACK0"]
    status = ring[0].run_nodetool("status", timeout=60).stdout
    assert ring_module.states(status) == {node.ip_address: "UN" for node in ring}
    for node in ring:
        (line,) = [line for line in status.splitlines() if node.ip_address in line.split()]
        assert line.split()[-1] == node.record.rack

    session = ring.cql_connection()
    session.execute("CREATE KEYSPACE shop WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 3}")
    session.execute("CREATE TABLE shop.orders (k int PRIMARY KEY, v text)")
    for key in range(ROWS):
        session.execute("INSERT INTO shop.orders (k, v) VALUES (%s, %s)", [key, f"item {key}"])
    endpoints = ring[2].run_nodetool("getendpoints", "shop orders 7", timeout=60).stdout.split()
    assert sorted(endpoints) == sorted(node.ip_address for node in ring)

    away = ring[1]
    with Reads(session) as reads:
        away.stop()
        assert not away.is_running()
        before = reads.done
        # Logins go on as well: what says who may log in is on every node.
        for node in (ring[0], ring[2]):
            with node.cql_connection_patient_exclusive(patience=0) as another:
                assert another.execute("SELECT count(*) FROM shop.orders").one().count == ROWS
        # What is written meanwhile is kept for the node that is away.
        for key in range(ROWS):
            session.execute("INSERT INTO shop.orders (k, v) VALUES (%s, %s)", [key, f"item {key}"])
        away.start()
        ring.wait_until_up()
        during = reads.done - before
    assert reads.failures == []
    assert during > ROWS

    # The node that came back answers by itself, and the session that is open all the time uses it again.
    with away.cql_connection_patient_exclusive() as own:
        hosts = own.cluster.metadata.all_hosts()
        assert {host.address for host in hosts if host.is_up is not False} >= {away.ip_address}
        assert {own.execute("SELECT v FROM shop.orders WHERE k = 7").response_future.coordinator_host.address} == {
            away.ip_address
        }
    up = {host.address for host in session.cluster.metadata.all_hosts() if host.is_up}
    assert up == {node.ip_address for node in ring}


@pytest.mark.integration
def test_two_nodes_share_a_ring(docker_scylla, docker_scylla_2):
    """What is written through one node is read through the other; an exclusive session asks its node alone.

    External services: Docker (two database nodes)
    """
    status = docker_scylla_2.run_nodetool("status", timeout=60).stdout
    assert list(ring_module.states(status).values()) == ["UN", "UN"]
    first = docker_scylla.cql_connection()
    first.execute("CREATE KEYSPACE ring WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}")
    first.execute("CREATE TABLE ring.t (k int PRIMARY KEY, v text)")
    first.execute("INSERT INTO ring.t (k, v) VALUES (7, 'seven')")
    second = docker_scylla_2.cql_connection(keyspace="ring")
    assert second.execute("SELECT v FROM t WHERE k = 7").one().v == "seven"
    # The driver knows both nodes by their own addresses, and reaches each by its published port.
    hosts = {host.address: host.endpoint.resolve() for host in second.cluster.metadata.all_hosts() if host.is_up}
    for node in (docker_scylla, docker_scylla_2):
        host, _, port = node.get_port("9042").rpartition(":")
        assert hosts[node.ip_address] == (host, int(port))
        asked = {_coordinator(node.cql_connection(exclusive=True)) for _ in range(2)}
        assert asked == {node.ip_address}
    only = docker_scylla.cql_connection(whitelist_nodes=[docker_scylla_2])
    assert _coordinator(only) == docker_scylla_2.ip_address
    cluster = docker_scylla.parent_cluster
    assert cluster is docker_scylla_2.parent_cluster
    assert cluster.get_db_auth() == ("cassandra", "cassandra")
    with cluster.cql_connection_patient(docker_scylla_2, "ring") as session:
        assert session.execute("SELECT v FROM t WHERE k = 7").one().v == "seven"


def _coordinator(session):
    """Return which node answers."""
    return session.execute("SELECT key FROM system.local").response_future.coordinator_host.address
