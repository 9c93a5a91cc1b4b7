"""A single connection's answers, as rows and as they came, and how it fails."""

import struct
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from cassandra import DriverException
from cassandra.connection import ConnectionShutdown
from cassandra.protocol import ErrorMessage, ResultMessage
from cassandra.protocol_features import ProtocolFeatures

from sdcm.containers.one_connection import OneConnection

_VERSION, _WARNING = 5, 0x08
#: A refusal as the protocol writes it: a code, and a text behind its length.
_REFUSAL = struct.pack(">iH", 0x2000, 7) + b"no such"


class FakeConnection:
    """Answers each statement with what `answers` holds for it: flags, opcode and body of a frame; None: never."""

    def __init__(self, answers: dict[str, tuple[int, int, bytes] | None]) -> None:
        self._answers = answers
        self.lock = threading.RLock()
        self.closed = False
        self._numbers = iter(range(100))

    def get_request_id(self) -> int:
        return next(self._numbers)

    def send_msg(
        self, message: Any, number: int, take: Callable[[object], None], decoder: Callable[..., object]
    ) -> None:
        frame = self._answers[message.query]
        if frame is not None:
            flags, opcode, body = frame
            take(decoder(_VERSION, ProtocolFeatures(), {}, number, flags, opcode, body, None, None))

    def close(self) -> None:
        self.closed = True


class FakeCluster:
    """Makes one connection, or fails to."""

    connection_class = SimpleNamespace(initialize_reactor=lambda: None)

    def __init__(self, connection: FakeConnection | Exception) -> None:
        self._connection = connection
        self.is_shutdown = False

    def connection_factory(self, _end_point: object) -> FakeConnection:
        if isinstance(self._connection, Exception):
            raise self._connection
        return self._connection

    def shutdown(self) -> None:
        self.is_shutdown = True


def opened(answers: dict[str, tuple[int, int, bytes] | None], timeout: float = 20.0) -> OneConnection:
    return OneConnection(FakeCluster(FakeConnection(answers)), None, timeout)


def names(*values: str) -> bytes:
    """A result's body: rows of one column of text, called `name`."""
    texts = [struct.pack(">H", len(text)) + text.encode() for text in ("ks", "t", "name")]
    head = struct.pack(">iii", 2, 1, 1) + b"".join(texts) + struct.pack(">H", 0x000D)
    rows = [struct.pack(">i", len(value)) + value.encode() for value in values]
    return head + struct.pack(">i", len(values)) + b"".join(rows)


def test_rows_of_statements_asked_at_once_come_in_their_order() -> None:
    result = ResultMessage.opcode
    connection = opened({"one": (0, result, names("a", "b")), "two": (0, result, names())})
    assert [[row.name for row in rows] for rows in connection.rows(["one", "two"])] == [["a", "b"], []]


def test_a_statement_without_rows_gives_none() -> None:
    assert opened({"drop": (0, ResultMessage.opcode, struct.pack(">i", 1))}).execute("drop") == []


def test_results_stay_as_they_came_but_for_warnings() -> None:
    warnings = struct.pack(">HH", 1, 4) + b"many"
    answers = {
        "one": (0, ResultMessage.opcode, names("a")),
        "two": (_WARNING, ResultMessage.opcode, warnings + names("a")),
    }
    assert opened(answers).raw(["one", "two"]) == [names("a"), names("a")]


def test_a_refusal_is_the_drivers_own_error() -> None:
    connection = opened({"one": (0, ResultMessage.opcode, names("a")), "two": (0, ErrorMessage.opcode, _REFUSAL)})
    for ask in (connection.rows, connection.raw):
        with pytest.raises(DriverException, match="no such"):
            ask(["one", "two"])


def test_an_answer_that_does_not_come_is_not_awaited_for_ever() -> None:
    connection = opened({"one": (0, ResultMessage.opcode, names("a")), "two": None}, timeout=0.0)
    with pytest.raises(DriverException, match="1 of 2 statements unanswered"):
        connection.rows(["one", "two"])


def test_it_hangs_up_and_ends_what_it_was_made_with() -> None:
    fake = FakeConnection({})
    cluster = FakeCluster(fake)
    with OneConnection(cluster, None, 20.0):
        pass
    assert (fake.closed, cluster.is_shutdown) == (True, True)


@pytest.mark.parametrize("error", [ConnectionShutdown("gone"), ConnectionRefusedError("gone")])
def test_a_node_that_is_not_reached_is_the_drivers_own_error(error: Exception) -> None:
    cluster = FakeCluster(error)
    with pytest.raises(DriverException, match="gone"):
        OneConnection(cluster, None, 20.0)
    assert cluster.is_shutdown
