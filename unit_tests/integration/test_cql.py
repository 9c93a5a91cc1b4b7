"""Database nodes answer CQL.

External services: Docker (database nodes)
"""

import os
import time
from contextlib import closing

import pytest

from sdcm.ownership.docker_endpoint import Endpoint
from unit_tests.lib.lazily import lazily

cassandra_cluster = lazily("cassandra.cluster")
docker = lazily("docker")

#: Unlike any other run's.
USERS_NETWORK = f"theirs-{os.getpid()}"


@pytest.mark.integration
def test_cql_query(docker_scylla):
    """Test CQL connectivity to a node, as the guide's own example does.

    External services: Docker (Scylla container)
    """
    session = docker_scylla.cql_connection()
    result = session.execute("SELECT cluster_name FROM system.local")
    assert result.one()


@pytest.mark.integration
def test_write_and_read_back(docker_scylla):
    """What one session writes, another of the same node reads, types kept.

    External services: Docker (database node)
    """
    writer = docker_scylla.cql_connection()
    writer.execute("CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    writer.execute("CREATE TABLE shop.orders (id int PRIMARY KEY, item text, tags set<text>)")
    writer.execute("INSERT INTO shop.orders (id, item, tags) VALUES (1, 'kettle', {'red', 'steel'})")
    row = docker_scylla.cql_connection().execute("SELECT item, tags FROM shop.orders WHERE id = 1").one()
    assert (row.item, set(row.tags)) == ("kettle", {"red", "steel"})


@pytest.mark.integration
def test_tables_of_a_ring(docker_scylla):
    """The tables of a ring are listed by the filters that tests know.

    External services: Docker (database node)
    """
    session = docker_scylla.cql_connection()
    for keyspace, factor in (("one_copy", 1), ("two_copies", 2)):
        replication = f"{{'class': 'SimpleStrategy', 'replication_factor': {factor}}}"
        session.execute(f"CREATE KEYSPACE {keyspace} WITH replication = {replication}")
        session.execute(f'CREATE TABLE {keyspace}."Full" (a int PRIMARY KEY, b int)')
        session.execute(f"CREATE TABLE {keyspace}.empty (a int PRIMARY KEY)")
    session.execute('INSERT INTO one_copy."Full" (a, b) VALUES (1, 2)')
    ring = docker_scylla.parent_cluster
    mine = ['one_copy."Full"', "one_copy.empty", 'two_copies."Full"', "two_copies.empty"]
    assert ring.get_non_system_ks_cf_list(docker_scylla) == mine
    assert ring.get_non_system_ks_cf_list(docker_scylla, filter_empty_tables=True) == mine[:1]
    assert ring.get_non_system_ks_cf_list(docker_scylla, filter_func=ring.is_ks_rf_one) == mine[2:]
    assert {*mine, "system_auth.roles"} < set(ring.get_any_ks_cf_list(docker_scylla))
    assert ring.is_table_has_no_sstables(mine[0], docker_scylla)
    docker_scylla.run_nodetool("flush", timeout=60)
    assert not ring.is_table_has_no_sstables(mine[0], docker_scylla)
    assert ring.is_table_has_no_sstables(mine[1], docker_scylla)
    assert (docker_scylla.scylla_version == "") is (docker_scylla.flavour != "scylla")
    assert docker_scylla.is_enterprise in {False, docker_scylla.flavour == "scylla"}


@pytest.mark.integration
def test_wrong_password_is_refused(docker_scylla):
    """Authentication is on: a wrong password is refused.

    External services: Docker (database node)
    """
    with pytest.raises(cassandra_cluster.NoHostAvailable, match=r"AuthenticationFailed|Bad credentials|password"):
        docker_scylla.cql_connection(user="cassandra", password="not it")


@pytest.mark.integration
def test_tools_inside_the_node(docker_scylla):
    """`run`, `run_cqlsh` and `run_nodetool` work inside the node, and tell what went wrong.

    External services: Docker (database node)
    """
    assert docker_scylla.run("echo one; echo two >&2").stdout.strip() == "one"
    failed = docker_scylla.run("exit 3", ignore_status=True)
    assert (failed.exit_status, failed.ok) == (3, False)
    assert "datacenter1" in docker_scylla.run_nodetool("status", timeout=60).stdout
    started = time.time()
    lines = docker_scylla.run_cqlsh("SELECT release_version FROM system.local", split=True)
    assert any("release_version" in line for line in lines)
    # The engine's events tell of each command with its arguments: no login is among them, nor in the list of processes.
    with closing(docker.from_env()) as engine:
        only = {"container": docker_scylla.docker_id, "event": "exec_create"}
        events = list(engine.events(since=int(started), until=int(time.time()) + 1, filters=only, decode=True))
    commands = [event["Action"] for event in events if "cqlsh" in event["Action"]]
    assert commands
    assert not [command for command in commands if "cassandra" in command]
    assert docker_scylla.run("stat -c '%a' /etc/sct/cqlsh-credentials").stdout.strip() == "600"


@pytest.mark.integration
def test_a_node_has_no_more_rights_than_it_needs(docker_scylla):
    """A Cassandra node has no capability, and root in it few; a test's own commands work as root's do.

    External services: Docker (database node)
    """
    if docker_scylla.flavour != "cassandra":
        pytest.skip("docker: the run's nodes are Scylla, whose rights are the engine's default -- use --db cassandra")
    status = dict(
        line.split(":\t") for line in docker_scylla.run("cat /proc/1/status").stdout.splitlines() if ":\t" in line
    )
    assert int(status["CapEff"], 16) == 0
    bounding = int(status["CapBnd"], 16)
    raw, admin = 1 << 13, 1 << 21  # CAP_NET_RAW, CAP_SYS_ADMIN
    assert bounding
    assert not bounding & (raw | admin)
    assert int(docker_scylla.run("cat /sys/fs/cgroup/pids/pids.max || cat /sys/fs/cgroup/pids.max").stdout) == 4096
    docker_scylla.run("touch /var/lib/cassandra/x && chown 999 /var/lib/cassandra/x && rm /var/lib/cassandra/x")
    docker_scylla.run("su -s /bin/sh cassandra -c 'id -u' | grep -q 999")


@pytest.mark.integration
def test_addresses_and_ports(docker_scylla):
    """The published port answers on the engine's host, the loopback for one of this machine; the node's own is in use.

    External services: Docker (database node)
    """
    host, _, port = docker_scylla.get_port("9042").rpartition(":")
    assert host == Endpoint(os.environ["DOCKER_HOST"]).publish_host
    assert int(port) > 0
    assert docker_scylla.is_port_used(9042, "cql")
    assert not docker_scylla.is_port_used(9999, "nothing")
    assert docker_scylla.internal_ip_address.count(".") == 3


@pytest.mark.integration
@pytest.mark.docker_scylla_args(scylla_docker_image="scylladb/scylla:2025.2.0", docker_network="my-network", ssl=True)
def test_with_ssl(docker_scylla, params):
    """The guide's example that names a Scylla image runs on that very image, or skips naming it.

    External services: Docker (Scylla container)
    """
    assert docker_scylla.image_name == "scylladb/scylla:2025.2.0"
    assert params.get("authenticator") == "PasswordAuthenticator"


@pytest.mark.integration
@pytest.mark.sct_config(files="test-cases/docker/minimal.yaml")
def test_with_config(docker_scylla, params):
    """A configuration file reaches `params` while a node is up.

    External services: Docker (database node)
    """
    assert params["user_prefix"]
    assert docker_scylla.is_running()


@pytest.mark.integration
@pytest.mark.docker_scylla_args(docker_network="backend")
def test_network_of_the_runs_own(docker_scylla):
    """A network name that nobody has made is one within the run.

    External services: Docker (database node)
    """
    assert docker_scylla.docker_network.startswith("sct-")
    assert docker_scylla.docker_network.endswith("-backend")


@pytest.fixture
def users_network():
    """A Docker network that is not ours, as a user may have one."""
    with closing(docker.from_env()) as engine:
        network = engine.networks.create(USERS_NETWORK)
        try:
            yield network
            network.reload()  # raises when the run has removed it
        finally:
            network.remove()


@pytest.mark.integration
@pytest.mark.docker_scylla_args(docker_network=USERS_NETWORK)
def test_a_network_of_the_users_is_joined(users_network, docker_scylla):
    """A network that exists under that name and is not ours is joined, and stays.

    External services: Docker (database node)
    """
    users_network.reload()
    assert docker_scylla.docker_network == USERS_NETWORK
    assert docker_scylla.docker_id in users_network.attrs["Containers"]
    docker_scylla.kill()


@pytest.mark.integration
@pytest.mark.parametrize("number", [pytest.param(n, id=f"worker-{n}") for n in range(4)])
def test_each_has_a_node_of_its_own(docker_scylla, number):
    """Four of these run at once on four workers; each starts on an untouched node.

    External services: Docker (database node)
    """
    session = docker_scylla.cql_connection()
    names = {row.keyspace_name for row in session.execute("SELECT keyspace_name FROM system_schema.keyspaces")}
    assert not any(name.startswith("mine") for name in names), names
    session.execute(
        f"CREATE KEYSPACE mine{number} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}"
    )
