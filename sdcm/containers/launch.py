"""Launching one node: create, put files in, start, wait for the first login. Called by the broker, from threads."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from sdcm.containers import archive, settings_file
from sdcm.containers.boot_watch import BootWatch
from sdcm.containers.creation import Creation, create
from sdcm.containers.engine_client import engine_errors
from sdcm.containers.flavours import DEFAULT_LOGIN, Flavour, LaunchArguments, flavour_of, rack_name
from sdcm.containers.inspection import internal_ip, log_tail, published_ports
from sdcm.containers.readiness import CqlProbe, NotReady, Waiting, ask_http
from sdcm.containers.records import Address, NodeRecord, NodeSpec
from sdcm.containers.tls import client_context

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container as EngineContainer

T = TypeVar("T")


def _nothing(_container_id: str) -> None:
    """Ignore the id."""


def launch_node(
    engine_client: "DockerClient",
    spec: NodeSpec,
    *,
    deadline: float,
    on_created: Callable[[str], None] = _nothing,
) -> NodeRecord:
    """Launch a node and wait until it takes a login.

    The container stays when the launch fails: the caller, who has written it down, removes it, or keeps it for a look.

    Args:
        engine_client: Client of the engine, used by this thread alone.
        spec: What to launch.
        deadline: Seconds from now.
        on_created: Called with the container's id as soon as there is one.

    Raises:
        UsageProblem: The specification cannot be met by its flavour.
        EnvironmentFailed: The engine refused, or the node ended while it booted; its log's tail is the evidence.
        DeadlinePassed: The node was not ready in time.
    """
    started = time.monotonic()
    flavour = flavour_of(spec.flavour)
    arguments = flavour.arguments(spec)
    failure = f"the engine could not start node {spec.name}"
    with engine_errors(failure):
        container = create(engine_client, _creation(spec, flavour, arguments))
    on_created(str(container.id))
    with engine_errors(failure):
        _put_files(container, arguments)
        container.start()
        container.reload()
    ports = published_ports(container, spec.publish_host)
    waiting = Waiting(deadline, started)
    asks_login = await_node(container, flavour, ports, DEFAULT_LOGIN, ssl_dir=spec.ssl_dir, waiting=waiting)
    username, password = DEFAULT_LOGIN if asks_login else ("", "")
    return NodeRecord(
        container_id=str(container.id),
        name=spec.name,
        image=spec.image,
        flavour=flavour.name,
        host=spec.host,
        ip=internal_ip(container, spec.network),
        ports=ports,
        network=spec.network,
        username=username,
        password=password,
        dc=spec.dc or flavour.default_dc,
        rack=rack_name(spec.rack) or flavour.default_rack,
        capabilities=flavour.capabilities,
        boot_seconds=round(time.monotonic() - started, 3),
        ssl_dir=spec.ssl_dir,
        cluster_name=spec.cluster_name,
    )


def _creation(spec: NodeSpec, flavour: Flavour, arguments: LaunchArguments) -> Creation:
    return Creation(
        image=spec.image,
        name=spec.name,
        hostname=spec.name,
        publish_host=spec.publish_host,
        command=arguments.command,
        environment=arguments.environment,
        labels=spec.labels,
        ports=flavour.ports,
        network=spec.network,
        alias=spec.network_alias,
        user=arguments.user,
        memory_mb=arguments.memory_limit_mb,
        cores=arguments.cores,
        more=arguments.rights.options(),
    )


def _put_files(container: "EngineContainer", arguments: LaunchArguments) -> None:
    files = list(arguments.files)
    if arguments.yaml is not None:
        settings, file = settings_file.read(container, arguments.yaml.path)
        files.append(settings_file.with_settings(file, {**settings, **arguments.yaml.values}))
    if files:
        container.put_archive("/", archive.of_copies(files))


def await_node(
    container: "EngineContainer",
    flavour: Flavour,
    ports: Mapping[str, Address],
    login: tuple[str, str],
    *,
    ssl_dir: str,
    waiting: Waiting,
) -> bool:
    """Wait until the node in a started container is ready.

    Returns:
        Whether it asks for a login.

    Raises:
        EnvironmentFailed: It has ended, or cannot come up any more.
        DeadlinePassed: It was not ready in time.
    """
    watch = BootWatch(container, flavour)

    def evidence() -> str:
        return log_tail(container)

    def await_port(inside: int, probe: Callable[[str, int, float], T], what: str) -> T:
        host, port = ports[str(inside)]
        return waiting.until_ready(
            lambda timeout: probe(host, port, timeout),
            what=f"node {container.name} {what}",
            check_alive=watch.check,
            evidence=evidence,
        )

    tls = client_context(ssl_dir) if ssl_dir else None

    def ask_login(host: str, port: int, timeout: float) -> bool:
        try:
            return CqlProbe(host, port, *login, tls=tls).ask(timeout)
        except NotReady as exc:
            watch.last = exc
            raise

    watch.check()
    asks_login = await_port(flavour.ports[0], ask_login, "took no login")
    if flavour.http_port:
        await_port(flavour.http_port, ask_http, f"did not serve HTTP on port {flavour.http_port}")
    return asks_login
