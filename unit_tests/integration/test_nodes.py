"""What a test can do with a node, each on a real one.

External services: Docker (database nodes)
"""

import os
from contextlib import closing, contextmanager

import pytest

from sdcm.containers.container import Container
from sdcm.containers.execution import CommandTimedOut, UnexpectedExit
from sdcm.errors import EnvironmentFailed, UsageProblem
from sdcm.wait import wait_for, wait_for_log_lines
from unit_tests.lib.lazily import lazily

docker = lazily("docker")
ring = lazily("sdcm.containers.ring")

KEYSPACE = "CREATE KEYSPACE {} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}"


@pytest.mark.integration
def test_commands_and_files(docker_scylla, tmp_path):
    """`run` tells all about a command, a command whose time is up dies inside too, files travel both ways.

    External services: Docker (database node)
    """
    node = docker_scylla
    result = node.run("echo one; echo two >&2")
    assert (result.stdout, result.stderr, result.command) == ("one\n", "two\n", "echo one; echo two >&2")
    assert (result.exited, result.exit_status, result.return_code, result.ok, result.failed) == (0, 0, 0, True, False)
    assert 0 < result.duration < 30
    assert node.run("exit 3", ignore_status=True).exit_status == 3
    with pytest.raises(UnexpectedExit, match="ended with status 4: no such luck"):
        node.run("echo no such luck >&2; exit 4")
    seen = []
    node.run("echo a; echo b", log_file=tmp_path / "log", watchers=[seen.append], timestamp_logs=True)
    assert seen == ["a", "b"]
    assert [line.split()[2] for line in (tmp_path / "log").read_text().splitlines()] == ["a", "b"]
    assert node.run("test -e /tmp/tried || { touch /tmp/tried; exit 1; }", retry=2).ok
    assert node.remoter.sudo("id -u").stdout == "0\n"
    with pytest.raises(CommandTimedOut, match=r"did not end within 1 s"):
        node.run("sleep 987 & sleep 987", timeout=1)
    assert node.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").stdout.count("sleep 987") <= 1  # this line's own

    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("content")
    assert node.send_files(tmp_path / "folder", "/srv/made/for/it") is True
    assert node.run("cat /srv/made/for/it/file").stdout == "content"
    (tmp_path / "back").mkdir()
    assert node.receive_files("/srv/made/for/it", tmp_path / "back") is True
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "folder", "log"]
    back = tmp_path / "back" / "it" / "file"
    assert (back.read_text(), back.stat().st_uid) == ("content", os.getuid())
    with pytest.raises(FileNotFoundError):
        node.receive_files("/nowhere", tmp_path)


@pytest.mark.integration
def test_tools_sessions_and_events(docker_scylla, params, events_function_scope):
    """cqlsh, nodetool and sessions as their users know them; a call of nodetool is an event.

    External services: Docker (database node)
    """
    node = docker_scylla
    node.run_cqlsh(KEYSPACE.format("shop"))
    node.run_cqlsh(
        """CREATE TABLE orders (id int PRIMARY KEY, "Item" text);
           INSERT INTO orders (id, "Item")
           VALUES (1, 'a "quoted" $HOME kettle');""",
        keyspace="shop",
    )
    lines = node.run_cqlsh('SELECT "Item" FROM shop.orders', split=True)
    assert [line for line in lines if "kettle" in line] == ['a "quoted" $HOME kettle']
    with pytest.raises(UnexpectedExit, match="SyntaxException"):
        node.run_cqlsh("SELEC", num_retry_on_failure=2, retry_interval=0.1)

    before = events_function_scope.events_counter
    assert "shop" in node.run_nodetool("tablestats", args="shop.orders", timeout=60).stdout
    told = events_function_scope.published_events[before:]
    assert [(event["base"], event["period_type"]) for event in told] == [
        ("NodetoolEvent", "begin"),
        ("NodetoolEvent", "end"),
    ]
    assert (told[0]["node"], told[0]["nodetool_command"]) == (node.name, "tablestats shop.orders")
    assert node.run_nodetool("nonsense", ignore_status=True, timeout=60).failed

    session = node.cql_connection("shop", compression=False, protocol_version=4)
    assert session.execute("SELECT id FROM orders").one().id == 1
    assert session.cluster.protocol_version == 4
    session.execute("CREATE ROLE bob WITH PASSWORD = 'builder' AND LOGIN = true AND SUPERUSER = true")
    with node.cql_connection_patient("shop", "bob", "builder", connect_timeout=30) as bobs:
        assert bobs.execute("SELECT id FROM orders").one().id == 1
    assert bobs.is_shutdown
    with node.parent_cluster.cql_connection_patient_exclusive(node) as alone:
        assert alone.execute("SELECT release_version FROM system.local").one().release_version == node.release_version
    # Who logs in is what params say, in sessions and in cqlsh.
    params.update(authenticator_user="bob", authenticator_password="builder")
    assert node.parent_cluster.get_db_auth() == ("bob", "builder")
    assert node.cql_connection().cluster.auth_provider.username == "bob"
    assert "orders" in node.run_cqlsh("DESCRIBE TABLES", keyspace="shop").stdout

    host, _, port = node.get_port("9042").rpartition(":")
    assert (host, int(port)) == tuple(node.ports["9042"])
    with pytest.raises(UsageProblem, match=r"published are (8000, )?9042"):
        node.get_port(1)
    assert node.is_port_used(9042, "cql")
    assert not node.is_port_used(9999, "nothing")
    addresses = {
        node.ip_address, node.internal_ip_address, node.external_address, node.private_ip_address, node.cql_address,
        node.public_dns_name,
    }  # fmt: skip
    assert addresses == {node.run("hostname -i").stdout.strip()}
    assert node.ssl_conf_dir is None


