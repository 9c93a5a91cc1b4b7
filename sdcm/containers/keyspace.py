"""A keyspace of a test's own: named for it alone, filled from files or with random rows."""

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcm.containers import cql_file
from sdcm.containers.random_rows import RandomValues
from sdcm.errors import UsageProblem

if TYPE_CHECKING:
    from cassandra.cluster import Session

    from sdcm.containers.node import Node

_MOST_REPLICAS = 3


class Keyspace:
    """A keyspace, and a session in it. `str()` of it is its name.

    Args:
        name: Its name.
        session: A session that starts in it.
        values: Makes up what `fill` writes.
        folders: Where files are looked for that are named without their whole path.

    Attributes:
        name: Its name.
        session: A session that starts in it, closed with the node's others.
        values: Makes up what `fill` writes; `values.seed` makes it the same again.
    """

    def __init__(self, name: str, session: "Session", values: RandomValues, folders: Sequence[Path] = ()) -> None:
        self.name = name
        self.session = session
        self.values = values
        self._folders = tuple(folders)

    def __str__(self) -> str:
        return self.name

    def apply_file(self, path: str | Path) -> int:
        """Execute a file of CQL statements in the keyspace and return how many there were.

        Args:
            path: The file; relative to the test's folder or the project's root.

        Raises:
            UsageProblem: There is no such file, or the database refused a statement; says where it is.
        """
        tried = [folder / path for folder in self._folders] or [Path(path)]
        found = next((file for file in tried if file.is_file()), None)
        if found is None:
            raise UsageProblem(f"there is no file {path}", why=f"looked for {', '.join(map(str, tried))}")
        return cql_file.apply_file(self.session, found)

    def fill(self, table: str, rows: int = 100) -> list[dict[str, Any]]:
        """Write random rows into a table and return them, each as column to value.

        Args:
            table: A table of the keyspace.
            rows: How many; no two have the same primary key.

        Raises:
            UsageProblem: There is no such table, or a column's type has no random values.
        """
        from cassandra.concurrent import execute_concurrent_with_args

        columns, key = self._columns(table)
        made = self.values.rows(columns, rows, key)
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        insert = self.session.prepare(f'INSERT INTO "{self.name}"."{table}" ({names}) VALUES ({marks})')  # noqa: S608
        execute_concurrent_with_args(self.session, insert, [list(row.values()) for row in made])
        return made

    def _columns(self, table: str) -> tuple[dict[str, str], list[str]]:
        """Return a table's columns with their types, and those of its primary key."""
        found = self.session.execute(
            "SELECT column_name, type, kind FROM system_schema.columns WHERE keyspace_name = %s AND table_name = %s",
            [self.name, table],
        ).all()
        if not found:
            raise UsageProblem(f"there is no table {table} in keyspace {self.name}")
        key = [row.column_name for row in found if row.kind in {"partition_key", "clustering"}]
        return {row.column_name: row.type for row in found}, key


def make_keyspace(nodes: Iterable["Node"], values: RandomValues, folders: Sequence[Path] = ()) -> Keyspace:
    """Make a keyspace of a new name on a ring, with a replica on up to three nodes of each data centre.

    Args:
        nodes: The ring's nodes.
        values: Makes up random rows.
        folders: Where files of statements are looked for.
    """
    members = list(nodes)
    name = f"ks_{secrets.token_hex(4)}"
    factors = Counter(node.record.dc for node in members)
    replicas = "".join(f", '{dc}': {min(count, _MOST_REPLICAS)}" for dc, count in sorted(factors.items()))
    session = members[0].cql_connection()
    session.execute(f"CREATE KEYSPACE {name} WITH replication = {{'class': 'NetworkTopologyStrategy'{replicas}}}")
    session.set_keyspace(name)
    return Keyspace(name, session, values, folders)
