"""The stages that find out what is needed and bring it up."""

import os
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm import journal as journals
from sdcm import process_identity
from sdcm.broker.defects import note_failure
from sdcm.broker.protocol import BROKER_VARIABLE, LEAKS_VARIABLE, RUN_VARIABLE, SERVICES_FILE, SERVICES_VARIABLE
from sdcm.broker.runs import LiveRun, kept_environment
from sdcm.errors import EnvironmentFailed, SctError, ServiceUnavailable, UsageProblem
from sdcm.program import as_typed
from sdcm.run import report, selection
from sdcm.run.end_steps import BROKER
from sdcm.run.pytest_session import keeps_terminal
from sdcm.services import selected, verdicts
from sdcm.services.table import BROUGHT_UP

if TYPE_CHECKING:
    from sdcm.broker.client import BrokerClient
    from sdcm.broker.opener import BrokerSpec, OpenBroker
    from sdcm.run.in_kept import InKept
    from sdcm.run.one_pytest import OnePytest
    from sdcm.run.pipeline import Run

#: What a pytest that may go on says while it collects; in the run's state directory.
COLLECTING_LOG = "collecting.log"
#: Seconds for the broker to tear everything down; its own deadlines are shorter.
_TEARDOWN_DEADLINE = 240.0
#: Seconds in which workers have collected, and after which a cluster waits for them no more.
_TESTS_FIRST = 20.0


def select_while_looking_for_engine(run: "Run") -> "Run":
    """Collect; meanwhile find out whether there is an engine, and say so before anything is set up.

    Raises:
        ServiceUnavailable: A chosen test needs an engine and there is none.
    """
    if run.options.kubeconfig and not os.path.isfile(run.options.kubeconfig):  # noqa: PTH113 - as typed
        raise UsageProblem(f"--kubeconfig {run.options.kubeconfig}", why="no such file")
    if run.options.verbosity >= 0 and run.display is not None and not run.display.live:
        report.say(f"  {'selection':<16} collecting the tests of {', '.join(run.targets)}")
    kept = kept_for(run)
    using = _use(run, kept) if kept is not None and not run.options.plan_only else None
    from sdcm.run import one_pytest, sharding

    here = run.options.on is None
    goes_on = here and one_pytest.may_do(run.options, run.targets)
    one = _one_pytest(run, kept) if goes_on else None
    looking = _EngineLookUp(run) if kept is None else None
    chosen = selection.collect(
        run.options,
        run.project,
        run.targets,
        run.state / selection.SELECTION_FILE,
        run.environ,
        one.collected if one else None,
    )
    run.journal.write("selection", tests=len(chosen.tests), seconds=round(chosen.seconds, 3))
    if run.options.shard is not None:
        chosen = sharding.take_share(run, chosen, run.options.shard)
    wanted = {label for test in chosen.tests for label in test.services} | set(run.options.require)
    needs_engine = "docker" in wanted or ("kubernetes" in wanted and not run.options.kubeconfig)
    if needs_engine and not run.options.plan_only and looking is not None and here:
        looking.verdict()
    if "kubernetes" in wanted and here:
        _check_kubeconfig(run)
    return replace(run, selection=chosen, one_pytest=one, in_kept=using)


def _one_pytest(run: "Run", kept: LiveRun | None) -> "OnePytest":
    """Start a pytest that collects and may go on; where an environment is kept it has the terminal, as with `-n 0`."""
    from sdcm.run.one_pytest import OnePytest

    one = OnePytest(
        run.options,
        run.targets,
        run.project,
        _pytest_environ(run),
        run.state / COLLECTING_LOG,
        run.display,
        own_terminal=keeps_terminal(run.options, run.options.workers or (0 if kept else 1)),
    )
    run.stack.callback(one.close)
    return one


def _check_kubeconfig(run: "Run") -> None:
    """Find a mistake in what names the cluster before anything is set up for it."""
    if run.options.kubeconfig:
        from sdcm.kubernetes import kubeconfig

        kubeconfig.check(Path(run.options.kubeconfig))
    else:
        _check_kubeconfig_variable(run)


def _check_kubeconfig_variable(run: "Run") -> None:
    """A KUBECONFIG that names nothing is a mistake, even though Kind has a kubeconfig of its own."""
    value = run.environ.get("KUBECONFIG", "")
    files = [part for part in value.split(os.pathsep) if part]
    if files and not any(os.path.exists(part) for part in files):  # noqa: PTH110 - as typed
        raise UsageProblem(
            f"KUBECONFIG names {value}, which does not exist", mend="unset KUBECONFIG, or pass --kubeconfig PATH"
        )


class _EngineLookUp:
    """Looks for an engine in the background."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        from sdcm.broker.opener import engine_environ
        from sdcm.environment.engine import find_engine

        try:
            find_engine(engine_environ(self._run.environ), self._run.places, allow_install=self._run.options.setup)
        except Exception as exc:  # noqa: BLE001 - raised again where the look-up's answer is wanted
            self._error = exc

    def verdict(self) -> None:
        """Wait for the look-up.

        Raises:
            ServiceUnavailable: There is no engine.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error


def bring_up(run: "Run") -> "Run":
    """Start the broker, which brings the plan's services up while tests already run."""
    environ = _pytest_environ(run)
    if run.plan is None or not run.plan.needs_broker:
        return replace(run, pytest_environ=environ)
    using = run.in_kept
    if using is not None and using.expect(run.plan.tests, run.options.repeat):
        kept = using.environment
        report.say(as_typed(f"  {'environment':<16} {kept.run_id}, which is kept (`sct.py env status`)"))
        return _reached(run, environ, kept.socket)
    from sdcm.broker.opener import OpenBroker

    # Where an environment that was there has ended in the meantime, what is needed is brought up, too.
    broker = OpenBroker.start(_spec(run), run.places, environ)
    run.stack.callback(end, run, broker)
    return _reached(replace(run, broker=broker, in_kept=None), environ, broker.socket_path)