@contextmanager
def address_taken(node):
    """Have other containers take a stopped node's address, and those beside it, as happens where many come and go."""
    api, network = node.handle.client.api, node.record.network
    config = api.create_networking_config({network: api.create_endpoint_config()})
    holders = []
    try:
        for _ in range(3):
            made = api.create_container(
                node.image_name, ["60"], entrypoint="sleep", networking_config=config, labels=node.handle.labels
            )
            holders.append(made)
            api.start(made)
        yield
    finally:
        for made in holders:
            api.remove_container(made, force=True, v=True)


@pytest.mark.integration
@pytest.mark.docker_scylla_args(image="cassandra")  # settings and words of the log are Cassandra's
def test_a_nodes_life(docker_scylla):
    """Changed settings count after a restart; an open session outlives it, and another address; pause, stop, the end.

    External services: Docker (database node)
    """
    node = docker_scylla
    session = node.cql_connection()
    session.execute(KEYSPACE.format("shop"))
    followed = node.follow_system_log(["Starting listening for CQL clients"])
    assert list(followed) == []

    with node.remote_yaml() as settings:
        assert settings.num_tokens == 4
        settings.cluster_name_of_nobody = "x"
        del settings.cluster_name_of_nobody
        settings["compaction_throughput"] = "7MiB/s"
    with pytest.raises(UsageProblem, match="remote_cassandra_yaml"):
        node.remote_scylla_yaml()
    with pytest.raises(UsageProblem, match=r"use restart\(\)"):
        node.reload_config()
    before = node.get_port(9042)
    with wait_for_log_lines(node, ["CQL clients"], ["Startup complete"], start_timeout=10, end_timeout=30):
        node.restart()
    assert node.get_port(9042) != before
    setting = session.execute("SELECT value FROM system_views.settings WHERE name = 'compaction_throughput'").one()
    assert setting.value == "7MiB/s"
    (line,) = followed
    assert "CQL clients" in line
    assert line in node.get_log()
    assert line in list(node.follow_system_log(["CQL clients"], start_from_beginning=True))

    node.pause()
    with pytest.raises(EnvironmentFailed, match="paused"):
        node.run("true", timeout=1)
    node.unpause()
    assert node.run("true").ok
    node.stop()
    assert not node.is_running()
    with pytest.raises(EnvironmentFailed):
        node.run("true")
    before = node.ip_address or node.record.ip
    with address_taken(node):
        node.start()
    assert node.is_running()
    assert node.ip_address != before
    assert "shop" in {row.keyspace_name for row in session.execute("SELECT keyspace_name FROM system_schema.keyspaces")}
    node.kill()
    assert not node.is_running()
    node.kill()


