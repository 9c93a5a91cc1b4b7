"""CQL sessions for tests. Imports the driver, so import this module only where a session is made."""

from collections.abc import Mapping, Sequence
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import (
    ConstantReconnectionPolicy,
    LoadBalancingPolicy,
    RoundRobinPolicy,
    TokenAwarePolicy,
    WhiteListRoundRobinPolicy,
)

from sdcm.containers.end_points import Places, PublishedEndPoints
from sdcm.containers.one_connection import OneConnection
from sdcm.containers.tls import client_context

#: Versions that both ends speak: saves the driver a round of asking.
_PROTOCOL_VERSIONS = {"cassandra": 5, "scylla": 4}
#: Seconds between the driver's looks at a node that is down; its own default grows to ten minutes.
_RECONNECT_SECONDS = 1.0


def open_session(
    contact_points: Sequence[str],
    places: Places,
    *,
    flavour: str,
    login: tuple[str, str] | None,
    keyspace: str | None = None,
    ssl_dir: str = "",
    timeout: float = 60.0,
    connect_timeout: float = 20.0,
    only: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Session:
    """Open a session with a ring.

    Args:
        contact_points: Where to begin: addresses of nodes as the nodes themselves tell them.
        places: Knows where nodes are published.
        flavour: Of the nodes.
        login: User and password; None: no login.
        keyspace: Keyspace to start in.
        ssl_dir: Directory of PEM files for TLS; none when empty.
        timeout: Seconds for one request.
        connect_timeout: Seconds for one connection, the control connection's answers included.
        only: Send requests to the nodes with these addresses alone.
        options: Further arguments of the driver's `Cluster`; they win.

    Raises:
        cassandra.cluster.NoHostAvailable: No node took the login or answered.
    """
    cluster = _cluster(contact_points, places, flavour, login, ssl_dir, timeout, connect_timeout, only, options or {})
    try:
        return cluster.connect(keyspace)
    except BaseException:
        cluster.shutdown()
        raise


def connect_once(
    ip: str,
    places: Places,
    *,
    flavour: str,
    login: tuple[str, str] | None,
    ssl_dir: str = "",
    timeout: float = 60.0,
    options: Mapping[str, Any] | None = None,
) -> OneConnection:
    """Open a single connection to a node; arguments as those of `open_session`.

    Raises:
        cassandra.DriverException: It is not reached, does not answer, or refuses the login.
    """
    cluster = _cluster([ip], places, flavour, login, ssl_dir, timeout, timeout, [ip], options or {})
    return OneConnection(cluster, cluster.endpoint_factory.at(ip), timeout)


def _cluster(
    contact_points: Sequence[str],
    places: Places,
    flavour: str,
    login: tuple[str, str] | None,
    ssl_dir: str,
    timeout: float,
    connect_timeout: float,
    only: Sequence[str],
    options: Mapping[str, Any],
) -> Cluster:
    given = dict(options)
    context = given.pop("ssl_context", None) or (client_context(ssl_dir) if ssl_dir else None)
    end_points = PublishedEndPoints(places, tls=context is not None)
    profile = ExecutionProfile(
        load_balancing_policy=_policy(only), request_timeout=timeout, consistency_level=ConsistencyLevel.ONE
    )
    arguments: dict[str, Any] = {
        "contact_points": [end_points.at(address) for address in contact_points],
        "endpoint_factory": end_points,
        "execution_profiles": {EXEC_PROFILE_DEFAULT: profile},
        "protocol_version": _PROTOCOL_VERSIONS[flavour],
        "auth_provider": PlainTextAuthProvider(*login) if login else None,
        "ssl_context": context,
        "connect_timeout": connect_timeout,
        "control_connection_timeout": connect_timeout,
        "reconnection_policy": ConstantReconnectionPolicy(_RECONNECT_SECONDS, max_attempts=None),
        # Scylla's port for shards is not published.
        "shard_aware_options": {"disable_shardaware_port": True},
    }
    return Cluster(**{**arguments, **given})


def _policy(only: Sequence[str]) -> LoadBalancingPolicy:
    return WhiteListRoundRobinPolicy(list(only)) if only else TokenAwarePolicy(RoundRobinPolicy())
