"""Takes a run down: everything in its ledger, in reverse order, then what still carries its label.

The one way down, whoever walks it: the broker at its end, the opener whose broker died, or the
sweep of a later run (`python -m sdcm.run.teardown RUN_ID` is the second). It may run twice.
"""

import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from sdcm import journal as journals
from sdcm import paths, process_identity
from sdcm.broker.opener import LOG_FILE
from sdcm.cloud.removal import REMOVERS, remove_owned
from sdcm.environment import kind_nodes
from sdcm.environment.engine import stop_if_unused
from sdcm.errors import EnvironmentFailed
from sdcm.journal import Journal
from sdcm.kubernetes import job_place
from sdcm.ownership import removers, strays
from sdcm.ownership.ledger import FILE_NAME, Entry, Ledger, read
from sdcm.ownership.removers import Leftover
from sdcm.paths import Paths
from sdcm.redaction import Redactor
from sdcm.run import report_files

#: Seconds that all of it may take; what stands then is reported as left over.
DEADLINE = 120.0
#: Of these, what is kept for the engine and the runtime directory.
_FOR_THE_LAST = 40.0
_NAMESPACE_DEADLINE = 60.0


def tear_down(run_id: str, places: Paths, ledger: Ledger, journal: Journal) -> list[Leftover]:
    """Remove what a run has made.

    Args:
        run_id: The run.
        places: Base directories.
        ledger: Its ledger, open for writing.
        journal: Its journal.

    Returns:
        What could not be removed, each with its reason.
    """
    started = time.monotonic()
    end_strays(run_id, journal)
    journal.write("teardown-start", resources=len(ledger.entries()))

    entries = ledger.entries()
    # The runtime directory goes last: it holds the kubeconfig that removers use.
    last = [entry for entry in entries if entry.kind in {"engine", "directory"}]
    # A cluster of ours takes its namespaces with it.
    clusters = [entry for entry in entries if entry.kind == "kind-cluster"]
    with_cluster = [entry for entry in entries if clusters and entry.kind == "namespace"]
    clouds = [entry for entry in entries if entry.kind in REMOVERS]
    first = [entry for entry in entries if entry not in (*last, *with_cluster, *clouds)]
    extra = {
        "namespace": _remove_namespace,
        "engine": lambda _: _stop_engine(places),
        job_place.LEDGER_KIND: lambda entry: _clear_job(entry, run_id),
        kind_nodes.LEDGER_KIND: kind_nodes.unload,
    }
    leftovers = removers.remove(first, ledger, DEADLINE - _FOR_THE_LAST, extra=extra)
    for entry in with_cluster:
        ledger.removed(entry)
    # Only now is every process at an end that might still make something there.
    leftovers_of_clouds = remove_owned(clouds, ledger)
    leftovers += removers.remove(last, ledger, _FOR_THE_LAST, extra=extra)
    for leftover in leftovers:
        journal.write("removal-failed", name=leftover.name, reason=leftover.reason)
    if leftovers:
        # A private engine that was too slow to answer has taken its objects along when it was stopped.
        numbers = {entry.number for entry in ledger.entries()}
        again = [entry for entry in (*first, *last) if entry.number in numbers]
        leftovers = removers.remove(again, ledger, max(started + DEADLINE - time.monotonic(), 5.0), extra=extra)
    leftovers += leftovers_of_clouds
    _hide_secrets(places.run_state(run_id))
    journal.write(
        "teardown-end",
        seconds=round(time.monotonic() - started, 3),
        leftovers=[{**asdict(leftover)} for leftover in leftovers],
    )
    return leftovers


def _remove_namespace(entry: Entry) -> None:
    """Remove a namespace on a cluster that is not ours, with what was made for it outside namespaces."""
    from sdcm.kubernetes.namespaces import remove_namespace
    from sdcm.kubernetes.ownership import LEASE

    remove_namespace(entry.facts["kubeconfig"], entry.name, {LEASE: entry.name}, _NAMESPACE_DEADLINE)


def _clear_job(entry: Entry, run_id: str) -> None:
    """Remove the Job of a run's shards, its pods and the namespace that was made for them."""
    job_place.clear(job_place.JobPlace.from_facts(entry.facts), run_id, _NAMESPACE_DEADLINE)


def end_strays(run_id: str, journal: Journal) -> None:
    """End the processes that tests of a run left, those of a worker that died among them."""
    for stray in strays.processes_of_run(run_id):
        reason = stray.end()
        state = "left" if reason else "removed"
        journal.write("leak", test=stray.test, kind=stray.kind, name=stray.name, state=state, reason=reason)


def _hide_secrets(state: Path) -> None:
    """Take secrets out of the logs that programs wrote to; a killed run's steps could not do it at their end."""
    redactor = Redactor(os.environ)
    for log in (state / LOG_FILE, *state.glob("logs/*.log")):
        redactor.file(log)


def _stop_engine(places: Paths) -> None:
    """Stop the private engine, unless another run or kept environment holds it."""
    stop_if_unused(places)


def tear_down_dead(run_id: str, places: Paths, *, foreign: bool = False) -> list[Leftover]:
    """Remove what a run has left whose owner is dead; nothing when it has no ledger.

    Args:
        run_id: The run.
        places: Base directories.
        foreign: Its owner was on another host or in another pid namespace: its processes are out of reach, and are
            written off.

    Returns:
        What could not be removed.
    """
    state = places.run_state(run_id)
    if read(state / FILE_NAME) is None:
        return []
    ledger = Ledger(state, run_id, process_identity.identify())
    ledger.keep_until(0.0)
    for entry in ledger.entries() if foreign else ():
        if entry.kind == "process":
            ledger.removed(entry)
    journal = Journal(state / journals.FILE_NAME)
    try:
        return tear_down(run_id, places, ledger, journal)
    finally:
        journal.close()
        ledger.close()


def main() -> None:
    """Tear down the run of the command line, and write the reports of a dead one; exit 1 when something is left."""
    places = paths.from_environment()
    leftovers = tear_down_dead(sys.argv[1], places)
    with suppress(EnvironmentFailed):  # `sct.py report` reads what there is
        report_files.write_for_dead(places.run_state(sys.argv[1]))
    for leftover in leftovers:
        print(leftover)  # noqa: T201 - read by whoever started this process
    sys.stdout.flush()
    os._exit(1 if leftovers else 0)


if __name__ == "__main__":
    main()
