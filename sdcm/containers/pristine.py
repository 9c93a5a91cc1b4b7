"""Puts a node back as it was when it had just booted, as far as CQL can change one, and proves it.

Imports the driver, so import this module only where a node is looked at.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from cassandra import DriverException
from cassandra.application_info import ApplicationInfo

from sdcm.containers.cql import connect_once
from sdcm.containers.one_connection import OneConnection
from sdcm.containers.records import NodeRecord
from sdcm.containers.whereabouts import Whereabouts

#: What our own connections are called in the node's list of clients.
_OURS = "sct-broker"
#: What tells of a node's state, by flavour: everything that statements, roles, grants and settings leave behind.
#: Cassandra 5.0's own tables; what it writes there by itself (sizes, compactions, paxos of tables that are gone) is no
#: state that a test could see another test by, and is left out.
_TELLING = {
    "cassandra": (
        "system_schema.keyspaces",
        "system_schema.tables",
        "system_schema.columns",
        "system_schema.types",
        "system_schema.functions",
        "system_schema.aggregates",
        "system_schema.views",
        "system_schema.indexes",
        "system_schema.triggers",
        "system_auth.roles",
        "system_auth.role_members",
        "system_auth.role_permissions",
        "system_auth.network_permissions",
        "system_auth.cidr_permissions",
        "system_auth.cidr_groups",
        "system_auth.identity_to_role",
        "system_distributed.view_build_status",
        "system_distributed.partition_denylist",
        "system_distributed.repair_history",
        "system_distributed.parent_repair_history",
        "system_traces.sessions",
        "system_traces.events",
        "system.batches",
        "system.built_views",
        "system.view_builds_in_progress",
        "system.prepared_statements",
        "system.peers_v2",
        "system_views.settings",
    )
}
_TRACES = ("system_traces.sessions", "system_traces.events")
#: What names all that can be taken away, by flavour: keyspaces, roles, then the traces.
_REMOVED = {
    "cassandra": (
        "SELECT keyspace_name FROM system_schema.keyspaces",
        "SELECT role FROM system_auth.roles",
        *(f"SELECT session_id FROM {table} LIMIT 1" for table in _TRACES),  # noqa: S608
    ),
}
_CLIENTS = "SELECT client_options, driver_name FROM system_views.clients"
#: Seconds that connections of a test which has closed its sessions may take to be gone.
_HANG_UP = 2.0
_LOOK_AGAIN = 0.02
_TIMEOUT = 30.0


@dataclass(frozen=True)
class State:
    """What a node's telling tables hold.

    Attributes:
        rows: Table -> its rows, as the node sends them.
        keyspaces: Names of all keyspaces.
        roles: Names of all roles.
        traced: Those of the tables of traces that are not empty.
    """

    rows: Mapping[str, bytes]
    keyspaces: frozenset[str]
    roles: frozenset[str]
    traced: frozenset[str]

    def difference(self, rows: Mapping[str, bytes]) -> str:
        """Return the tables that differ from other rows, empty when none does."""
        return ", ".join(table for table, own in self.rows.items() if own != rows.get(table))


def can_be_restored(flavour: str) -> bool:
    """Whether nodes of a flavour can be put back at all."""
    return flavour in _TELLING


def connection_with(node: NodeRecord) -> OneConnection:
    """Open a connection of our own with a node.

    Raises:
        cassandra.DriverException: It is not reached, does not answer, or refuses the login.
    """
    places = Whereabouts()
    places.note([node.ip], node.ports.get("9042"))
    return connect_once(
        node.ip,
        places,
        flavour=node.flavour,
        login=(node.username, node.password) if node.username else None,
        ssl_dir=node.ssl_dir,
        timeout=_TIMEOUT,
        options={"application_info": ApplicationInfo(application_name=_OURS)},
    )


def look(connection: OneConnection, flavour: str) -> State:
    """Return the node's state.

    Raises:
        cassandra.DriverException: It does not answer.
    """
    keyspaces, roles, *traces = connection.rows(_REMOVED[flavour])
    return State(
        rows=_rows(connection, flavour),
        keyspaces=frozenset(row.keyspace_name for row in keyspaces),
        roles=frozenset(row.role for row in roles),
        traced=frozenset(table for table, found in zip(_TRACES, traces, strict=True) if found),
    )


def _rows(connection: OneConnection, flavour: str) -> dict[str, bytes]:
    tables = _TELLING[flavour]
    return dict(zip(tables, connection.raw([f"SELECT * FROM {table}" for table in tables]), strict=True))  # noqa: S608


def restore(connection: OneConnection, flavour: str, pristine: State) -> str:
    """Take away what a test has left; return why that is not enough, empty when the node is as it was.

    Args:
        connection: One of `connection_with`.
        flavour: The node's.
        pristine: Its state before its first test.
    """
    if others := _other_clients(connection):
        return f"connections of the test are still open ({others})"
    try:
        # Little is read to find what must go, and all of it once afterwards: that proves it.
        keyspaces, roles, *traces = connection.rows(_REMOVED[flavour])
        for keyspace in sorted({row.keyspace_name for row in keyspaces} - pristine.keyspaces):
            connection.execute(f"DROP KEYSPACE IF EXISTS {_quoted(keyspace)}")
        for role in sorted({row.role for row in roles} - pristine.roles):
            connection.execute(f"DROP ROLE IF EXISTS {_quoted(role)}")
        for table, found in zip(_TRACES, traces, strict=True):
            if found and table not in pristine.traced:
                connection.execute(f"TRUNCATE {table}")
        left = pristine.difference(_rows(connection, flavour))
    except DriverException as exc:
        return f"it cannot be put back: {exc}"
    return f"other than before the test: {left}" if left else ""


def _other_clients(connection: OneConnection) -> str:
    """Return who else is connected, once that has had time to end; empty when nobody is."""
    end = time.monotonic() + _HANG_UP
    while True:
        rows = connection.execute(_CLIENTS)
        others = {str(row.driver_name or "?") for row in rows if not _is_ours(row.client_options)}
        if not others or time.monotonic() > end:
            return ", ".join(sorted(others))
        time.sleep(_LOOK_AGAIN)


def _is_ours(options: Mapping[str, str] | None) -> bool:
    return (options or {}).get("APPLICATION_NAME") == _OURS


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
