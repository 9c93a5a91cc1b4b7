"""Containers beside the database nodes (a DynamoDB API, a vector store, a tool): what is asked for, started and given.

Nothing is known here of what runs inside; whoever asks waits until it is ready.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from sdcm.containers import archive
from sdcm.containers.container import Container
from sdcm.containers.creation import Creation, create
from sdcm.containers.engine_client import engine_errors
from sdcm.containers.inspection import internal_ip, published_ports, raise_if_ended
from sdcm.containers.records import Address

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass(frozen=True)
class ContainerRequest:
    """A container as a fixture asks for it.

    Attributes:
        fixture: Short name of the asking fixture, part of the container's name, and with a number its name on the
            network.
        image: Catalogue name or reference.
        network: Docker network, either one that exists or a name within the run; empty: the run's network.
        command: Arguments for the image's entrypoint; the image's own when empty.
        entrypoint: Replaces the image's own when given.
        environment: Variables.
        ports: Ports to publish.
        files: Text files to put in before the start, by absolute path; anybody inside may read them.
        user: Who runs it; the image's own user when empty.
        memory_mb: Memory it may use, MiB.
        cores: Its share of cores; all when 0.
    """

    fixture: str
    image: str
    network: str = ""
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    user: str = ""
    memory_mb: int = 512
    cores: int = 0

    def to_record(self) -> dict[str, Any]:
        """Return the request as JSON values."""
        return {**asdict(self), "environment": dict(self.environment), "files": dict(self.files)}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "ContainerRequest":
        """Rebuild a request from `to_record`, also after a passage through JSON."""
        lists = {name: tuple(record[name]) for name in ("command", "entrypoint", "ports") if name in record}
        return cls(**{**record, **lists})


@dataclass(frozen=True)
class ContainerSpec:
    """A request with all that the environment decides.

    Attributes:
        request: What was asked for.
        name: Name of the container.
        alias: Further name on its network.
        image: Reference of an image that the engine has.
        network: Docker network to join.
        labels: Labels of the container.
        publish_host: Name of the engine's host as seen from here; ports are published for it alone where it is
            the loopback.
        host: The engine, as a value of `DOCKER_HOST`, for the record.
    """

    request: ContainerRequest
    name: str
    alias: str
    image: str
    network: str
    labels: Mapping[str, str]
    publish_host: str = "127.0.0.1"
    host: str = ""


@dataclass(frozen=True)
class ContainerRecord:
    """A started container.

    Attributes:
        container_id: The engine's id of it.
        name: Its name.
        alias: Its further name on its network.
        image: Reference of its image.
        host: The engine, as a value of `DOCKER_HOST`.
        network: Docker network it is on.
        ip: Its address there.
        ports: Port inside (as text) to where it is published.
        publish_host: Name of the engine's host as seen from here.
    """

    container_id: str
    name: str
    alias: str
    image: str
    host: str
    network: str
    ip: str
    ports: Mapping[str, Address]
    publish_host: str = "127.0.0.1"

    def to_record(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return {**asdict(self), "ports": {port: list(address) for port, address in self.ports.items()}}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "ContainerRecord":
        """Rebuild a record from `to_record`, also after a passage through JSON."""
        ports = {port: (str(host), int(number)) for port, (host, number) in record["ports"].items()}
        return cls(**{**record, "ports": ports})

    def open(self) -> Container:
        """Return the container for use; close it afterwards."""
        return Container(
            self.container_id,
            self.host,
            name=self.name,
            image=self.image,
            network=self.network,
            publish_host=self.publish_host,
        )


def start_container(
    client: "DockerClient", spec: ContainerSpec, *, on_created: Callable[[str], None] = lambda _id: None
) -> ContainerRecord:
    """Create and start a container.

    It stays when the start fails: the caller, who has written it down, removes it.

    Args:
        client: Client of the engine, used by this thread alone.
        spec: What to start.
        on_created: Called with the container's id as soon as there is one.

    Raises:
        EnvironmentFailed: The engine refused, or the container ended at once; its log's tail is the evidence.
    """
    with engine_errors(f"the engine could not start container {spec.name}"):
        container = create(client, _creation(spec))
        on_created(str(container.id))
        if spec.request.files:
            copies = [archive.FileCopy(path, text.encode(), 0o644, 0) for path, text in spec.request.files.items()]
            container.put_archive("/", archive.of_copies(copies))
        container.start()
        container.reload()
    raise_if_ended(container)
    return ContainerRecord(
        container_id=str(container.id),
        name=spec.name,
        alias=spec.alias,
        image=spec.image,
        host=spec.host,
        network=spec.network,
        ip=internal_ip(container, spec.network),
        ports=published_ports(container, spec.publish_host),
        publish_host=spec.publish_host,
    )


def _creation(spec: ContainerSpec) -> Creation:
    request = spec.request
    return Creation(
        image=spec.image,
        name=spec.name,
        hostname=spec.alias,
        publish_host=spec.publish_host,
        command=request.command,
        entrypoint=request.entrypoint,
        environment=request.environment,
        labels=spec.labels,
        ports=request.ports,
        network=spec.network,
        alias=spec.alias,
        user=request.user,
        memory_mb=request.memory_mb,
        cores=request.cores,
    )
