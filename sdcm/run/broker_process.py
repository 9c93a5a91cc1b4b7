"""The broker's process: `python -m sdcm.run.broker_process RUN_ID PIPE`.

Owns every resource of the run, from the first to the last. Ends when its opener closes the pipe or
dies, when asked to stop, or when a kept environment's time is up; each way goes through `tear_down`.
"""

import json
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from types import FrameType

from sdcm import journal as journals
from sdcm import paths, process_identity
from sdcm.broker import protocol, runs
from sdcm.broker.admission import Admission
from sdcm.broker.cluster_leaks import ClusterWatch
from sdcm.broker.defects import note_failure
from sdcm.broker.demand import Demand
from sdcm.broker.desk import BrokerDesk
from sdcm.broker.engine_machine import other_machine
from sdcm.broker.gate import Gate
from sdcm.broker.leak_desk import LeakDesk
from sdcm.broker.leaks import LeakWatch
from sdcm.broker.opener import JOURNALLED_STATUS, SPEC_FILE, BrokerSpec
from sdcm.broker.server import Server
from sdcm.broker.spans import Spans
from sdcm.broker.states import ServiceStates
from sdcm.environment.engine import Engine
from sdcm.errors import EnvironmentFailed, SctError
from sdcm.journal import Journal
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.ownership.ledger import Ledger
from sdcm.run import cleaning, report_files, teardown
from sdcm.run.end_steps import BROKER, EndSteps
from sdcm.run.services_up import ServicesUp
from sdcm.services import selected

#: Seconds that what is just being made may take to exist once the run ends.
_SETTLE_DEADLINE = 20.0
#: Seconds for steps to stop at their next line of progress. An image build that says nothing is not waited for: the
#: engine ends it when this process, and so its connection, is gone.
_STEPS_DEADLINE = 3.0
#: Seconds for removals under way; what they do not finish is teardown's.
_REMOVALS_DEADLINE = 3.0


def _watch_opener(pipe: int, supplies: ServicesUp, server: Server, stop: threading.Event) -> None:
    """Wait until the opener is gone, then as long as the environment is kept or a run is connected to it, then stop."""
    while os.read(pipe, 1):
        pass
    kept = supplies.kept_until > time.time()
    while not stop.is_set() and ((left := supplies.kept_until - time.time()) > 0 or (kept and not server.retire())):
        stop.wait(min(max(left, 1.0), 60.0))
    stop.set()


def _sweep(places: paths.Paths, supplies: ServicesUp, spec: BrokerSpec) -> None:
    """Remove what dead runs have left, while this one comes up; its own resources are not among it.

    An engine is looked through where this run has one; none is brought up for that.
    """
    for dead in runs.dead_runs(places):
        try:
            teardown.tear_down_dead(dead.run_id, places)
        except Exception as exc:  # noqa: BLE001 - one run's ledger must not keep the others' things
            supplies.journal.write("removal-failed", name=f"run {dead.run_id}", reason=str(exc) or repr(exc))
    if "docker" in spec.services or ("kubernetes" in spec.services and spec.kubernetes == "kind"):
        with suppress(SctError):  # without an engine there is nothing on it
            cleaning.remove_late_objects(places, supplies.engine().endpoint)


def serve(run_id: str, pipe: int) -> int:
    """Be the broker of a run until it ends, and tear it down; return the exit status."""
    places = paths.from_environment()
    state, runtime = places.run_state(run_id), places.run_runtime(run_id)
    spec = BrokerSpec.from_record(json.loads((state / SPEC_FILE).read_text()))
    stop = threading.Event()
    told = _stop_on_signals(stop)
    journal = Journal(state / journals.FILE_NAME)
    ledger = Ledger(state, run_id, process_identity.identify())
    gate = Gate()
    file = os.environ.get(selected.ENVIRONMENT_VARIABLE)
    selection = Path(file) if file and not spec.fresh_nodes else None
    states = ServiceStates(runtime / protocol.SERVICES_FILE, journal)
    supplies = ServicesUp(spec, places, ledger, journal, states, gate, stop)
    leaks = _leak_desk(spec, supplies, ledger, journal)
    desk = BrokerDesk(
        supplies,
        gate,
        _admission(supplies),
        leaks,
        keep_failed=spec.keep_failed,
        keeps=spec.keeps and not spec.fresh_nodes,
        fresh=spec.fresh_nodes,
        demand=Demand(selection, spec.repeat),
        repeat=spec.repeat,
    )
    server = Server(runtime / protocol.SOCKET_NAME, desk)
    server.start()
    threading.Thread(target=_sweep, args=(places, supplies, spec), daemon=True).start()
    threading.Thread(target=_watch_opener, args=(pipe, supplies, server, stop), daemon=True).start()
    with EndSteps(journal) as stack:
        stack.callback(report_files.write_for_dead, state)
        stack.callback(teardown.tear_down, run_id, places, ledger, journal)
        stack.callback(supplies.let_go_of_engine)
        stack.callback(supplies.graph.close, _STEPS_DEADLINE)
        stack.callback(desk.close, _REMOVALS_DEADLINE)
        stack.callback(leaks.close)
        stack.callback(gate.close, _SETTLE_DEADLINE)
        stack.callback(supplies.graph.closing.set)
        stack.callback(server.close)
        supplies.begin()
        stop.wait()
        if told and not supplies.kept_until:
            failure = EnvironmentFailed("the broker was told to stop while its run was on", why=told[0])
            note_failure(journal, BROKER, failure)
    return JOURNALLED_STATUS if stack.failed else 0


def _stop_on_signals(stop: threading.Event) -> list[str]:
    """Let a signal set `stop`; return a list that gets the signals' names."""
    told: list[str] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        told.append(signal.Signals(number).name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handle)
    return told


def _admission(supplies: ServicesUp) -> Admission:
    """Return the budget of the machine that the engine turns out to have."""
    admission = Admission.of_this_machine()

    def fit(engine: Engine) -> None:
        # A private one is a child of ours.
        if not engine.private and (machine := other_machine(engine.endpoint)):
            admission.move_to(machine)

    supplies.call_with_engine(fit)
    return admission


def _leak_desk(spec: BrokerSpec, supplies: ServicesUp, ledger: Ledger, journal: Journal) -> LeakDesk:
    """Return what watches for leaks; the engine is watched from when it is up."""
    spans = Spans()
    engine = LeakWatch(spec.run_id, spans, ledger, journal)
    if spec.leaks != "off":
        supplies.call_with_engine(engine.start)

    def cluster() -> ClusterRecord | None:
        return supplies.cluster() if supplies.graph.state().get("cluster") == "done" else None

    return LeakDesk(spans, engine, ClusterWatch(spans, journal, cluster, is_ours=spec.kubernetes == "kind"))


def main() -> None:
    """Run `serve` and leave without waiting for threads that are blocked for ever."""
    try:
        status = serve(sys.argv[1], int(sys.argv[2]))
    except Exception as exc:  # noqa: BLE001 - the last stop: the traceback belongs into the broker's log
        traceback.print_exc()
        status = JOURNALLED_STATUS
        with suppress(OSError):
            note_failure(Journal(Path(os.environ[journals.ENVIRONMENT_VARIABLE])), BROKER, exc)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
