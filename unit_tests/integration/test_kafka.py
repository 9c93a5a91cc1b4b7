"""A Kafka broker: messages there and back, a restart between, and clients in other containers.

External services: Docker (Kafka)
"""

import contextlib
import time

import pytest

from sdcm.errors import DeadlinePassed, EnvironmentFailed
from unit_tests.lib.lazily import lazily

docker = lazily("docker")

pytestmark = pytest.mark.integration

MESSAGES = 10_000


def test_ten_thousand_messages_outlive_a_restart(kafka_cluster):
    """Keys, values and order within a partition arrive; topics and messages are there after a restart."""
    topic = kafka_cluster.create_topic(partitions=3)
    sent = [(f"key-{number}", f"value {number} äöü".encode()) for number in range(MESSAGES)]
    assert kafka_cluster.produce(topic, sent) == MESSAGES

    received = kafka_cluster.consume(topic, MESSAGES)
    assert {(message.key.decode(), message.value) for message in received} == set(sent)
    by_partition = {part: [m for m in received if m.partition == part] for part in range(3)}
    assert set(map(bool, by_partition.values())) == {True}
    for messages in by_partition.values():
        assert [message.offset for message in messages] == list(range(len(messages)))
        numbers = [int(message.key.decode().removeprefix("key-")) for message in messages]
        assert numbers == sorted(numbers)

    former = kafka_cluster.bootstrap_servers
    kafka_cluster.restart()
    assert kafka_cluster.topics() == {topic: 3}
    kafka_cluster.produce(topic, ["after the restart"])
    again = kafka_cluster.consume(topic, MESSAGES + 1)
    assert {message.value for message in again} == {value for _, value in sent} | {b"after the restart"}
    assert former.partition(":")[0] == kafka_cluster.bootstrap_servers.partition(":")[0]


def test_groups_mistakes_and_clients_on_the_network(kafka_cluster):
    """A group goes on where it was; what Kafka refuses is an error at once; containers reach it by its name."""
    topic = kafka_cluster.create_topic("orders")
    kafka_cluster.produce(topic, ["one", "two", "three"])
    assert [m.value for m in kafka_cluster.consume(topic, 2, group_id="readers")] == [b"one", b"two"]
    with pytest.raises(DeadlinePassed, match="3 of 4 messages came from orders within 6 s"):
        kafka_cluster.consume(topic, 4, deadline=6)
    with pytest.raises(EnvironmentFailed, match=r"could not make topic orders: .*exists"):
        kafka_cluster.create_topic("orders")

    # A client in another container: a tool of Kafka's own, which asks the broker for its addresses.
    inside = kafka_cluster.internal_bootstrap_servers
    tool = ["-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", "/opt/kafka/libs/*"]
    ask = ["kafka.admin.ConfigCommand", "--bootstrap-server", inside, "--describe", "--entity-type", "brokers", "--all"]
    with contextlib.closing(docker.from_env()) as engine:
        output = engine.containers.run(
            kafka_cluster.image_name,
            [*tool, *ask],
            entrypoint="java",
            network=kafka_cluster.docker_network,
            remove=True,
        ).decode()
    assert "advertised.listeners=OUTSIDE://" in output
    assert inside in output

    kafka_cluster.delete_topic(topic)
    end = time.monotonic() + 30
    while "orders" in kafka_cluster.topics():
        assert time.monotonic() < end
        time.sleep(0.2)
