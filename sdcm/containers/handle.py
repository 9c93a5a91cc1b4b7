"""A container as the engine knows it: where it is reached, starting and stopping it, its log."""

import logging
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING

from sdcm.containers.ending import ContainerEnded, Ending, Lifeline, ending_of
from sdcm.containers.engine_client import connect, engine_errors
from sdcm.containers.inspection import internal_ip, log_tail, published_ports
from sdcm.containers.records import Address
from sdcm.errors import EnvironmentFailed, UsageProblem

if TYPE_CHECKING:
    from docker import APIClient
    from docker.models.containers import Container as EngineContainer

LOGGER = logging.getLogger(__name__)


class ContainerHandle:
    """One container on one engine.

    Args:
        container_id: The engine's id, or name.
        host: The engine, as a value of `DOCKER_HOST`.
        name: Its name, for messages.
        image: Reference of its image.
        network: Network whose address counts as its own.
        publish_host: Name of the engine's host as seen from here.
    """

    def __init__(
        self, container_id: str, host: str, *, name: str, image: str, network: str = "", publish_host: str = "127.0.0.1"
    ) -> None:
        self.docker_id = container_id
        self.engine_host = host
        self.name = name
        self.image_name = image
        self.docker_network = network
        self.publish_host = publish_host
        self._ports: dict[str, Address] | None = None
        self._ip: str | None = None
        self.lifeline = Lifeline()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @cached_property
    def handle(self) -> "EngineContainer":
        """The engine's own object; made on first use, for importing docker costs 0.4 s."""
        with self.engine_errors("be looked at"):
            return connect(self.engine_host).containers.get(self.docker_id)

    def close(self) -> None:
        """Close the connections to the engine; using the container again opens new ones."""
        handle = self.__dict__.pop("handle", None)
        if handle is not None:
            handle.client.close()

    @property
    def api(self) -> "APIClient":
        """The low-level client of its engine."""
        client = self.handle.client
        if client is None:
            raise EnvironmentFailed(f"container {self.name} belongs to no engine")
        return client.api

    def engine_errors(self, doing: str) -> AbstractContextManager[None]:
        """Turn the engine's refusals into one line that says what the container could not do."""
        return engine_errors(f"container {self.name} could not {doing}")

    def refresh(self) -> None:
        """Ask the engine again for address and ports, which may change with every start."""
        with self.engine_errors("be looked at"):
            self.handle.reload()
        self._ports = published_ports(self.handle, self.publish_host)
        self._ip = internal_ip(self.handle, self.docker_network)

    @property
    def ports(self) -> dict[str, Address]:
        """Port inside, as text, to where it is published."""
        if self._ports is None:
            self.refresh()
        return dict(self._ports or {})

    @property
    def ip_address(self) -> str:
        """Address on its network."""
        if self._ip is None:
            self.refresh()
        return self._ip or ""

    @property
    def internal_ip_address(self) -> str:
        """Address on its network."""
        return self.ip_address

    @property
    def private_ip_address(self) -> str:
        """Address on its network."""
        return self.ip_address

    @property
    def external_address(self) -> str:
        """Address on its network."""
        return self.ip_address

    @property
    def public_dns_name(self) -> str:
        """Address on its network."""
        return self.ip_address

    def get_port(self, port: str | int) -> str:
        """Return `host:port` where a port of the container is published.

        Raises:
            UsageProblem: It is not published.
        """
        inside = str(port).partition("/")[0]
        if inside not in self.ports:
            known = ", ".join(sorted(self.ports)) or "none (is it running?)"
            raise UsageProblem(f"port {inside} of {self.name} is not published", why=f"published are {known}")
        return "{}:{}".format(*self.ports[inside])

    def ending(self) -> Ending | None:
        """Return how the container has ended by itself; None while it lives, and when it was stopped from here.

        Raises:
            EnvironmentFailed: The engine does not answer.
        """
        return None if self.lifeline.stopped else ending_of(self.handle)

    def given_up(self) -> ContainerEnded | None:
        """Return why waiting for something in this container is no use any more; None while it may be of use."""
        try:
            ending = self.ending()
        except EnvironmentFailed:
            return None
        if not self.lifeline.lasts(ending) or ending is None:
            return None
        tail = "" if ending.removed else log_tail(self.handle)
        return ContainerEnded(ending.text, evidence=tail)

    def evidence(self, lines: int) -> str:
        """Return the container's state and the last lines of its log, for the report of a failed test."""
        with self.engine_errors("be looked at"):
            self.handle.reload()
        state = self.handle.attrs["State"]
        killed = ", killed for its use of memory" if state.get("OOMKilled") else ""
        ended = f"{state['Status']}, exit status {state['ExitCode']}{killed}"
        return f"image {self.image_name}, {ended}, ports {self.ports}\n{self.get_log(tail=lines)}"

    def get_log(self, *, since: float = 0.0, tail: int | None = None) -> str:
        """Return what the container wrote.

        Args:
            since: Epoch seconds from which on; all of it when 0.
            tail: Only that many last lines.
        """
        with self.engine_errors("give its log"):
            return self.handle.logs(since=since or None, tail="all" if tail is None else tail).decode(errors="replace")

    def is_running(self) -> bool:
        """Whether it runs now (a paused one does); False when it is gone."""
        try:
            self.refresh()
        except EnvironmentFailed:
            return False
        return bool(self.handle.attrs["State"]["Running"])

    def start(self) -> None:
        """Start the stopped container; its published ports change."""
        with self.engine_errors("be started"):
            self.handle.start()
        self.lifeline = Lifeline()
        self.refresh()

    def stop(self, timeout: int = 10) -> None:
        """Ask it to end, and kill it after `timeout` seconds."""
        self.lifeline.stopped = True
        with self.engine_errors("be stopped"):
            self.handle.stop(timeout=timeout)
        self.refresh()

    def restart(self, timeout: int = 10) -> None:
        """Stop and start it; its published ports change."""
        self.stop(timeout)
        self.start()

    def pause(self) -> None:
        """Freeze its processes."""
        with self.engine_errors("be paused"):
            self.handle.pause()

    def unpause(self) -> None:
        """Let its processes go on."""
        with self.engine_errors("be unpaused"):
            self.handle.unpause()

    def kill(self) -> None:
        """Remove the container with its anonymous volumes, running or not; never raises."""
        self.lifeline.stopped = True
        try:
            with self.engine_errors("be removed"):
                self.handle.remove(force=True, v=True)
        except Exception as exc:  # noqa: BLE001 - a fixture's end must go on; the broker sees to leftovers
            LOGGER.warning("%s: %s", self.name, exc)
