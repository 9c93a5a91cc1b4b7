"""Sending and receiving against a client that plays the broker's part."""

from collections.abc import Callable
from typing import Any

import pytest

from sdcm.containers import kafka_messages
from sdcm.errors import DeadlinePassed, EnvironmentFailed
from unit_tests.lib.set_clock import SetClock


class FakeError:
    def __init__(self, text: str, retriable: bool = False) -> None:
        self._text, self._retriable = text, retriable

    def str(self) -> str:
        return self._text

    def retriable(self) -> bool:
        return self._retriable


class FakeProducer:
    """Takes `room` messages until it is polled for longer than no time; refuses those in `refused`."""

    def __init__(self, room: int = 100, refused: tuple[str, ...] = (), lost: int = 0) -> None:
        self.sent: list[tuple[Any, Any]] = []
        self._room, self._free, self._refused, self._lost = room, room, refused, lost

    def produce(self, topic: str, value: Any, key: Any, on_delivery: Callable[[Any, Any], None]) -> None:
        if not self._free:
            raise BufferError
        self._free -= 1
        self.sent.append((key, value))
        on_delivery(FakeError("too large") if value in self._refused else None, None)

    def poll(self, seconds: float) -> None:
        if seconds:
            self._free = self._room

    def flush(self, seconds: float) -> int:
        return self._lost


class FakeMessage:
    def __init__(self, value: bytes | None, offset: int = 0, error: FakeError | None = None) -> None:
        self._value, self._offset, self._error = value, offset, error

    def error(self) -> FakeError | None:
        return self._error

    def topic(self) -> str:
        return "t"

    def partition(self) -> int:
        return 2

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes | None:
        return None

    def value(self) -> bytes | None:
        return self._value

    def headers(self) -> list[tuple[str, bytes]] | None:
        return [("h", b"1")] if self._offset else None


class FakeConsumer:
    def __init__(self, *batches: list[FakeMessage]) -> None:
        self._batches = list(batches)

    def consume(self, count: int, seconds: float) -> list[FakeMessage]:
        return self._batches.pop(0)[:count] if self._batches else []


def send(producer: FakeProducer, messages: list[Any], deadline: float = 5) -> int:
    return kafka_messages.send(producer, "t", messages, deadline)  # type: ignore[arg-type]


def receive(consumer: FakeConsumer, count: int, deadline: float = 5) -> list[kafka_messages.KafkaMessage]:
    return kafka_messages.receive(consumer, "t", count, deadline)  # type: ignore[arg-type]


def test_values_and_pairs_are_sent_however_small_the_clients_queue() -> None:
    producer = FakeProducer(room=2)
    assert send(producer, ["one", b"two", ("k", "three"), (None, "four")]) == 4
    assert producer.sent == [(None, "one"), (None, b"two"), ("k", "three"), (None, "four")]


def test_a_refused_message_is_an_error_that_says_why() -> None:
    with pytest.raises(EnvironmentFailed, match="1 of 2 messages were not taken by t: too large"):
        send(FakeProducer(refused=("big",)), ["small", "big"])


def test_what_is_not_acknowledged_in_time_is_an_error() -> None:
    with pytest.raises(DeadlinePassed, match="1 of 2 messages were not acknowledged"):
        send(FakeProducer(lost=1), ["one", "two"])
    with pytest.raises(DeadlinePassed, match="0 messages were sent"):
        send(FakeProducer(room=0), ["one"], deadline=0)


def test_messages_are_gathered_over_batches_and_no_more_than_asked_for() -> None:
    batches = ([FakeMessage(b"a")], [], [FakeMessage(b"b", 1), FakeMessage(b"c", 2)])
    found = receive(FakeConsumer(*batches), 2)
    assert [(message.value, message.offset, message.headers) for message in found] == [
        (b"a", 0, ()),
        (b"b", 1, (("h", b"1"),)),
    ]
    assert found[0].partition == 2


def test_an_error_of_the_brokers_ends_the_reading_unless_it_passes() -> None:
    passing = FakeMessage(None, error=FakeError("leader moved", retriable=True))
    assert len(receive(FakeConsumer([passing], [FakeMessage(b"a")]), 1)) == 1
    with pytest.raises(EnvironmentFailed, match="reading from t failed: no such topic"):
        receive(FakeConsumer([FakeMessage(None, error=FakeError("no such topic"))]), 1)


def test_too_few_messages_are_an_error_that_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SetClock()
    monkeypatch.setattr(kafka_messages, "time", clock)

    class Slow(FakeConsumer):
        def consume(self, count: int, seconds: float) -> list[FakeMessage]:
            clock.leap(25)
            return super().consume(count, seconds)

    with pytest.raises(DeadlinePassed, match=r"1 of 2 messages came from t within 60 s"):
        receive(Slow([FakeMessage(b"a")]), 2, deadline=60)
