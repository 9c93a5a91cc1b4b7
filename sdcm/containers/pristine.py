"""Puts a node back as it was when it had just booted, as far as CQL can change one, and proves it.

Imports the driver, so import this module only where a node is looked at.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cassandra import DriverException
from cassandra.application_info import ApplicationInfo
from cassandra.cluster import Session

from sdcm.containers.cql import open_session
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
_KEYSPACES, _ROLES = "system_schema.keyspaces", "system_auth.roles"
_TRACES = ("system_traces.sessions", "system_traces.events")
#: Tables that tell what can be taken away, by flavour, with the columns that name it.
_REMOVED = {
    "cassandra": {_KEYSPACES: "keyspace_name", _ROLES: "role", **dict.fromkeys(_TRACES, "session_id")},
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
        rows: Table -> its rows, as text.
        keyspaces: Names of all keyspaces.
        roles: Names of all roles.
    """

    rows: Mapping[str, frozenset[str]]
    keyspaces: frozenset[str]
    roles: frozenset[str]

    def difference(self, other: "State") -> str:
        """Return the tables that differ, empty when none does."""
        return ", ".join(table for table, rows in self.rows.items() if rows != other.rows.get(table))


def can_be_restored(flavour: str) -> bool:
    """Whether nodes of a flavour can be put back at all."""
    return flavour in _TELLING


def session_with(node: NodeRecord) -> Session:
    """Open a session of our own with a node."""
    places = Whereabouts()
    places.note([node.ip], node.ports.get("9042"))
    return open_session(
        [node.ip],
        places,
        flavour=node.flavour,
        login=(node.username, node.password) if node.username else None,
        ssl_dir=node.ssl_dir,
        timeout=_TIMEOUT,
        only=[node.ip],
        options={
            "application_info": ApplicationInfo(application_name=_OURS),
            "schema_metadata_enabled": False,
            "token_metadata_enabled": False,
        },
    )


def look(session: Session, flavour: str) -> State:
    """Return the node's state: all tables are asked at once."""
    found = _found(session, dict.fromkeys(_TELLING[flavour], "*"))
    return State(
        rows={table: frozenset(map(repr, rows)) for table, rows in found.items()},
        keyspaces=frozenset(row.keyspace_name for row in found[_KEYSPACES]),
        roles=frozenset(row.role for row in found[_ROLES]),
    )


def _found(session: Session, tables: Mapping[str, str]) -> dict[str, list[Any]]:
    """Return the rows of tables, of each the columns that are named."""
    asked = {table: session.execute_async(f"SELECT {columns} FROM {table}") for table, columns in tables.items()}  # noqa: S608
    return {table: list(future.result()) for table, future in asked.items()}


def restore(session: Session, flavour: str, pristine: State) -> str:
    """Take away what a test has left; return why that is not enough, empty when the node is as it was.

    Args:
        session: A session of `session_with`.
        flavour: The node's.
        pristine: Its state before its first test.
    """
    if others := _other_clients(session):
        return f"connections of the test are still open ({others})"
    try:
        # Little is read to find what must go, and all of it once afterwards: that proves it.
        now = _found(session, _REMOVED[flavour])
        for keyspace in sorted({row.keyspace_name for row in now[_KEYSPACES]} - pristine.keyspaces):
            session.execute(f"DROP KEYSPACE IF EXISTS {_quoted(keyspace)}")
        for role in sorted({row.role for row in now[_ROLES]} - pristine.roles):
            session.execute(f"DROP ROLE IF EXISTS {_quoted(role)}")
        for table in _TRACES:
            if now[table] and not pristine.rows[table]:
                session.execute(f"TRUNCATE {table}")
        left = look(session, flavour).difference(pristine)
    except DriverException as exc:
        return f"it cannot be put back: {exc}"
    return f"other than before the test: {left}" if left else ""


def _other_clients(session: Session) -> str:
    """Return who else is connected, once that has had time to end; empty when nobody is."""
    end = time.monotonic() + _HANG_UP
    while True:
        rows = session.execute(_CLIENTS)
        others = {str(row.driver_name or "?") for row in rows if not _is_ours(row.client_options)}
        if not others or time.monotonic() > end:
            return ", ".join(sorted(others))
        time.sleep(_LOOK_AGAIN)


def _is_ours(options: Mapping[str, str] | None) -> bool:
    return (options or {}).get("APPLICATION_NAME") == _OURS


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
