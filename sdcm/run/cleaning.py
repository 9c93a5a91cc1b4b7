"""What dead runs have left, and its removal: what `clean` shows and does.

Only what carries our label or stands in a ledger of ours is ever looked at, and never what a live run owns. An owner is
judged by its process where that can be told from here: on its own host, in its own pid namespace. Others (a container's
runs that share the engine or the state directory) count as dead only when they have shown no life for so long as the
user says.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sdcm import journal as journals
from sdcm.broker import runs
from sdcm.ownership import docker_objects, ledger
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.ownership.docker_objects import DockerObject
from sdcm.ownership.ledger import LedgerState
from sdcm.ownership.removers import Leftover
from sdcm.paths import Paths
from sdcm.process_identity import is_alive, is_judgeable
from sdcm.run import teardown

_STRAYS_DEADLINE = 60.0


@dataclass(frozen=True)
class Candidate:
    """One thing that would be removed.

    Attributes:
        kind: Its kind in the ledger, or on the engine.
        name: Its name.
        run: The run it was made for.
        age: Seconds since it was made; None where nothing tells.
        owner: Who made it, as far as that is known.
        why: Why it may go.
    """

    kind: str
    name: str
    run: str
    age: float | None
    owner: str
    why: str


@dataclass(frozen=True)
class DeadRun:
    """A run whose ledger still has resources, and whose owner is dead or has shown no life for long."""

    state: LedgerState
    why: str
    foreign: bool

    def candidates(self, now: float) -> Iterator[Candidate]:
        """Yield its resources."""
        owner = self.state.owner
        who = f"process {owner.pid}" + (f" of {owner.host}" if self.foreign else "")
        for entry in self.state.entries:
            age = now - entry.at if entry.at else None
            yield Candidate(entry.kind, entry.name, self.state.run_id, age, who, self.why)


@dataclass(frozen=True)
class Cleaning:
    """What there is to remove.

    Attributes:
        dead: Runs to take down from their ledgers.
        strays: Objects on the engine that no ledger names any more, each with the reason why it may go.
        endpoint: The engine of the strays; None when none answers.
        spared: Runs of other hosts or pid namespaces that were left alone.
    """

    dead: tuple[DeadRun, ...]
    strays: tuple[tuple[DockerObject, str], ...] = ()
    endpoint: Endpoint | None = None
    spared: int = 0

    def candidates(self) -> list[Candidate]:
        """Return everything that would be removed."""
        now = time.time()
        found = [candidate for run in self.dead for candidate in run.candidates(now)]
        for item, why in self.strays:
            age = now - item.made if item.made else None
            found.append(Candidate(item.kind, item.name, item.run, age, "not known here", why))
        return found

    def remove(self, places: Paths) -> list[Leftover]:
        """Remove it all; return what is still there."""
        left: list[Leftover] = []
        for run in self.dead:
            left += teardown.tear_down_dead(run.state.run_id, places, foreign=run.foreign)
        if self.strays and self.endpoint is not None:
            items = [item for item, _ in self.strays]
            failed = docker_objects.remove_many(self.endpoint, items, deadline=_STRAYS_DEADLINE)
            left += [Leftover(item.kind, item.name, why) for item, why in failed.items()]
        return left


def look(places: Paths, endpoint: Endpoint | None, older_than: float | None) -> Cleaning:
    """Find what may be removed; nothing is changed.

    Args:
        places: Base directories.
        endpoint: The engine to look at for what no ledger names; None when none answers.
        older_than: Seconds without a sign of life after which a run that cannot be judged from here counts as dead;
            None: never.

    Raises:
        EngineSilent: The engine does not answer.
    """
    dead, spared = [], 0
    for state in runs.states(places):
        if not state.entries:
            continue
        if is_judgeable(state.owner):
            if not is_alive(state.owner):
                dead.append(DeadRun(state, "its owner is dead", foreign=False))
            continue
        quiet = time.time() - max(_last_sign(places.run_state(state.run_id)), state.keep_until)
        if older_than is not None and quiet > older_than:
            dead.append(DeadRun(state, f"no sign of life for {age_text(quiet)}", foreign=True))
        else:
            spared += 1
    strays = _strays(places, endpoint, older_than) if endpoint is not None else ()
    return Cleaning(tuple(dead), strays, endpoint, spared)


def remove_late_objects(places: Paths, endpoint: Endpoint) -> None:
    """Remove objects of runs that are over and that no ledger names: an engine made them after their maker's death.

    Raises:
        EngineSilent: The engine does not answer.
    """
    items = [item for item, _ in _strays(places, endpoint, None)]
    docker_objects.remove_many(endpoint, items, deadline=_STRAYS_DEADLINE)


def _last_sign(state: Path) -> float:
    """Return when a run last wrote anything, in epoch seconds."""
    times = []
    for name in (ledger.FILE_NAME, journals.FILE_NAME):
        try:
            times.append((state / name).stat().st_mtime)
        except OSError:
            continue
    return max(times, default=0.0)


def _strays(places: Paths, endpoint: Endpoint, older_than: float | None) -> tuple[tuple[DockerObject, str], ...]:
    """Return labelled objects that no ledger here names: their run's is gone, or lies elsewhere."""
    by_run: dict[str, list[DockerObject]] = defaultdict(list)
    for item in docker_objects.find(endpoint):
        by_run[item.run].append(item)
    found: list[tuple[DockerObject, str]] = []
    for run, items in by_run.items():
        state = ledger.read(places.run_state(run) / ledger.FILE_NAME) if run else None
        if state is not None:
            # With resources in its ledger it is judged by that; without, the object came after its end.
            over = not state.entries and is_judgeable(state.owner) and not is_alive(state.owner)
            found += [(item, "its run is over") for item in items if over]
            continue
        youngest = time.time() - max(item.made for item in items)
        if older_than is not None and youngest > older_than:
            found += [(item, f"nothing of its run is younger than {age_text(youngest)}") for item in items]
    return tuple(found)


def age_text(seconds: float) -> str:
    """Return a time span as people say it, in its largest whole unit."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"
