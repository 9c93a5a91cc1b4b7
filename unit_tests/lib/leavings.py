"""What a test can leave behind in its node, and what a new node looks like."""

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cassandra.cluster import Session

#: What a test may leave in a database: each is a list of statements; `{name}` is a fresh name.
_SCHEMA = "CREATE KEYSPACE {name} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}"
_VIEW = (
    "CREATE MATERIALIZED VIEW {name}.v AS SELECT a, b FROM {name}.t WHERE a IS NOT NULL AND b IS NOT NULL "
    "PRIMARY KEY (b, a)"
)
LEAVINGS = {
    "nothing": [],
    "a keyspace with rows": [
        _SCHEMA,
        "CREATE TABLE {name}.t (a int PRIMARY KEY, b text)",
        "INSERT INTO {name}.t (a, b) VALUES (1, 'left')",
    ],
    "a type, a function, an index and a view": [
        _SCHEMA,
        "CREATE TYPE {name}.pair (x int, y int)",
        "CREATE TABLE {name}.t (a int PRIMARY KEY, b int, p frozen<pair>)",
        "CREATE INDEX ON {name}.t (b)",
        "CREATE FUNCTION {name}.twice (v int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return v * 2;'",
        _VIEW,
        "INSERT INTO {name}.t (a, b, p) VALUES (1, 2, {{x: 1, y: 2}})",
    ],
    "a role with grants": [
        _SCHEMA,
        "CREATE ROLE {name} WITH PASSWORD = 'p' AND LOGIN = true",
        "GRANT SELECT ON ALL KEYSPACES TO {name}",
        "GRANT CREATE ON KEYSPACE {name} TO {name}",
    ],
    "a grant on what was there": ["CREATE ROLE {name}", "GRANT {name} TO cassandra"],
    "a changed password": ["ALTER ROLE cassandra WITH PASSWORD = 'changed'"],
    "a changed system keyspace": [
        "ALTER KEYSPACE system_traces WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}"
    ],
    "a lightweight transaction": [
        _SCHEMA,
        "CREATE TABLE {name}.t (a int PRIMARY KEY, b int)",
        "INSERT INTO {name}.t (a, b) VALUES (1, 1) IF NOT EXISTS",
    ],
}
_SYSTEM = {"system", "system_auth", "system_distributed", "system_schema", "system_traces"}


def assert_pristine(session: "Session") -> None:
    """What a new node has, and nothing else."""
    assert {
        row.keyspace_name for row in session.execute("SELECT keyspace_name FROM system_schema.keyspaces")
    } == _SYSTEM
    (role,) = session.execute("SELECT role, member_of FROM system_auth.roles")
    assert (role.role, role.member_of) == ("cassandra", None)
    for table in ("system_auth.role_members", "system_auth.role_permissions", "system.built_views"):
        assert not list(session.execute(f"SELECT * FROM {table}")), table
    for table in ("system_traces.sessions", "system.prepared_statements", "system_distributed.view_build_status"):
        assert not list(session.execute(f"SELECT * FROM {table}")), table
    (traces,) = session.execute("SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = 'system_traces'")
    assert traces.replication["replication_factor"] == "2"


def leave(session: "Session", what: str) -> None:
    """Leave one of `LEAVINGS` in a database."""
    name = f"left_{secrets.token_hex(4)}"
    for statement in LEAVINGS[what]:
        session.execute(statement.format(name=name))
    if what == "a keyspace with rows":
        # Stays in the server's cache, and in a table, until what it reads is dropped.
        prepared = session.prepare(f"SELECT b FROM {name}.t WHERE a = ?")
        assert session.execute(prepared, [1], trace=True).one().b == "left"


#: What a test may leave outside the database: lines of shell in the node.
LEFT_OUTSIDE = {
    "a file": "touch /tmp/left",
    "a process": "sleep 600 >/dev/null 2>&1 &",
    "a setting": "nodetool settraceprobability 0.5",
    "a snapshot": "nodetool snapshot -t left",
}
#: Shows what is left outside: files, processes, settings, snapshots.
LOOK = "ls /tmp/left 2>/dev/null; pgrep -a sleep; nodetool gettraceprobability; nodetool listsnapshots"


def assert_nothing_outside(shown: str) -> None:
    """What `LOOK` shows of a node that nobody has touched."""
    assert "probability: 0.0" in shown
    assert "left" not in shown
    assert "sleep" not in shown
