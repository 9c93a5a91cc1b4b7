"""How each kind of resource in the ledger is removed.

One function a kind. A remover is given a resource's entry and the seconds it has, returns when the resource is gone
(also when it never was), and raises an `SctError` when it is not. `remove` runs them for many entries: what stands on
something else goes first, and equals go side by side.
"""

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sdcm import paths, process_identity
from sdcm.errors import EnvironmentFailed
from sdcm.ownership import docker_objects, owned_process
from sdcm.ownership.docker_endpoint import Endpoint, EngineSilent, is_private_host
from sdcm.ownership.docker_objects import DockerObject
from sdcm.ownership.ledger import Entry, Ledger
from sdcm.process_identity import ProcessIdentity

Remover = Callable[[Entry, float], None]

_PARALLEL = 8
_ASKED_NICELY = 3.0
# What stands on what: lower numbers go first, equal ones side by side. Kinds that are not named here (a caller's own)
# go before all of them; the engine, always a caller's own, after all.
_ORDER = {
    # A program that still makes things must end before what it has made is looked for.
    "process": 0,
    # Its remover is teardown's: it knows what was made for it outside namespaces.
    "namespace": 1,
    "kind-cluster": 2,
    "container": 2,
    "volume": 3,
    "network": 3,
    "labelled": 4,
    # The images of one run's source tree; all others stay.
    "image": 5,
    "directory": 6,
    "engine": 9,
}


@dataclass(frozen=True)
class Leftover:
    """A resource that is still there.

    Attributes:
        kind: Its kind in the ledger, or on the engine.
        name: Its name.
        reason: Why it could not be removed; empty where that was not tried.
    """

    kind: str
    name: str
    reason: str = ""

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"{self.kind} {self.name}" + (f" ({self.reason})" if self.reason else "")


def remove(
    entries: Iterable[Entry],
    ledger: Ledger | None,
    deadline: float,
    *,
    extra: Mapping[str, Callable[[Entry], None]] | None = None,
    runtime: Path | None = None,
) -> list[Leftover]:
    """Remove resources, whatever state they are in.

    Args:
        entries: What to remove, in the order it was made.
        ledger: Where each removal is written down; None when its owner is dead.
        deadline: Seconds for everything.
        extra: Removers for further kinds, or in place of the ones here; each returns when the resource is gone, and
            raises when it is not.
        runtime: Runtime directory, the only place where directories are removed; this user's own when omitted.

    Returns:
        What is still there, with the reason. Nothing is raised.
    """
    end = time.monotonic() + deadline
    table = removers(runtime) | {kind: _without_deadline(remover) for kind, remover in (extra or {}).items()}
    left: list[Leftover] = []

    def attempt(entry: Entry) -> Leftover | None:
        reason = _attempt(table, entry, end)
        if not reason and ledger is not None:
            ledger.removed(entry)
        return Leftover(entry.kind, entry.name, reason) if reason else None

    for batch in _batches(entries):
        with ThreadPoolExecutor(min(len(batch), _PARALLEL), "remove") as pool:
            left += filter(None, pool.map(attempt, batch))
    return left


def removers(runtime: Path | None = None) -> dict[str, Remover]:
    """Return the removers by kind; see `remove`."""
    base = runtime or paths.from_environment().runtime

    def directory(entry: Entry, deadline: float) -> None:
        del deadline
        remove_directory(Path(entry.name), base)

    return {
        "container": _remove_object,
        "network": _remove_object,
        "volume": _remove_object,
        "kind-cluster": _remove_kind_cluster,
        "labelled": _remove_labelled,
        "image": _remove_image,
        "process": _end_process,
        "directory": directory,
    }


def leftovers(endpoint: Endpoint | str, run_id: str) -> list[Leftover]:
    """Return what an engine still has of a run: containers (also of its Kind cluster), networks, volumes.

    Args:
        endpoint: The engine, or its DOCKER_HOST value.
        run_id: The run.

    Raises:
        EngineSilent: The engine does not answer.
    """
    engine = Endpoint(endpoint) if isinstance(endpoint, str) else endpoint
    return [Leftover(item.kind, item.name) for item in docker_objects.find(engine, run_id)]


def _without_deadline(remover: Callable[[Entry], None]) -> Remover:
    return lambda entry, _: remover(entry)


