"""One connection to a node, for statements whose answers are compared as they come.

A session of the driver makes two connections, logs in on each, and reads the ring before its first answer and after
each change of the schema. Between two tests that takes longer than what is asked there. Imports the driver, so import
this module only where a node is looked at.
"""

import io
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

from cassandra import ConsistencyLevel, DriverException
from cassandra.cluster import Cluster
from cassandra.connection import Connection, ConnectionException, EndPoint
from cassandra.protocol import (
    WARNING_FLAG,
    ErrorMessage,
    ProtocolHandler,
    QueryMessage,
    ResultMessage,
    read_stringlist,
)
from cassandra.query import named_tuple_factory


class OneConnection:
    """Asks one node; a context manager."""

    def __init__(self, cluster: Cluster, end_point: EndPoint, timeout: float) -> None:
        """Connect and log in as the sessions of a cluster would.

        Args:
            cluster: Says how; it is shut down with the connection.
            end_point: The node.
            timeout: Seconds for the answers to what is asked at once.

        Raises:
            cassandra.DriverException: It is not reached, does not answer, or refuses the login.
        """
        self._cluster = cluster
        self._timeout = timeout
        try:
            cluster.connection_class.initialize_reactor()
            self._connection: Connection = cluster.connection_factory(end_point)
        except (ConnectionException, ErrorMessage, OSError) as exc:
            cluster.shutdown()
            raise DriverException(str(exc)) from exc
        except BaseException:
            cluster.shutdown()
            raise

    def __enter__(self) -> Self:
        """Give the connection itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self._connection.close()
        self._cluster.shutdown()

    def execute(self, statement: str) -> list[Any]:
        """Return the rows of a statement.

        Raises:
            cassandra.DriverException: It fails, or is not answered in time.
        """
        return self.rows([statement])[0]

    def rows(self, statements: Sequence[str]) -> list[list[Any]]:
        """Return the rows of each of several statements, asked at once.

        Raises:
            cassandra.DriverException: One fails, or is not answered in time.
        """
        answers = self._ask(statements, ProtocolHandler.decode_message)
        return [
            named_tuple_factory(answer.column_names, answer.parsed_rows) if answer.column_names else []
            for answer in answers
        ]

    def raw(self, statements: Sequence[str]) -> list[bytes]:
        """Return the results of statements asked at once as they came: equal for equal rows in the same order.

        Raises:
            cassandra.DriverException: One fails, or is not answered in time.
        """
        return self._ask(statements, _as_it_came)

    def _ask(self, statements: Sequence[str], decoder: Callable[..., Any]) -> list[Any]:
        answers = _Answers(len(statements))
        try:
            for index, statement in enumerate(statements):
                with self._connection.lock:
                    number = self._connection.get_request_id()
                message = QueryMessage(statement, ConsistencyLevel.ONE)
                self._connection.send_msg(message, number, answers.taker(index), decoder=decoder)
            return answers.all(self._timeout)
        except (ConnectionException, ErrorMessage, OSError) as exc:
            raise DriverException(str(exc)) from exc


class _Answers:
    """Gathers the answers to statements that were sent at once."""

    def __init__(self, count: int) -> None:
        self._answers: list[Any] = [None] * count
        self._left = count
        self._change = threading.Condition()

    def taker(self, index: int) -> Callable[[object], None]:
        """Return what takes the answer to a statement, from the driver's thread."""

        def take(answer: object) -> None:
            with self._change:
                self._answers[index] = answer
                self._left -= 1
                self._change.notify_all()

        return take

    def all(self, timeout: float) -> list[Any]:
        """Return them in their order.

        Raises:
            Exception: What one of them was.
            cassandra.DriverException: They have not all come in time.
        """
        with self._change:
            if not self._change.wait_for(lambda: not self._left, timeout):
                raise DriverException(f"{self._left} of {len(self._answers)} statements unanswered after {timeout:g} s")
        for answer in self._answers:
            if isinstance(answer, Exception):
                raise answer
        return self._answers


def _as_it_came(*arguments: Any) -> Any:
    """Decode errors, as the driver's own decoder does with the same arguments; of a result leave out warnings."""
    flags, opcode, body = arguments[4:7]
    if opcode != ResultMessage.opcode:
        return ProtocolHandler.decode_message(*arguments)
    came = io.BytesIO(body)
    if flags & WARNING_FLAG:
        read_stringlist(came)
    return came.read()
