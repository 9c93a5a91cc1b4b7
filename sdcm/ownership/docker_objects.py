"""Containers, networks and volumes of ours on an engine: found by label, removed whatever state they are in."""

import json
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sdcm.errors import EnvironmentFailed
from sdcm.ownership import labels
from sdcm.ownership.docker_endpoint import Endpoint

#: Kind's label on the containers of a cluster.
KIND_CLUSTER = "io.x-k8s.kind.cluster"
_OUR_CLUSTER = re.compile(r"^sct-([0-9a-f]{8})$")
_PARALLEL = 8
_GONE = 404


@dataclass(frozen=True)
class DockerObject:
    """Something on an engine.

    Attributes:
        kind: `container`, `network` or `volume`.
        id: What the engine knows it by.
        name: Its name.
        run: Run that its label, or its Kind cluster, names.
        made: Epoch seconds of its creation, 0 where the engine does not say.
    """

    kind: str
    id: str
    name: str
    run: str = field(default="", compare=False)
    made: float = field(default=0.0, compare=False)


def find(endpoint: Endpoint, run_id: str | None = None, *, timeout: float = 15) -> list[DockerObject]:
    """Return the objects of one run, or of any run of ours, containers first.

    The containers of a Kind cluster of ours (named `sct-<run>`) count: Kind labels them in its own way.

    Raises:
        EngineSilent: The engine does not answer.
        EnvironmentFailed: It refuses to tell.
    """
    wanted = f"{labels.RUN}={run_id}" if run_id else labels.RUN
    found = _containers(endpoint, wanted, timeout)
    known = {container.id for container in found}
    for container in _kind_containers(endpoint, run_id, timeout):
        if container.id not in known:
            found.append(container)
    networks = _listed(endpoint, "/networks", {"filters": json.dumps({"label": [wanted]})}, timeout)
    found += [_other("network", each["Id"], each) for each in networks or []]
    volumes = _listed(endpoint, "/volumes", {"filters": json.dumps({"label": [wanted]})}, timeout) or {}
    return found + [_other("volume", each["Name"], each) for each in volumes.get("Volumes") or []]


def kind_containers(endpoint: Endpoint, cluster: str, *, timeout: float = 15) -> list[DockerObject]:
    """Return the containers of one Kind cluster.

    Raises:
        EngineSilent: The engine does not answer.
    """
    return _containers(endpoint, f"{KIND_CLUSTER}={cluster}", timeout)


def _kind_containers(endpoint: Endpoint, run_id: str | None, timeout: float) -> list[DockerObject]:
    if run_id:
        return kind_containers(endpoint, f"sct-{run_id}", timeout=timeout)
    query = {"all": "1", "filters": json.dumps({"label": [KIND_CLUSTER]})}
    listed = _listed(endpoint, "/containers/json", query, timeout) or []
    ours = [each for each in listed if _OUR_CLUSTER.match(each["Labels"][KIND_CLUSTER])]
    return [_container(each) for each in ours]


def _containers(endpoint: Endpoint, label: str, timeout: float) -> list[DockerObject]:
    query = {"all": "1", "filters": json.dumps({"label": [label]})}
    return [_container(each) for each in _listed(endpoint, "/containers/json", query, timeout) or []]


def _container(listed: Mapping[str, Any]) -> DockerObject:
    names = listed.get("Names") or [listed["Id"][:12]]
    told = listed.get("Labels") or {}
    cluster = _OUR_CLUSTER.match(str(told.get(KIND_CLUSTER, "")))
    run = told.get(labels.RUN) or (cluster[1] if cluster else "")
    return DockerObject("container", listed["Id"], names[0].lstrip("/"), run, float(listed.get("Created") or 0))


def _other(kind: str, number: str, listed: Mapping[str, Any]) -> DockerObject:
    """Return a network or volume; the engine tells their creation as text."""
    text = str(listed.get("Created") or listed.get("CreatedAt") or "")
    try:
        # Nanoseconds, which Python 3.11 does not read, are cut.
        made = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).timestamp()
    except ValueError:
        made = 0.0
    return DockerObject(kind, number, listed["Name"], (listed.get("Labels") or {}).get(labels.RUN, ""), made)