def _reached(run: "Run", environ: dict[str, str], socket: Path) -> "Run":
    """Let pytest reach a broker, once what is required is up."""
    environ[BROKER_VARIABLE] = str(socket)
    environ[SERVICES_VARIABLE] = str(socket.with_name(SERVICES_FILE))
    _require(run, socket)
    return replace(run, pytest_environ=environ)


def _pytest_environ(run: "Run") -> dict[str, str]:
    """Return the environment of the run's pytest, as far as it is known; what reaches a broker is added later."""
    environ = {
        **run.environ,
        RUN_VARIABLE: run.run_id,
        journals.ENVIRONMENT_VARIABLE: str(run.state / journals.FILE_NAME),
    }
    if run.options.integration:
        environ[LEAKS_VARIABLE] = run.options.leaks
    # Where there was no collect pass, the first worker writes what the scheduler must know.
    environ[selected.ENVIRONMENT_VARIABLE] = str(run.state / selection.SELECTION_FILE)
    environ[verdicts.VARIABLE] = verdicts.to_text(run.plan.verdicts if run.plan else {})
    environ[selected.SUITE_VARIABLE] = run.options.suite
    if run.options.shard is not None:
        environ[selected.SHARE_VARIABLE] = str(run.options.shard)
    return environ


def kept_for(run: "Run") -> LiveRun | None:
    """Return the kept environment that this run can use: any, unless its options ask for one of its own."""
    options = run.options
    if (
        options.on is not None
        or options.kubeconfig
        or options.db != "auto"
        or options.keep
        or options.keep_failed
        or options.fresh_nodes
    ):
        return None
    return kept_environment(run.places)


def _use(run: "Run", kept: LiveRun) -> "InKept | None":
    """Begin to use a kept environment; None where it has just ended."""
    from sdcm.run.in_kept import InKept

    try:
        using = InKept(kept, run.places, run.run_id, run.journal)
    except SctError:
        return None
    run.stack.callback(using.end)
    return using


def _spec(run: "Run") -> "BrokerSpec":
    """Return what the run's own broker is for."""
    from sdcm.broker.opener import BrokerSpec, engine_environ

    options, plan = run.options, run.plan
    return BrokerSpec(
        run_id=run.run_id,
        services=plan.to_bring_up if plan else (),
        images=plan.images if plan else (),
        allow_install=options.setup,
        db=options.db,
        kubernetes="kubeconfig" if options.kubeconfig else "kind",
        kubeconfig=os.path.abspath(options.kubeconfig) if options.kubeconfig else "",  # noqa: PTH100 - as typed
        environ=engine_environ(run.environ),
        leaks=options.leaks,
        keep_failed=options.keep_failed,
        fresh_nodes=options.fresh_nodes,
        repeat=options.repeat,
        tests_first=_TESTS_FIRST if plan and any("kubernetes" not in test.services for test in plan.tests) else 0.0,
        keeps=options.keep,
    )


def _require(run: "Run", socket: Path) -> None:
    """Wait for the services that `--require` names, so that their absence ends the run before any test.

    Raises:
        ServiceUnavailable: One is not to be had.
    """
    wanted = [label for label in BROUGHT_UP if label in run.options.require]
    if not wanted:
        return
    from sdcm.broker.client import BrokerClient

    with BrokerClient(socket, "runner") as client:
        for label in wanted:
            try:
                client.ask("wait", service=label)
            except ServiceUnavailable as exc:
                raise ServiceUnavailable(f"--require {label}", why=str(exc)) from exc


def end(run: "Run", broker: "OpenBroker") -> None:
    """Let the broker tear down and wait for it; do it from the ledger when it cannot."""
    from sdcm.broker.client import BrokerClient

    if (run.options.keep or run.options.keep_failed) and broker.alive():
        with suppress(SctError), BrokerClient(broker.socket_path, "runner", deadline=5.0) as client:
            if _keep(run, client):
                broker.hang_up()
                return
    left = broker.end(run.environ, _TEARDOWN_DEADLINE)
    if broker.failure:
        note_failure(run.journal, BROKER, EnvironmentFailed("the broker is gone", why=broker.failure))
    if left:
        report.complain(as_typed(f"some of the run is left: {left} -- `sct.py clean` removes it"))


def _keep(run: "Run", client: "BrokerClient") -> bool:
    """Let the environment stay if it is to; say how to enter it.

    Returns:
        Whether it stays. With `--keep-failed` that is when a failed test has left something and nobody interrupted.
    """
    status = client.ask("status")
    kept = [lease for lease in status["leases"] if lease["kept"]]
    if not run.options.keep and (not kept or run.interrupts.count):
        return False
    client.ask("keep", seconds=run.options.keep_for)
    report.say_kept(run.journal, run.run_id, status["environ"], kept, run.options.keep_for)
    return True


def adopt(run: "Run", pid: int) -> None:
    """Let a broker end pytest when this process cannot do it any more."""
    if run.in_kept is None and run.broker is None:
        return
    from sdcm.broker.client import BrokerClient, BrokerGone

    try:
        if run.in_kept is not None:
            run.in_kept.adopt(pid)
        elif run.broker is not None:
            with BrokerClient(run.broker.socket_path, "runner") as client:
                client.ask("adopt", identity=process_identity.identify(pid).to_record())
    except ProcessLookupError:
        return  # it has ended already
    except BrokerGone:
        return  # told of as what the tests ran on
    except SctError as exc:
        note_failure(run.journal, "adoption of pytest", exc)