def _batches(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return what may go side by side, in the order of going, the youngest first."""
    by_rank: dict[float, list[Entry]] = {}
    for entry in reversed(list(entries)):
        # A kind of the caller's own may depend on another such: each goes alone.
        rank = _ORDER.get(entry.kind, -entry.number / 1e9)
        by_rank.setdefault(rank, []).append(entry)
    return [by_rank[rank] for rank in sorted(by_rank)]


def _attempt(table: Mapping[str, Remover], entry: Entry, end: float) -> str:
    """Remove one resource; return empty when it is gone, else the reason."""
    remover = table.get(entry.kind)
    if remover is None:
        return f"nothing here can remove a {entry.kind}"
    left = end - time.monotonic()
    if left <= 0:
        return "the time for removing was up"
    try:
        remover(entry, left)
    except EngineSilent as exc:
        return "" if _is_gone_with_its_engine(entry) else str(exc)
    except Exception as exc:  # noqa: BLE001 - one resource's failure must not keep the others from being removed
        return str(exc) or type(exc).__name__
    return ""


def _is_gone_with_its_engine(entry: Entry) -> bool:
    """Whether a silent engine means that the resource is gone.

    What a dead private engine left is cleared as a whole when it is stopped, or before its next start. One that is
    merely slow has everything still, and a user's engine may come back with everything.
    """
    return is_private_host(entry.facts.get("host", "")) and not Endpoint.from_facts(entry.facts).listens()


def _remove_object(entry: Entry, deadline: float) -> None:
    docker_objects.remove(
        Endpoint.from_facts(entry.facts), DockerObject(entry.kind, entry.name, entry.name), deadline=deadline
    )


def _remove_kind_cluster(entry: Entry, deadline: float) -> None:
    endpoint = Endpoint.from_facts(entry.facts)
    _remove_all(endpoint, docker_objects.kind_containers(endpoint, entry.name), deadline)


def _remove_labelled(entry: Entry, deadline: float) -> None:
    """Remove what carries the run's label until a look finds nothing: that is the count of what is left, too."""
    endpoint, end = Endpoint.from_facts(entry.facts), time.monotonic() + deadline
    while items := docker_objects.find(endpoint, entry.name):
        _remove_all(endpoint, items, max(end - time.monotonic(), 1.0))
        if time.monotonic() > end:
            raise EnvironmentFailed(f"objects of run {entry.name} keep appearing", why="something still makes them")


def _remove_image(entry: Entry, deadline: float) -> None:
    status, answer = Endpoint.from_facts(entry.facts).call("DELETE", f"/images/{quote(entry.name)}", timeout=deadline)
    if status not in {200, 404}:
        raise EnvironmentFailed(f"image {entry.name} is still there", why=str((answer or {}).get("message", status)))


def _remove_all(endpoint: Endpoint, items: list[DockerObject], deadline: float) -> None:
    failed = docker_objects.remove_many(endpoint, items, deadline=deadline)
    if failed:
        names = ", ".join(f"{item.kind} {item.name}" for item in failed)
        raise EnvironmentFailed(f"{names} still there", why="; ".join(dict.fromkeys(failed.values())))


def _end_process(entry: Entry, deadline: float) -> None:
    """End a process, and the group it leads, if it is still the one that was written down, or carries its mark."""
    if mark := entry.facts.get(owned_process.FACT):

        def alive() -> list[int]:
            return list(owned_process.marked(mark))

    else:
        identity = ProcessIdentity.from_record(json.loads(entry.facts["identity"]))
        if not process_identity.is_judgeable(identity):
            raise EnvironmentFailed(
                f"process {identity.pid} runs on another host or in another container: {identity.host}"
            )

        def alive() -> list[int]:
            return [identity.pid] if process_identity.is_alive(identity) else []

    asked = time.monotonic()
    for number, patience in ((signal.SIGTERM, min(_ASKED_NICELY, deadline)), (signal.SIGKILL, deadline)):
        pids = alive()
        for pid in pids:
            _signal(pid, number)
        while pids and (pids := alive()) and time.monotonic() - asked < patience:
            time.sleep(0.05)
        if not pids:
            return
    raise EnvironmentFailed(f"process {', '.join(map(str, pids))} does not end")


def _signal(pid: int, number: signal.Signals) -> None:
    """Signal a process, and its group when it leads one."""
    with contextlib.suppress(ProcessLookupError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


def remove_directory(directory: Path, runtime: Path) -> None:
    """Remove a directory below the runtime directory with everything in it.

    Raises:
        EnvironmentFailed: It lies elsewhere, or something in it cannot be removed.
    """
    if directory.is_absolute() and not os.path.lexists(directory):
        return
    if not directory.is_absolute() or runtime.resolve() not in directory.resolve().parents:
        raise EnvironmentFailed(f"{directory} is not below {runtime} and is left alone")
    if directory.is_symlink():
        directory.unlink()
        return
    for _ in range(3):  # something may still be written into it
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(0.1)
    raise EnvironmentFailed(f"directory {directory} cannot be removed", mend=f"rm -rf {directory}")
