"""A Kafka broker in a container as tests use it: its addresses, topics, messages, and starting it anew.

The client is confluent-kafka (librdkafka), which is the extra `kafka`.
"""

import logging
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcm.containers import archive, kafka_messages
from sdcm.containers.container import Container
from sdcm.containers.inspection import log_tail, raise_if_ended
from sdcm.containers.kafka_messages import KafkaMessage
from sdcm.containers.readiness import NotReady, Waiting
from sdcm.containers.service import ContainerRecord, ContainerRequest
from sdcm.errors import EnvironmentFailed, ServiceUnavailable

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer
    from confluent_kafka.admin import AdminClient

LOGGER = logging.getLogger(__name__)
#: Ports inside: for clients outside the network, and for those on it.
OUTSIDE_PORT, INSIDE_PORT = 9092, 19092
#: Seconds a broker may take from its start until it answers; 3 s were measured on an idle machine.
READY_DEADLINE = 120.0
#: Seconds for one request about topics.
ADMIN_SECONDS = 30.0
_MEMORY_MB = 512
#: User and group of the process, in the image built here and in the official one.
_USER = 1000
_START, _ADVERTISED = "/tmp/start", "/tmp/advertised"  # noqa: S108 - in the container, which nobody else is in


def request(fixture: str = "kafka") -> ContainerRequest:
    """Return what to ask the broker of the run for: a container that waits for its files, see `KafkaCluster.begin`."""
    return ContainerRequest(
        fixture=fixture,
        image="kafka",
        entrypoint=("/bin/sh", "-c", f"until [ -s {_START} ]; do sleep 0.05; done; exec /bin/sh {_START}"),
        ports=(OUTSIDE_PORT,),
        memory_mb=_MEMORY_MB,
    )


def client_library() -> Any:
    """Return the module `confluent_kafka`.

    Raises:
        ServiceUnavailable: It is not installed.
    """
    try:
        import confluent_kafka.admin
    except ImportError as exc:
        raise ServiceUnavailable(
            "docker: Kafka's client confluent-kafka is not installed", mend="pip install 'sct-runner[kafka]'"
        ) from exc
    return confluent_kafka


