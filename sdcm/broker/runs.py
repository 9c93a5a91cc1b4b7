"""Environments that outlive their opener, and runs whose owner is dead: what the state directory tells."""

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sdcm.broker import protocol
from sdcm.errors import SctError
from sdcm.evidence.folder import size_of
from sdcm.ownership import ledger
from sdcm.ownership.ledger import Ledger, LedgerState
from sdcm.paths import Paths
from sdcm.process_identity import identify, is_alive, is_judgeable

#: Runs whose journals, ledgers, logs and evidence stay, and MiB that they may take together.
RUNS_KEPT = 20
RUNS_MB = 1024
KEPT_VARIABLE = "SCT_RUNS_KEPT"
MB_VARIABLE = "SCT_RUNS_MB"
#: Fact of a ledger's entry that names the kept environment in which the run uses no broker of its own.
ENVIRONMENT = "environment"
#: Seconds that the folder of a run stays whose owner cannot be judged from here.
_FOREIGN_KEPT = 24 * 3600.0


@dataclass(frozen=True)
class LiveRun:
    """A run whose owner lives.

    Attributes:
        run_id: Its id.
        socket: Its broker's socket.
        keep_until: Epoch seconds until which it is kept; 0 for a run that is under way.
        environment: Id of the kept environment that it uses, and so has no broker; empty where it has its own.
    """

    run_id: str
    socket: Path
    keep_until: float
    environment: str = ""

    @property
    def kept(self) -> bool:
        """Whether it is an environment that is kept, not a run under way."""
        return self.keep_until > time.time()


def states(places: Paths) -> Iterator[LedgerState]:
    """Yield what each ledger in the state directory says."""
    if not places.runs.is_dir():
        return
    for folder in sorted(places.runs.iterdir()):
        if (state := ledger.read(folder / ledger.FILE_NAME)) is not None:
            yield state


def live_runs(places: Paths) -> list[LiveRun]:
    """Return the runs whose owner lives."""
    return [
        LiveRun(
            state.run_id,
            places.run_runtime(state.run_id) / protocol.SOCKET_NAME,
            state.keep_until,
            next((used for entry in state.entries if (used := entry.facts.get(ENVIRONMENT))), ""),
        )
        for state in states(places)
        if state.entries and is_judgeable(state.owner) and is_alive(state.owner)
    ]


def kept_environment(places: Paths) -> LiveRun | None:
    """Return a kept environment whose broker answers, the one that stays longest."""
    from sdcm.broker.client import BrokerClient

    for run in sorted((run for run in live_runs(places) if run.kept), key=lambda run: -run.keep_until):
        try:
            BrokerClient(run.socket, "look-up", deadline=1.0).close()
        except SctError:
            continue
        return run
    return None


def claim(places: Paths, run_id: str) -> None:
    """Write down that a run belongs to this process, so that no other takes it for an old one.

    A run without services makes nothing that is to be removed; its folder must stay all the same while it goes on.
    """
    Ledger(places.run_state(run_id), run_id, identify()).close()


def dead_runs(places: Paths) -> list[LedgerState]:
    """Return the runs that have resources left and whose owner is dead, as far as this host can tell."""
    return [
        state for state in states(places) if state.entries and is_judgeable(state.owner) and not is_alive(state.owner)
    ]


def forget_old_runs(places: Paths, environ: Mapping[str, str] | None = None) -> None:
    """Delete the folders of all but the last runs; never one that is under way or has resources left.

    The last one stays however large it is. Whether an owner of another host (the folder may be shared) still runs is
    not to be told from here: such a folder stays for a day.

    Args:
        places: Base directories.
        environ: Says how many may stay, and how large they may be; this process's own when omitted.
    """
    known = os.environ if environ is None else environ
    most, room = _number(known, KEPT_VARIABLE, RUNS_KEPT), _number(known, MB_VARIABLE, RUNS_MB) * 2**20
    if not places.runs.is_dir():
        return
    folders = sorted((f for f in places.runs.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime, reverse=True)
    for place, folder in enumerate(folders):
        room -= size_of(folder)
        if (place >= most or (place and room < 0)) and not _may_be_needed(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    """Return a bound of the user's; what is no positive number leaves the default."""
    value = environ.get(name, "")
    return int(value) if value.isdecimal() and int(value) > 0 else default


def _may_be_needed(folder: Path) -> bool:
    state = ledger.read(folder / ledger.FILE_NAME)
    if state is None:
        return False
    if state.entries:
        return True
    if is_judgeable(state.owner):
        return is_alive(state.owner)
    return time.time() - folder.stat().st_mtime < _FOREIGN_KEPT
