"""The stage in which pytest runs."""

import sys
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm import journal as journals
from sdcm.broker.protocol import BROKER_VARIABLE, SOCKET_NAME
from sdcm.errors import EnvironmentFailed
from sdcm.exit_codes import ExitCode
from sdcm.run import report, report_files, services
from sdcm.run.display import JournalDisplay, Known
from sdcm.run.engine_watch import lost_engine
from sdcm.run.pytest_session import PytestOutcome, PytestSession, keeps_terminal, pytest_argv
from sdcm.run.right_now import Answering
from sdcm.run.selection import SELECTION_FILE, files_of, nothing_selected, raise_for_mistake
from sdcm.run.workers import auto_workers
from sdcm.scheduling import durations
from sdcm.services import selected
from sdcm.stop_flag import StopFlag

if TYPE_CHECKING:
    from sdcm.run.pipeline import Run


def wanted_workers(run: "Run") -> int:
    """Return the number of workers that was asked for, worked out where it was left to us."""
    if run.options.workers is not None:
        return run.options.workers
    file = durations.file_to_read(run.project, run.places, run.environ)
    known = durations.seconds_by_test(durations.read_or_nothing(file))
    return auto_workers(run.targets, known, integration=run.options.integration)


def run_tests(run: "Run") -> "Run":
    """Hand off to pytest and wait for it, as often as `--repeat` says; the runner itself runs no test."""
    workers = run.plan.workers if run.plan else wanted_workers(run)
    if workers == 1 and not run.options.workers_asked:
        workers = 0  # to start a worker would take longer than most single tests do
    if run.one_pytest is not None and workers:
        run.one_pytest.close()
        run = replace(run, one_pytest=None)
    chosen = run.selection.tests if run.selection else ()
    argv = pytest_argv(run.options, files_of(chosen, run.targets, run.project), workers)
    run.interrupts.deferred = True
    own_terminal = keeps_terminal(run.options, workers if _may_take_terminal(run) else 1)
    run.interrupts.keys_are_pytests = own_terminal and sys.stdin.isatty()
    status = 0
    for number in range(1, run.options.repeat + 1):
        if run.options.repeat > 1:
            report.say(f"  {'repeat':<16} {number} of {run.options.repeat}")
        outcome = _session(run, argv, own_terminal=own_terminal)
        status = status or outcome.status
        run = replace(run, outcome=replace(outcome, status=status))
        # With `-x` the first failure ends the run, not its repetition alone: the flag lets no further test start.
        if run.interrupts.count or _fault(run) or StopFlag(run.state).enough():
            break
        # Keys that pytest has the terminal for are not told to us, but by this.
        if outcome.status == ExitCode.PYTEST_INTERRUPTED:
            break
    run.interrupts.keys_are_pytests = False
    _look_after(run, status)
    return run


def _look_after(run: "Run", status: int) -> None:
    """End what tests left running, write what may be lost in a long teardown, and tell of a mistake in what was asked.

    Raises:
        SctError: What was asked for does not exist.
    """
    if run.options.integration:
        from sdcm.run.teardown import end_strays

        end_strays(run.run_id, run.journal)
    if run.broker is not None:  # what is to be taken down first may take minutes, and be killed in them
        with suppress(EnvironmentFailed):  # told of when they are written for good
            report_files.write(run.state)
    if run.selection is None and status in {ExitCode.PYTEST_USAGE_ERROR, ExitCode.NOTHING_SELECTED}:
        raise_for_mistake(run.options, run.project, run.targets, run.pytest_environ)
        if status == ExitCode.NOTHING_SELECTED:
            report.say(nothing_selected(run.options))


def _may_take_terminal(run: "Run") -> bool:
    """Whether one process takes the terminal: not where it was not asked for, and a set-up is to be seen."""
    return run.options.workers_asked or not run.options.integration or run.in_kept is not None


def _session(run: "Run", argv: list[str], *, own_terminal: bool) -> PytestOutcome:
    """Run pytest once; one that has collected goes on."""
    if (one := run.one_pytest) is not None:
        with closing(one):
            one.go_on(run.pytest_environ)
            return _wait(run, one.session, one.argv)
    with ExitStack() as stack:
        relay = stack.enter_context(run.display.for_pytest(keeps_terminal=own_terminal)) if run.display else None
        session = PytestSession(argv, run.project, run.pytest_environ, own_terminal=own_terminal, relay=relay)
        run.stack.callback(session.kill)
        return _wait(run, session, argv)


def _wait(run: "Run", session: PytestSession, argv: list[str]) -> PytestOutcome:
    run.journal.write("pytest-start", argv=argv, pid=session.pid)
    run.reading.start()
    services.adopt(run, session.pid)
    say = run.display.say if run.display else report.say
    return session.wait(lambda: run.interrupts.count, lambda: _fault(run), StopFlag(run.state), say)


def display_of(run: "Run") -> JournalDisplay:
    """Return what shows the run to the user."""

    def known() -> Known:
        file = run.state / SELECTION_FILE
        chosen = selected.read(file) if file.exists() else ()
        seconds = durations.read_or_nothing(durations.file_to_read(run.project, run.places, run.environ))
        return {test.nodeid: test.services for test in chosen}, durations.seconds_by_test(seconds)

    def socket() -> Path | None:
        # The run's own broker, which knows of a kept one nothing: what is leased from that, `env status` tells.
        file = run.places.run_runtime(run.run_id) / SOCKET_NAME
        return file if file.exists() else None

    journal = run.state / journals.FILE_NAME
    shown = JournalDisplay(journal, run.environ, verbosity=run.options.verbosity, known=known)
    shown.asked = Answering(run.state, lambda: run.interrupts.asked, socket, shown.say).look
    return shown


def _fault(run: "Run") -> str:
    """Return what of the environment is gone for good, empty while nothing is."""
    if run.broker is not None and not run.broker.alive():
        return "the broker has ended"
    socket = run.pytest_environ.get(BROKER_VARIABLE)
    return lost_engine(Path(socket).parent) if socket else ""
