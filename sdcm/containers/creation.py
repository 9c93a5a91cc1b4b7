"""Creating a container: the options that every kind has in common, and the engine's answer when it lacks the image."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sdcm.errors import EnvironmentFailed

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container as EngineContainer

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Creation:
    """What to create.

    Attributes:
        image: Reference of an image that the engine has.
        name: Name of the container.
        hostname: Its name inside.
        publish_host: Name of the engine's host as seen from here; ports are published for it alone where it is the
            loopback.
        command: Arguments for the image's entrypoint; the image's own when empty.
        entrypoint: Replaces the image's own when given.
        environment: Variables.
        labels: Labels.
        ports: Ports to publish.
        network: Docker network to join; the engine's default bridge when empty.
        alias: Further name on that network.
        user: Who runs it; the image's own user when empty.
        memory_mb: Memory it may use, MiB; no limit when 0.
        cores: Its share of cores; all when 0.
        more: Further arguments of docker's `containers.create`.
    """

    image: str
    name: str
    hostname: str
    publish_host: str
    command: Sequence[str] = ()
    entrypoint: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: Iterable[int] = ()
    network: str = ""
    alias: str = ""
    user: str = ""
    memory_mb: int = 0
    cores: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)


def create(client: "DockerClient", wanted: Creation) -> "EngineContainer":
    """Create a container without starting it.

    Raises:
        EnvironmentFailed: The engine has no such image.
        docker.errors.DockerException: It refuses otherwise.
    """
    from docker.errors import ImageNotFound

    try:
        return client.containers.create(wanted.image, **_options(client, wanted))
    except ImageNotFound as exc:
        raise EnvironmentFailed(f"the engine has no image {wanted.image}", mend="sct.py images list") from exc


def _options(client: "DockerClient", wanted: Creation) -> dict[str, Any]:
    # On another host's engine a name as seen from here is no address to bind to.
    bind = "127.0.0.1" if wanted.publish_host in _LOOPBACK else "0.0.0.0"  # noqa: S104
    options: dict[str, Any] = {
        "name": wanted.name,
        "hostname": wanted.hostname,
        "command": list(wanted.command) or None,
        "environment": dict(wanted.environment),
        "labels": dict(wanted.labels),
        "ports": {f"{port}/tcp": (bind, None) for port in wanted.ports},
        "detach": True,
        **wanted.more,
    }
    if wanted.entrypoint:
        options["entrypoint"] = list(wanted.entrypoint)
    if wanted.user:
        options["user"] = wanted.user
    if wanted.memory_mb:
        options["mem_limit"] = options["memswap_limit"] = f"{wanted.memory_mb}m"
    if wanted.cores:
        options["nano_cpus"] = wanted.cores * 1_000_000_000
    if wanted.network:
        options["network"] = wanted.network
        if wanted.alias:
            there = client.api.create_endpoint_config(aliases=[wanted.alias])
            options["networking_config"] = {wanted.network: there}
    return options
