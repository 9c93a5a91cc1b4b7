"""Which tables a ring has, by the names and filters that tests know."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cassandra.cluster import Session

    from sdcm.containers.node import Node

#: Keyspaces of the databases themselves, virtual ones included.
_SYSTEM = re.compile(r"system(_.*)?|audit|dse_.*")
_TABLES = "SELECT keyspace_name, table_name FROM system_schema.tables"
_VIEWS = "SELECT keyspace_name, view_name FROM system_schema.views"
_REPLICATION = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s"
_SSTABLES = re.compile(r"SSTable count: (\d+)")
_TABLESTATS_SECONDS = 60.0

#: Told `keyspace.table` and the node; a table for which it is true is left out.
FilterFunc = Callable[..., bool]


def tables_of(
    node: "Node",
    *,
    system: bool,
    filter_empty_tables: bool = False,
    filter_out_mv: bool = False,
    filter_func: FilterFunc | None = None,
) -> list[str]:
    """Return the ring's tables and views as `keyspace.table`, sorted, quoted where CQL wants it.

    Args:
        node: The node that is asked.
        system: Whether the database's own keyspaces count.
        filter_empty_tables: Leave out tables without a row.
        filter_out_mv: Leave out materialized views.
        filter_func: Leave out tables for which it is true; told `keyspace.table` and the node.
    """
    with node.cql_connection_patient_exclusive(patience=0) as session:
        found = {(row.keyspace_name, row.table_name) for row in session.execute(_TABLES)}
        if not filter_out_mv:
            found |= {(row.keyspace_name, row.view_name) for row in session.execute(_VIEWS)}
        names = [
            f"{_quoted(keyspace)}.{_quoted(table)}" for keyspace, table in sorted(found) if system or not _own(keyspace)
        ]
        if filter_empty_tables:
            names = [name for name in names if _has_rows(session, name)]
    return [name for name in names if filter_func is None or not filter_func(name, node)]


def is_ks_rf_one(ks_cf: str, node: "Node", **_: Any) -> bool:
    """Return whether the keyspace of a table keeps one copy of each row; for `filter_func`."""
    keyspace = ks_cf.partition(".")[0].strip('"')
    with node.cql_connection_patient_exclusive(patience=0) as session:
        row = session.execute(_REPLICATION, (keyspace,)).one()
    return row is not None and copies(row.replication) == 1


def copies(replication: Mapping[str, str]) -> int:
    """Return how many copies a replication map asks for, of all data centres together."""
    return sum(int(value) for key, value in replication.items() if key != "class" and value.isdecimal())


def is_table_has_no_sstables(ks_cf: str, node: "Node", **_: Any) -> bool:
    """Return whether a node has no file of a table yet: all of it is in memory; for `filter_func`."""
    told = node.run_nodetool("tablestats", args=ks_cf.replace('"', ""), timeout=_TABLESTATS_SECONDS).stdout
    return not any(int(count) for count in _SSTABLES.findall(told))


def _own(keyspace: str) -> bool:
    return _SYSTEM.fullmatch(keyspace) is not None


def _has_rows(session: "Session", name: str) -> bool:
    return session.execute(f"SELECT * FROM {name} LIMIT 1").one() is not None  # noqa: S608 - quoted above


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'