def _listed(endpoint: Endpoint, path: str, query: Mapping[str, str], timeout: float) -> Any:
    status, answer = endpoint.call("GET", path, query, timeout=timeout)
    if status != 200:
        raise EnvironmentFailed(f"{endpoint.host} refused {path}", why=_message(answer, status))
    return answer


def remove(endpoint: Endpoint, item: DockerObject, *, deadline: float) -> None:
    """Remove one object, and return when it is gone; one that is not there is gone.

    Args:
        endpoint: The engine.
        item: What to remove; a container goes with its anonymous volumes.
        deadline: Seconds for it.

    Raises:
        EngineSilent: The engine does not answer.
        EnvironmentFailed: The object is still there after `deadline`.
    """
    end = time.monotonic() + deadline
    path, query = _address(item)
    while True:
        left = max(end - time.monotonic(), 1.0)
        status, answer = endpoint.call("DELETE", path, query, timeout=left)
        if status in {200, 204, _GONE}:
            return
        if item.kind == "network":
            _disconnect_all(endpoint, path, timeout=left)
        if time.monotonic() + 0.2 > end:
            raise EnvironmentFailed(f"{item.kind} {item.name} cannot be removed", why=_message(answer, status))
        time.sleep(0.2)


def _address(item: DockerObject) -> tuple[str, dict[str, str]]:
    if item.kind == "container":
        return f"/containers/{item.id}", {"force": "1", "v": "1"}
    if item.kind == "network":
        return f"/networks/{item.id}", {}
    return f"/volumes/{item.id}", {"force": "1"}


def _disconnect_all(endpoint: Endpoint, path: str, *, timeout: float) -> None:
    status, network = endpoint.call("GET", path, timeout=timeout)
    for container in (network.get("Containers") or {}) if status == 200 else ():
        body = {"Container": container.removeprefix("ep-"), "Force": True}
        endpoint.call("POST", f"{path}/disconnect", body=body, timeout=timeout)


def remove_many(endpoint: Endpoint, items: list[DockerObject], *, deadline: float) -> dict[DockerObject, str]:
    """Remove objects: containers side by side, then networks and volumes.

    Returns:
        What is still there, with the reason.
    """
    end = time.monotonic() + deadline

    def attempt(item: DockerObject) -> str:
        try:
            remove(endpoint, item, deadline=max(end - time.monotonic(), 1.0))
        except EnvironmentFailed as exc:
            return str(exc)
        return ""

    failed: dict[DockerObject, str] = {}
    for batch in ([item for item in items if item.kind == "container"], [i for i in items if i.kind != "container"]):
        if batch:
            with ThreadPoolExecutor(min(len(batch), _PARALLEL), "remove") as pool:
                failed |= {item: why for item, why in zip(batch, pool.map(attempt, batch), strict=True) if why}
    return failed


def remove_all_ours(endpoint: Endpoint, say: Callable[[str], None], *, deadline: float = 60.0) -> None:
    """Remove whatever any run of ours left on an engine that nobody uses."""
    items = find(endpoint)
    if items:
        say(f"removing what dead runs left: {', '.join(item.name for item in items)}")
        remove_many(endpoint, items, deadline=deadline)


def kill_running(endpoint: Endpoint, *, timeout: float = 15) -> None:
    """Kill every running container of an engine, whosever it is.

    Raises:
        EngineSilent: The engine does not answer.
    """
    for container in _listed(endpoint, "/containers/json", {}, timeout) or []:
        endpoint.call("POST", f"/containers/{container['Id']}/kill", timeout=timeout)


def _message(answer: Any, status: int) -> str:
    return str(answer.get("message", "")) if isinstance(answer, dict) else f"HTTP status {status}"