@pytest.mark.integration
@pytest.mark.docker_scylla_args(dc="of-class", memory_mb=600, seeds="", native_entrypoint=False)
class TestMarkerArguments:
    """Arguments of the class, of which the test's own win one by one."""

    @pytest.mark.docker_scylla_args(
        image="cassandra",
        dc="of-function",
        rack=7,
        docker_network="backend",
        fresh=True,
        smp=1,
        extra_args=["-Dsct.mine=yes"],
    )
    def test_each_reaches_the_node(self, docker_scylla):
        """Image, place, network, memory and further arguments are the node's; logins are asked for as always.

        External services: Docker (database node)
        """
        node = docker_scylla
        assert node.flavour == "cassandra"
        session = node.cql_connection()
        local = session.execute("SELECT data_center, rack FROM system.local").one()
        assert (local.data_center, local.rack) == ("of-function", "RACK7") == (node.record.dc, node.record.rack)
        assert node.docker_network.endswith("-backend")
        node.refresh()
        assert node.handle.attrs["HostConfig"]["Memory"] == 600 * 2**20
        command_line = node.run("cat /proc/1/cmdline | tr '\\0' ' '").stdout
        assert "-Dsct.mine=yes" in command_line
        with node.remote_yaml() as settings:
            assert settings.authenticator == "PasswordAuthenticator"
            assert settings.authorizer == "CassandraAuthorizer"


@pytest.mark.integration
@pytest.mark.docker_scylla_args(image="cassandra", native_entrypoint=True, extra_args=["-Dsct.mine=yes"])
def test_a_native_node_is_joined_by_its_address(docker_scylla_cluster, request):
    """A native node has the image's own settings; one whose marker names it as seed joins it, in a place of its own.

    External services: Docker (two database nodes)
    """
    (first,) = docker_scylla_cluster(1)
    assert _options_of(first) >= {"-Dsct.mine=yes", "-Xmx256m"}
    assert not {option for option in _options_of(first) if "auth_read_consistency_level" in option}
    assert first.cql_connection().execute("SELECT cluster_name FROM system.local").one().cluster_name == first.name
    assert "1 rows" in first.run_cqlsh("SELECT cluster_name FROM system.local").stdout

    joining = pytest.mark.docker_scylla_args(seeds=first.ip_address, dc="east", native_entrypoint=False)
    request.node.add_marker(joining, append=False)
    second = request.getfixturevalue("docker_scylla")
    assert {option for option in _options_of(second) if "auth_read_consistency_level" in option}
    both = {first.ip_address: "UN", second.ip_address: "UN"}
    for node in (first, second):
        wait_for(lambda node=node: ring.states(node.run_nodetool("status", timeout=60).stdout) == both, timeout=60)
    session = first.cql_connection()
    wait_for(lambda: _places_of_peers(session) == {second.ip_address: "east"}, step=0.2, timeout=60)


def _places_of_peers(session):
    """Return address and data centre of the other nodes that a node knows."""
    return {row.peer: row.data_center for row in session.execute("SELECT peer, data_center FROM system.peers_v2")}


def _options_of(node):
    """Return the arguments of the server's process."""
    return set(node.run("cat /proc/1/cmdline").stdout.split("\0"))


@pytest.mark.integration
@pytest.mark.docker_scylla_args(extra_args=["-XX:NoSuchOption"])
def test_a_node_that_does_not_come_up_leaves_nothing(request):
    """The container of a failed boot is gone before the test hears of it.

    External services: Docker (database node)
    """
    with pytest.raises(EnvironmentFailed, match=r"NoSuchOption|ended with status"):
        request.getfixturevalue("docker_scylla")
    with closing(docker.from_env()) as engine:
        left = engine.containers.list(all=True, filters={"label": f"sct.test={request.node.nodeid}"})
        assert left == []


@pytest.mark.integration
def test_a_killed_container_takes_its_volume_along(catalogue_image):
    """The anonymous volume of an image that declares one goes with the container.

    External services: Docker
    """
    with closing(docker.from_env()) as engine:
        made = engine.containers.create(catalogue_image("base-bookworm"), ["sleep", "60"], volumes=["/data"])
        handle = Container(made.id, os.environ["DOCKER_HOST"], name=made.name, image="base-bookworm")
        try:
            made.start()
            made.reload()
            (volume,) = [mount["Name"] for mount in made.attrs["Mounts"]]
            assert [found.name for found in engine.volumes.list() if found.name == volume] == [volume]
        finally:
            handle.kill()
            handle.close()
        assert [found.name for found in engine.volumes.list() if found.name == volume] == []
