"""CQL sessions for tests. Imports the driver, so import this module only where a session is made."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.connection import DefaultEndPoint, EndPoint, EndPointFactory
from cassandra.metadata import _NodeInfo
from cassandra.policies import RoundRobinPolicy, TokenAwarePolicy, WhiteListRoundRobinPolicy

from sdcm.containers.records import Address

#: Versions that both ends speak: saves the driver a round of asking.
_PROTOCOL_VERSIONS = {"cassandra": 5, "scylla": 4}


class PublishedEndPoints(EndPointFactory):  # type: ignore[misc]
    """Leads the driver to each node of a ring by the port where it is published.

    The nodes tell the driver their addresses on the Docker network, which this machine may not reach; the driver's
    address translator could change the address, but not the port.

    Args:
        published: A node's address on its network to where its CQL port is published.
        default_port: Port of a node that is not among them, which is then reached directly.
    """

    def __init__(self, published: Mapping[str, Address], default_port: int) -> None:
        self._published = dict(published)
        self._default_port = default_port

    def create(self, row: Mapping[str, Any]) -> EndPoint:
        """Return the end point of the node that a row of `system.peers_v2`, `peers` or `local` describes."""
        address = _NodeInfo.get_broadcast_rpc_address(row)
        port = _NodeInfo.get_broadcast_rpc_port(row) or self._default_port
        return DefaultEndPoint(*self._published.get(address, (address, port)))


def tls_context(ssl_dir: str) -> ssl.SSLContext:
    """Return a client's context that trusts the authority in `ssl_dir`; names are not checked, addresses vary.

    Args:
        ssl_dir: Directory with `ca.pem`; with `test.crt` and `test.key` the client shows that certificate.
    """
    directory = Path(ssl_dir)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(directory / "ca.pem")
    if (directory / "test.crt").exists():
        context.load_cert_chain(directory / "test.crt", directory / "test.key")
    return context


def open_session(
    contact_points: list[Address],
    published: Mapping[str, Address],
    *,
    flavour: str,
    login: tuple[str, str] | None,
    keyspace: str | None,
    ssl_dir: str,
    timeout: float,
    connect_timeout: float,
    exclusive: bool,
    options: Mapping[str, Any],
) -> Session:
    """Open a session with a ring.

    Args:
        contact_points: Where to begin: published addresses of nodes.
        published: Address of each node of the ring to where its CQL port is published.
        flavour: Of the nodes.
        login: User and password; None: no login.
        keyspace: Keyspace to start in.
        ssl_dir: Directory of PEM files for TLS; none when empty.
        timeout: Seconds for one request.
        connect_timeout: Seconds for one connection, the control connection's answers included.
        exclusive: Send requests to the first contact point alone.
        options: Further arguments of the driver's `Cluster`; they win.

    Raises:
        cassandra.cluster.NoHostAvailable: No node took the login or answered.
    """
    policy = WhiteListRoundRobinPolicy([contact_points[0][0]]) if exclusive else TokenAwarePolicy(RoundRobinPolicy())
    profile = ExecutionProfile(
        load_balancing_policy=policy, request_timeout=timeout, consistency_level=ConsistencyLevel.ONE
    )
    arguments: dict[str, Any] = {
        "contact_points": [DefaultEndPoint(*address) for address in contact_points],
        "endpoint_factory": PublishedEndPoints(published, 9042),
        "execution_profiles": {EXEC_PROFILE_DEFAULT: profile},
        "protocol_version": _PROTOCOL_VERSIONS[flavour],
        "auth_provider": PlainTextAuthProvider(*login) if login else None,
        "ssl_context": tls_context(ssl_dir) if ssl_dir else None,
        "connect_timeout": connect_timeout,
        "control_connection_timeout": connect_timeout,
        # Scylla's port for shards is not published.
        "shard_aware_options": {"disable_shardaware_port": True},
    }
    cluster = Cluster(**{**arguments, **options})
    try:
        return cluster.connect(keyspace)
    except BaseException:
        cluster.shutdown()
        raise
