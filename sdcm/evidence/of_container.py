"""What a container tells of the time of a test: its state and log, what was done to it, how its ring sees itself."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from sdcm.containers.handle import ContainerHandle
from sdcm.containers.inspection import internal_ip, published_ports
from sdcm.containers.node import Node
from sdcm.containers.ring import states
from sdcm.evidence import findings
from sdcm.evidence.findings import Finding, Held, Moment, Piece, Source, Telling
from sdcm.evidence.log_lines import last_line, seconds_of, short_stamps, shown, time_of_day, worst_line

#: Lines of one log that are looked at; the end is what tells.
_LINES = 20_000
#: Docker's words for what befalls a container; what is run in one is told by `exec_create`.
_BEFELL = {
    "kill",
    "die",
    "oom",
    "stop",
    "start",
    "restart",
    "pause",
    "unpause",
    "destroy",
    "health_status",
    "exec_create",
}
_EVENTS_AT_MOST = 60
_SIGNALS = {"9": "KILL", "15": "TERM", "2": "INT", "1": "HUP", "11": "SEGV", "6": "ABRT"}
_UP = "UN"


def of_container(container: ContainerHandle, since: float, until: float, names: Mapping[str, str]) -> list[Source]:
    """Return whom to ask about a container.

    Args:
        container: The container.
        since: When the test began, epoch seconds.
        until: When it had failed.
        names: Address -> name of the nodes that the test has.
    """
    if isinstance(container, Node):
        since = max(since, container.log_since)
    sources = [Source(container.name, lambda _end: _look(container, since, until))]
    if isinstance(container, Node) and "nodetool" in container.capabilities:
        sources.append(Source(f"nodetool status of {container.name}", lambda end: _ring(container, end, names)))
    return sources


def _look(container: ContainerHandle, since: float, until: float) -> Iterator[Finding]:
    ending = container.ending()
    if ending is not None and ending.removed:
        yield Held(container.name, "was removed by somebody else")
        yield Telling(f"{ending.text} by somebody else", findings.ENDED_ITSELF)
        return
    with container.engine_errors("be looked at"):
        container.handle.reload()
    attrs = container.handle.attrs
    runs = bool(attrs["State"].get("Running"))
    told = state_in_words(attrs["State"])
    place = findings.WELL if runs else findings.ENDED
    yield Held(container.name, told, _facts(container))
    yield Piece(f"{container.name}.state.txt", "state, ports, limits", _state(container, attrs, told), place)
    with container.engine_errors("give its log"):
        raw = container.handle.logs(since=since, until=until + 1, timestamps=True, tail=_LINES)
    log = short_stamps(raw.decode(errors="replace"))
    worst = worst_line(log)
    yield Piece(f"{container.name}.log", _of_log(log, worst), log, min(place, findings.UNWELL if worst else place))
    if not runs:
        said = worst or last_line(log)
        weight = findings.ENDED_ITSELF if ending is not None else findings.NOT_RUNNING
        yield Telling(f"{container.name} {told}{f'; its log: {said}' if said else ''}", weight)
    elif worst:
        yield Telling(f"{container.name}: {worst}", findings.COMPLAINED)
    yield from _befell(container, since, until)


def _of_log(log: str, worst: str) -> str:
    lines = log.count("\n")
    kept = f"its last {_LINES} lines" if lines >= _LINES else f"{lines} lines"
    return f"log during the test, {kept}" + (", with errors" if worst else "")


def state_in_words(state: Mapping[str, Any]) -> str:
    """Return docker's state of a container as a clause."""
    status = str(state.get("Status"))
    if state.get("Running"):
        health = (state.get("Health") or {}).get("Status", "")
        at = seconds_of(str(state.get("StartedAt", "")))
        since = f"{', started at' if state.get('Paused') else ' since'} {time_of_day(at)}" if at else ""
        return ("is paused" if state.get("Paused") else "runs") + since + (f", {health}" if health else "")
    if status == "created":
        return "was never started"
    code = int(state.get("ExitCode", 0))
    why = "killed by the kernel for its use of memory" if state.get("OOMKilled") else _of_code(code)
    at = seconds_of(str(state.get("FinishedAt", "")))
    return f"ended with status {code}" + (f" ({why})" if why else "") + (f" at {time_of_day(at)}" if at else "")


def _of_code(code: int) -> str:
    return f"signal {_SIGNALS.get(str(code - 128), code - 128)}" if code > 128 else ""