class KafkaCluster(Container):
    """One Kafka broker that is its own controller.

    Args:
        record: Its started container.
        start: The script that starts Kafka in it.
    """

    def __init__(self, record: ContainerRecord, start: Path) -> None:
        super().__init__(
            record.container_id,
            record.host,
            name=record.name,
            image=record.image,
            network=record.network,
            publish_host=record.publish_host,
        )
        self.alias = record.alias
        self._start = start
        self._admin: AdminClient | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Address for clients in the test, `host:port`; changes with every start."""
        return self.get_port(OUTSIDE_PORT)

    @property
    def internal_bootstrap_servers(self) -> str:
        """Address for clients in containers on the same Docker network, `name:port`."""
        return f"{self.alias}:{INSIDE_PORT}"

    def begin(self, deadline: float = READY_DEADLINE) -> None:
        """Let Kafka start in the new container, now that it is known where its port is published, and wait for it.

        Raises:
            EnvironmentFailed: It ended.
            DeadlinePassed: It did not answer in time.
        """
        script = archive.FileCopy(_START, self._start.read_bytes(), 0o755, _USER, _USER)
        self._advertise(deadline, script)

    def start(self) -> None:
        """Start the stopped broker and wait until it answers; its topics and messages are as they were."""
        super().start()
        self._advertise(READY_DEADLINE)

    def _advertise(self, deadline: float, *files: archive.FileCopy) -> None:
        """Tell the start script the address it waits for, and wait until Kafka answers there.

        The script itself is put into the container once: it runs from the second start on, and the engine replaces a
        file by removing it first, so that a shell about to read it would find none.
        """
        advertised = archive.FileCopy(_ADVERTISED, self.bootstrap_servers.encode(), uid=_USER, gid=_USER)
        with self.engine_errors("take its files"):
            self.handle.put_archive("/", archive.of_copies([advertised, *files]))
        self._admin = None
        Waiting(deadline).until_ready(
            self._ask,
            what=f"Kafka in {self.name} did not answer",
            check_alive=lambda: raise_if_ended(self.handle),
            evidence=lambda: log_tail(self.handle),
        )

    def create_topic(self, name: str = "", *, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        """Make a topic.

        Args:
            name: Its name; one that nothing else has when empty.
            partitions: How many it has.
            config: Its settings.

        Returns:
            Its name.

        Raises:
            EnvironmentFailed: Kafka refused.
        """
        topic = name or f"topic-{uuid.uuid4().hex[:8]}"
        kafka = client_library().admin
        wanted = kafka.NewTopic(topic, partitions, 1, config=dict(config or {}))
        self._await(self.admin.create_topics([wanted], operation_timeout=ADMIN_SECONDS), f"make topic {topic}")
        return topic

    def delete_topic(self, name: str) -> None:
        """Delete a topic.

        Raises:
            EnvironmentFailed: Kafka refused; there is none of that name, for example.
        """
        self._await(self.admin.delete_topics([name], operation_timeout=ADMIN_SECONDS), f"delete topic {name}")

    def topics(self) -> dict[str, int]:
        """Return the topics that are not Kafka's own, each with the number of its partitions."""
        found = self.admin.list_topics(timeout=ADMIN_SECONDS).topics
        return {name: len(topic.partitions) for name, topic in sorted(found.items()) if not name.startswith("__")}

    def producer(self, **config: Any) -> "Producer":
        """Return a producer of confluent-kafka; `config` are its settings with `_` for the dots."""
        # As Kafka's own client does by default: without it what is sent again (a partition's leader was not known yet)
        # comes behind what was sent after it.
        own = {"linger.ms": 5, "enable.idempotence": True}
        return client_library().Producer(self._settings(own, config))  # type: ignore[no-any-return]

    def consumer(self, *topics: str, group_id: str = "", **config: Any) -> "Consumer":
        """Return a consumer of confluent-kafka that reads topics from their beginning; close it afterwards.

        Args:
            *topics: What it is subscribed to.
            group_id: Its group; one of its own when empty.
            **config: Further settings, with `_` for the dots.
        """
        own = {"group.id": group_id or f"group-{uuid.uuid4().hex[:8]}", "auto.offset.reset": "earliest"}
        consumer = client_library().Consumer(self._settings(own, config))
        if topics:
            consumer.subscribe(list(topics))
        return consumer  # type: ignore[no-any-return]

    def produce(
        self, topic: str, messages: Iterable[str | bytes | tuple[str | bytes | None, str | bytes]], deadline: float = 60
    ) -> int:
        """Send messages and wait until Kafka has them all.

        Args:
            topic: Where to.
            messages: Values, or pairs of key and value.
            deadline: Seconds.

        Returns:
            How many were sent.

        Raises:
            EnvironmentFailed: Kafka refused one.
            DeadlinePassed: Not all were acknowledged in time.
        """
        return kafka_messages.send(self.producer(), topic, messages, deadline)

    def consume(self, topic: str, count: int, deadline: float = 60, *, group_id: str = "") -> list[KafkaMessage]:
        """Read messages from a topic's beginning, or from where its group is, until there are `count`.

        Raises:
            EnvironmentFailed: Kafka answered with an error.
            DeadlinePassed: There were fewer in time.
        """
        consumer = self.consumer(topic, group_id=group_id)
        try:
            return kafka_messages.receive(consumer, topic, count, deadline)
        finally:
            consumer.close()

    @property
    def admin(self) -> "AdminClient":
        """An administration client of confluent-kafka."""
        if self._admin is None:
            self._admin = client_library().admin.AdminClient(self._settings({}, {}))
        return self._admin

    def _settings(self, own: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
        given = {name.replace("_", "."): value for name, value in config.items()}
        return {"bootstrap.servers": self.bootstrap_servers, "logger": LOGGER, **own, **given}

    def _ask(self, timeout: float) -> None:
        kafka = client_library()
        try:
            self.admin.list_topics(timeout=min(timeout, 1.0))
        except kafka.KafkaException as exc:
            raise NotReady(str(exc)) from exc

    def _await(self, futures: Mapping[str, Any], doing: str) -> None:
        kafka = client_library()
        for future in futures.values():
            try:
                future.result(ADMIN_SECONDS)
            except kafka.KafkaException as exc:
                raise EnvironmentFailed(f"Kafka in {self.name} could not {doing}", why=exc.args[0].str()) from exc
