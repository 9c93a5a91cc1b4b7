"""Clients as their users install them talk to our nodes: the two drivers and cqlsh from PyPI.

The drivers install the same package name, so each client gets a throwaway environment of its own.

External services: Docker (two database nodes)
"""

import json
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import pytest

from sdcm.process import CommandFailed, run

#: Loaded by the clients themselves, in environments without our package.
END_POINTS = find_spec("sdcm.containers.end_points").origin
#: What is installed -> the distribution that must be there for its import.
CLIENTS = {
    "cassandra-driver==3.30.1": "cassandra-driver",
    "scylla-driver==3.29.12": "scylla-driver",
    "cqlsh==6.2.2": "cassandra-driver",
}
UNREACHABLE = ("dns error", "connect error", "error sending request", "Failed to fetch", "timed out")

#: Connects as a program of its own would, by the published ports alone.
SCRIPT = """\
import importlib.util, json, sys
from importlib.metadata import version
from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster

distribution, end_points, table, published = sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
spec = importlib.util.spec_from_file_location("end_points", end_points)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
places = module.PublishedPlaces({ip: tuple(address) for ip, address in published.items()})
factory = module.PublishedEndPoints(places)
cluster = Cluster(
    [factory.at(ip) for ip in published], endpoint_factory=factory, protocol_version=4,
    auth_provider=PlainTextAuthProvider("cassandra", "cassandra"), connect_timeout=30, control_connection_timeout=30,
)
session = cluster.connect()
session.default_timeout = 60
session.default_consistency_level = ConsistencyLevel.ALL  # what one node has taken, the other one may not have yet
session.execute(
    "CREATE KEYSPACE IF NOT EXISTS %s WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': %d}"
    % (table.partition(".")[0], len(published))
)
session.execute("CREATE TABLE IF NOT EXISTS %s (k int PRIMARY KEY, v text)" % table)
insert = session.prepare("INSERT INTO %s (k, v) VALUES (?, ?)" % table)
asked = set()
for key in range(20):
    result = session.execute_async(insert, [key, "value %d" % key])
    result.result()
    asked.add(result.coordinator_host.address)
rows = {row.k: row.v for row in session.execute("SELECT k, v FROM %s" % table)}
cluster.shutdown()
print(json.dumps({"version": version(distribution), "rows": len(rows), "seven": rows[7], "asked": sorted(asked)}))
"""


@pytest.fixture(scope="module")
def environments(tmp_path_factory):
    """Give the folder of each client's environment.

    They come from uv's cache, or from PyPI.
    """
    uv = shutil.which("uv")
    assert uv, "the tests are run with uv, so it is there"
    root = tmp_path_factory.mktemp("environments")
    made = {}
    for client in CLIENTS:
        made[client] = root / client.partition("==")[0]
        run([uv, "venv", "--quiet", "--python", sys.executable, made[client]], timeout=300)
        try:
            run([uv, "pip", "install", "--quiet", "--python", made[client] / "bin" / "python", client], timeout=300)
        except CommandFailed as exc:
            if any(sign in exc.evidence for sign in UNREACHABLE):
                pytest.skip(f"PyPI cannot be reached for {client}; with it in uv's cache no network is needed")
            raise
    yield made
    shutil.rmtree(root)


def talk(client, environment, nodes):
    """Have a client write and read; return what it told."""
    published = {node.ip_address: node.ports["9042"] for node in nodes}
    keyspace = f"by_{client.partition('=')[0].replace('-', '_')}_{len(nodes)}"
    if client.startswith("cqlsh"):
        return _cqlsh(environment, keyspace, nodes)
    script = [environment / "bin" / "python", "-c", SCRIPT, CLIENTS[client], END_POINTS]
    told = json.loads(run([*script, f"{keyspace}.t", json.dumps(published)], timeout=300).stdout)
    assert told == {
        "version": client.partition("==")[2],
        "rows": 20,
        "seven": "value 7",
        "asked": sorted(node.ip_address for node in nodes),
    }
    return told


def _cqlsh(environment, keyspace, nodes):
    """Write by way of the first node, read by way of the last."""
    replication = f"{{'class': 'NetworkTopologyStrategy', 'datacenter1': {len(nodes)}}}"
    write = (
        f"CREATE KEYSPACE {keyspace} WITH replication = {replication}; CREATE TABLE {keyspace}.t (k int PRIMARY KEY);"
        f"INSERT INTO {keyspace}.t (k) VALUES (7)"
    )
    told = ""
    for node, statements in ((nodes[0], write), (nodes[-1], f"CONSISTENCY ALL; SELECT k FROM {keyspace}.t")):
        host, _, port = node.get_port(9042).rpartition(":")
        login = ["-u", "cassandra", "-p", "cassandra", "--connect-timeout=30", "--request-timeout=60"]
        told = run([environment / "bin" / "cqlsh", host, port, *login, "-e", statements], timeout=300).stdout
    assert [line.strip() for line in told.splitlines() if line.strip().isdecimal()] == ["7"]
    assert "(1 rows)" in told
    return told


@pytest.mark.integration
def test_each_client_talks_to_a_node_and_to_a_ring(environments, docker_scylla, request):
    """Both drivers and cqlsh write and read on a node of its own, then on the ring of two that it becomes.

    External services: Docker (two database nodes)
    """
    for more in ((), ("docker_scylla_2",)):
        nodes = [docker_scylla, *(request.getfixturevalue(name) for name in more)]
        with ThreadPoolExecutor(len(CLIENTS)) as pool:
            told = list(pool.map(lambda client: talk(client, environments[client], nodes), CLIENTS))  # noqa: B023
        assert len(told) == len(CLIENTS)