def _facts(container: ContainerHandle) -> str:
    if isinstance(container, Node):
        address, known = container.record.ip, dict(container.record.ports)
    else:
        address = internal_ip(container.handle, container.docker_network)
        known = published_ports(container.handle, container.publish_host)
    ports = ", ".join(f"{inside} at {host}:{port}" for inside, (host, port) in known.items())
    return ", ".join(filter(None, (address, container.image_name, ports and f"ports {ports}")))


def _state(container: ContainerHandle, attrs: Mapping[str, Any], told: str) -> str:
    state, limits = attrs["State"], attrs.get("HostConfig") or {}
    known = attrs.get("NetworkSettings") or {}
    published = {
        inside: ", ".join(f"{each['HostIp']}:{each['HostPort']}" for each in bindings)
        for inside, bindings in (known.get("Ports") or {}).items()
        if bindings
    }
    addresses = {name: each.get("IPAddress") for name, each in (known.get("Networks") or {}).items()}
    rows: dict[str, object] = {
        "state": told,
        "started": state.get("StartedAt"),
        "finished": state.get("FinishedAt"),
        "exit status": state.get("ExitCode"),
        "killed for memory": "yes" if state.get("OOMKilled") else "no",
        "engine's error": state.get("Error"),
        "restarts": attrs.get("RestartCount"),
        "health": (state.get("Health") or {}).get("Status"),
        "image": container.image_name,
        "memory limit": f"{limits['Memory'] // 2**20} MiB" if limits.get("Memory") else "none",
        "ports": ", ".join(f"{inside} at {where}" for inside, where in published.items()),
        "addresses": ", ".join(f"{where or 'none now'} on {name}" for name, where in addresses.items()),
        "command": " ".join([*(attrs.get("Args") or ())]),
    }
    if isinstance(container, Node):
        rows |= {
            "address in its ring": container.record.ip,
            "dc, rack": f"{container.record.dc}, {container.record.rack}",
        }
        rows["had before by"] = ("\n" + " " * 21).join(container.record.earlier_tests) or "no test"
    probes = (state.get("Health") or {}).get("Log") or ()
    lines = [f"{name:<20} {value}" for name, value in rows.items() if value not in (None, "")]
    return "\n".join([*lines, *(f"{'health check':<20} {shown(str(each.get('Output')))}" for each in probes)]) + "\n"


def _befell(container: ContainerHandle, since: float, until: float) -> Iterator[Moment]:
    """Yield what the engine remembers of the container; it keeps the last 256 events of all."""
    filters = {"container": [container.docker_id]}
    with container.engine_errors("be remembered"):
        events = list(container.api.events(since=int(since), until=int(until) + 1, filters=filters, decode=True))
    chosen = [event for event in events if str(event.get("Action", "")).partition(":")[0] in _BEFELL]
    for event in chosen[-_EVENTS_AT_MOST:]:
        if (at := event.get("timeNano", 0) / 1e9) <= until:
            yield Moment(at, f"{container.name}: {_in_words(event)}")


def _in_words(event: Mapping[str, Any]) -> str:
    action, attributes = str(event["Action"]), (event.get("Actor") or {}).get("Attributes") or {}
    verb, _, rest = action.partition(":")
    if verb == "kill":
        number = str(attributes.get("signal", ""))
        return f"the engine was asked to send it signal {_SIGNALS.get(number, number)}"
    if verb == "die":
        return f"ended with status {attributes.get('exitCode', '?')}"
    if verb == "exec_create":
        return f"runs {shown(rest)}"
    words = {"oom": "out of memory", "stop": "stopped", "start": "started", "destroy": "removed", "pause": "paused"}
    return words.get(verb, shown(action))


def _ring(node: Node, end: float, names: Mapping[str, str]) -> Iterator[Finding]:
    """Ask a node how it sees its ring; one that does not run is not asked."""
    with node.engine_errors("be looked at"):
        node.handle.reload()
    if not node.handle.attrs["State"].get("Running") or node.handle.attrs["State"].get("Paused"):
        return
    left = max(1.0, end - time.monotonic() - 0.5)
    result = node.execute(["nodetool", "status"], timeout=left, ignore_status=True, user="")
    unwell = {address: state for address, state in states(result.stdout).items() if state != _UP}
    place = findings.UNWELL if unwell or not result.ok else findings.WELL
    yield Piece(f"{node.name}.nodetool-status.txt", "its ring as it sees it", result.stdout + result.stderr, place)
    for address, state in unwell.items():
        who = f"{names[address]} ({address})" if address in names else address
        yield Telling(f"{node.name} sees {who} as {state}", findings.SEEN_DOWN)
    if not result.ok:
        yield Telling(f"{node.name}: nodetool status failed: {last_line(result.stderr)}", findings.SEEN_DOWN)
