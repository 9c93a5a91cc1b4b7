"""`kafka_cluster`: a Kafka broker in a container."""

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from sdcm.errors import ServiceUnavailable
from sdcm.pytest_plugin.leasing import leased, watched
from sdcm.pytest_plugin.readiness import skip_unavailable

if TYPE_CHECKING:
    from sdcm.containers.kafka import KafkaCluster


@pytest.fixture
def kafka_cluster(request: pytest.FixtureRequest) -> Iterator["KafkaCluster"]:
    """Give the test a Kafka broker of its own, a cluster of one without ZooKeeper, that answers.

    Clients in the test connect to `bootstrap_servers`, those in containers on the run's network to
    `internal_bootstrap_servers`. Needs the extra `kafka` (`pip install 'sct-runner[kafka]'`).

    External services: Docker (Kafka)
    """
    from sdcm.containers import kafka
    from sdcm.containers.service import ContainerRecord
    from sdcm.environment.catalogue import docker_folder

    try:
        kafka.client_library()
    except ServiceUnavailable as exc:
        skip_unavailable("docker", exc)
    with leased(request, "container", request=kafka.request().to_record()) as answer:
        cluster = kafka.KafkaCluster(ContainerRecord.from_record(answer["container"]), docker_folder() / "kafka/start")
        with watched(request, cluster), closing(cluster):
            cluster.begin()
            yield cluster
