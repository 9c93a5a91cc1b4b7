"""What the engine says about a container: where it is reached, how it ended, what it wrote last."""

import calendar
import re
import time
from typing import TYPE_CHECKING

from sdcm.containers.engine_client import engine_errors
from sdcm.containers.records import Address
from sdcm.errors import EnvironmentFailed

if TYPE_CHECKING:
    from docker.models.containers import Container as EngineContainer

_EVIDENCE_LINES = 60
_ALIVE = ("created", "running", "paused", "restarting")
_COMPLAINT = re.compile(r"\b(ERROR|FATAL|Exception|Unrecognized|[Ee]rror:|error while)")


def published_ports(container: "EngineContainer", publish_host: str) -> dict[str, Address]:
    """Return where the ports of a running container are published, by the port inside."""
    ports = container.attrs["NetworkSettings"]["Ports"] or {}
    return {
        inside.partition("/")[0]: (publish_host, int(bindings[0]["HostPort"]))
        for inside, bindings in ports.items()
        if bindings
    }


def internal_ip(container: "EngineContainer", network: str) -> str:
    """Return the address of a running container on that network, or on its first."""
    networks: dict[str, dict[str, object]] = container.attrs["NetworkSettings"]["Networks"]
    chosen = networks.get(network) or next(iter(networks.values()), {})
    return str(chosen.get("IPAddress", ""))


def log_tail(container: "EngineContainer", lines: int = _EVIDENCE_LINES, *, since: float | None = None) -> str:
    """Return the end of a container's log; what the engine said instead when it gives none.

    Args:
        container: The container.
        lines: How many lines.
        since: Epoch seconds from which on.
    """
    try:
        with engine_errors("no log"):
            return container.logs(tail=lines, since=since).decode(errors="replace")
    except EnvironmentFailed as exc:
        return f"({exc})"


def started_at(container: "EngineContainer") -> float | None:
    """Return when a container was started last, epoch seconds of its engine's clock; None when it was not told."""
    moment = str(container.attrs["State"].get("StartedAt", ""))
    whole, _, fraction = moment.rstrip("Z").partition(".")
    try:
        seconds = calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return None
    return seconds + float(f"0.{fraction or 0}")


def raise_if_ended(container: "EngineContainer") -> None:
    """Look at the container afresh and raise when it does not run any more.

    Raises:
        EnvironmentFailed: It has ended or is gone; says how, with its log's tail as evidence.
    """
    from docker.errors import NotFound

    try:
        with engine_errors(f"container {container.name} could not be looked at"):
            container.reload()
    except EnvironmentFailed as exc:
        if not isinstance(exc.__cause__, NotFound):
            raise
        raise EnvironmentFailed(f"container {container.name} was removed while it booted") from exc
    state = container.attrs["State"]
    if state["Status"] in _ALIVE:
        return
    tail = log_tail(container)
    why = _complaint(tail)
    if state.get("OOMKilled"):
        limit = container.attrs["HostConfig"].get("Memory", 0) // 2**20
        why = f"the kernel killed it for using more than its {limit} MiB of memory"
    raise EnvironmentFailed(
        f"node {container.name} ended with status {state['ExitCode']} while it booted",
        why=why,
        evidence=tail,
    )


def _complaint(log: str) -> str:
    """Return the line of a log that most likely says what went wrong: the first complaint, else the last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    last = lines[-1] if lines else "its log is empty"
    return next((line for line in lines if _COMPLAINT.search(line)), last)
