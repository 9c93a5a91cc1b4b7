"""The nodes of one ring: whether they know one another, and what goes for all of them."""

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, overload

from sdcm.containers import tables
from sdcm.containers.execution import CommandTimedOut, UnexpectedExit
from sdcm.containers.inspection import raise_if_ended
from sdcm.containers.node import Node
from sdcm.errors import DeadlinePassed
from sdcm.wait import wait_for

if TYPE_CHECKING:
    from cassandra.cluster import Session

#: Seconds for the nodes of a ring to see one another up.
RING_SECONDS = 120.0
_STATUS_LINE = re.compile(r"^([UD?][NLJM])\s+(\S+)", re.MULTILINE)
_STEP = 0.5
_UP_AND_NORMAL = "UN"
_LOGINS = "system_auth"
#: Seconds for one of its tables to be read on every node, refusals included.
_LOGINS_SECONDS = 60.0


def states(nodetool_status: str) -> dict[str, str]:
    """Return address to state (`UN`, `UJ`, `DN`, ...) from the output of `nodetool status`."""
    return {address: state for state, address in _STATUS_LINE.findall(nodetool_status)}


class NodeRing(Sequence[Node]):
    """The nodes of one ring, in the order they joined.

    Args:
        nodes: The nodes, at least one.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = list(nodes)

    @overload
    def __getitem__(self, index: int) -> Node: ...

    @overload
    def __getitem__(self, index: slice) -> list[Node]: ...

    def __getitem__(self, index: int | slice) -> Node | list[Node]:
        return self.nodes[index]

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(node.name for node in self)}>"

    def get_any_ks_cf_list(self, node: Node, **filters: Any) -> list[str]:
        """Return all tables of the ring as `keyspace.table`; see `sdcm.containers.tables.tables_of` for the filters."""
        return tables.tables_of(node, system=True, **filters)

    def get_non_system_ks_cf_list(self, node: Node, **filters: Any) -> list[str]:
        """Return the tables that are not the database's own, by the same filters."""
        return tables.tables_of(node, system=False, **filters)

    @staticmethod
    def is_ks_rf_one(ks_cf: str, node: Node, **more: Any) -> bool:
        """Return whether the keyspace of a table keeps one copy of each row."""
        return tables.is_ks_rf_one(ks_cf, node, **more)

    @staticmethod
    def is_table_has_no_sstables(ks_cf: str, node: Node, **more: Any) -> bool:
        """Return whether a node has no file of a table yet."""
        return tables.is_table_has_no_sstables(ks_cf, node, **more)

    def join(self, node: Node) -> None:
        """Take in a node that has joined."""
        self.nodes.append(node)
        for member in self.nodes:
            member.belong_to(self)

    def settle(self, timeout: float = RING_SECONDS) -> None:
        """Wait until the nodes are a ring, and let each of them tell who may log in.

        A database keeps its logins once at first; afterwards each node has them, so that logins go on while another
        node is down. A ring of two makes an exception: Cassandra reads its superuser `cassandra` at QUORUM, which
        of two is both; other roles log in.

        Raises:
            EnvironmentFailed: A node has ended.
            DeadlinePassed: They did not find together in time; says who saw whom how.
        """
        self.wait_until_up(timeout)
        if len(self) > 1:
            with self[0].cql_connection_patient(patience=timeout) as session:
                replicate_logins(session, Counter(node.record.dc for node in self))

    def wait_until_up(self, timeout: float = RING_SECONDS) -> None:
        """Wait until every node sees all of them up and normal (`nodetool status`).

        Raises:
            EnvironmentFailed: One of them has ended.
            DeadlinePassed: They did not find together in time; says who saw whom how.
        """
        started = time.monotonic()
        addresses = {node.ip_address for node in self}
        # The newest first: it is the last to learn of the others.
        waiting = list(reversed(self.nodes))
        while waiting:
            node = waiting[0]
            left = started + timeout - time.monotonic()
            seen, problem = _look(node, max(5.0, left))
            if addresses == {address for address, state in seen.items() if state == _UP_AND_NORMAL}:
                waiting.pop(0)
                continue
            if left <= 0:
                shown = ", ".join(f"{address} {state}" for address, state in sorted(seen.items())) or problem
                raise DeadlinePassed(
                    f"{len(self)} nodes were no ring within {timeout:g} s",
                    why=f"{node.name} sees {shown or 'nothing'}",
                    evidence=node.get_log(tail=40),
                )
            raise_if_ended(node.handle)
            time.sleep(_STEP)

    # --- as users of a cluster object know it -----------------------------------------------------------------

    def cql_connection(self, node: Node | None = None, **options: Any) -> "Session":
        """Return a session by way of a node, the first when omitted; see the node's `cql_connection`."""
        return (node or self[0]).cql_connection(**options)

    def cql_connection_patient(self, node: Node, *args: Any, **options: Any) -> "AbstractContextManager[Session]":
        """Give a session by way of a node for the time of a `with` block; see the node's method."""
        return node.cql_connection_patient(*args, **options)

    def cql_connection_patient_exclusive(
        self, node: Node, *args: Any, **options: Any
    ) -> "AbstractContextManager[Session]":
        """Give a session with one node alone for the time of a `with` block; see the node's method."""
        return node.cql_connection_patient_exclusive(*args, **options)

    def get_db_auth(self) -> tuple[str, str] | None:
        """Return user and password that sessions log in with; None where no login is asked for."""
        login = self[0].login
        return login if login[0] else None


def replicate_logins(session: "Session", nodes_per_dc: Counter[str]) -> None:
    """Keep the logins on every node of a ring.

    Raising the replication factor alone would leave the new replicas empty: reading everything at ALL makes them
    whole, as each read at ALL repairs what it reads. That spares a repair's seconds.

    Args:
        session: A superuser's session with the ring, all of whose nodes are up.
        nodes_per_dc: Data centre to the number of its nodes.

    Raises:
        WaitForTimeoutError: A table could not be read on every node in time.
    """
    from cassandra import ConsistencyLevel
    from cassandra.query import SimpleStatement

    tables = session.execute("SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s", [_LOGINS])
    names = [row.table_name for row in tables]
    if not names:
        # Recent Scylla has logins on every node anyway.
        return
    factors = "".join(f", '{dc}': {count}" for dc, count in sorted(nodes_per_dc.items()))
    session.execute(f"ALTER KEYSPACE {_LOGINS} WITH replication = {{'class': 'NetworkTopologyStrategy'{factors}}}")
    for name in names:
        query = SimpleStatement(
            f"SELECT * FROM {_LOGINS}.{name}",  # noqa: S608
            consistency_level=ConsistencyLevel.ALL,
        )

        def read(query: SimpleStatement = query) -> bool:
            list(session.execute(query))
            return True

        # Until the roles are whole a coordinator may ask replicas that have none yet, and refuse even the superuser.
        wait_for(read, step=0.2, timeout=_LOGINS_SECONDS, text=f"{_LOGINS}.{name} is read on every node")


def _look(node: Node, timeout: float) -> tuple[dict[str, str], str]:
    try:
        return states(node.execute(["nodetool", "status"], timeout=timeout, user="").stdout), ""
    except (UnexpectedExit, CommandTimedOut) as exc:
        return {}, str(exc)
