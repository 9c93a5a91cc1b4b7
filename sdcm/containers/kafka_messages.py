"""Sending and receiving messages of Kafka, with a deadline each."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdcm.errors import DeadlinePassed, EnvironmentFailed

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer

_BATCH = 1000
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class KafkaMessage:
    """One message.

    Attributes:
        topic: Its topic.
        partition: Its partition.
        offset: Its place there.
        key: Its key, None for none.
        value: What it says.
        headers: Its headers.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = field(default=())


def send(
    producer: "Producer",
    topic: str,
    messages: Iterable[str | bytes | tuple[str | bytes | None, str | bytes]],
    deadline: float,
) -> int:
    """Send messages and wait until the broker has them all; see `KafkaCluster.produce`."""
    end = time.monotonic() + deadline
    failed: list[str] = []
    count = 0

    def delivered(error: Any, _message: Any) -> None:
        if error is not None:
            failed.append(error.str())

    for message in messages:
        key, value = message if isinstance(message, tuple) else (None, message)
        while True:
            try:
                producer.produce(topic, value, key, on_delivery=delivered)
                break
            except BufferError:  # the client's queue is full: let it send
                if time.monotonic() >= end:
                    raise DeadlinePassed(f"{count} messages were sent to {topic} within {deadline:g} s") from None
                producer.poll(_POLL_SECONDS)
        count += 1
        producer.poll(0)
    unsent = producer.flush(max(0.0, end - time.monotonic()))
    if failed:
        raise EnvironmentFailed(f"{len(failed)} of {count} messages were not taken by {topic}", why=failed[0])
    if unsent:
        raise DeadlinePassed(f"{unsent} of {count} messages were not acknowledged within {deadline:g} s")
    return count


def receive(consumer: "Consumer", topic: str, count: int, deadline: float) -> list[KafkaMessage]:
    """Read messages until there are `count`; see `KafkaCluster.consume`."""
    end = time.monotonic() + deadline
    found: list[KafkaMessage] = []
    while len(found) < count:
        if time.monotonic() >= end:
            raise DeadlinePassed(f"{len(found)} of {count} messages came from {topic} within {deadline:g} s")
        for message in consumer.consume(min(_BATCH, count - len(found)), _POLL_SECONDS):
            if (error := message.error()) is not None:
                if error.retriable():
                    continue
                raise EnvironmentFailed(f"reading from {topic} failed", why=error.str())
            found.append(_read(message))
    return found


def _read(message: Any) -> KafkaMessage:
    return KafkaMessage(
        message.topic(),
        message.partition(),
        message.offset(),
        message.key(),
        message.value() or b"",
        tuple(message.headers() or ()),
    )
