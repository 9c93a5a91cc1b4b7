"""A run, from options to exit code. Read this file first.

`STAGES` is the order; each stage takes the run so far and returns it with what it has added. A stage that
has nothing more to do for the run raises `Done`. Whatever happens, `execute` closes what was opened,
in reverse order: pytest, broker (which tears the environment down), display.
"""

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm import bytecode, paths
from sdcm import journal as journals
from sdcm.broker import runs
from sdcm.errors import FULL, EnvironmentFailed, SctError, UsageProblem
from sdcm.exit_codes import ExitCode
from sdcm.journal import Journal
from sdcm.ownership import labels
from sdcm.paths import Paths
from sdcm.reporters.whole_files import destination
from sdcm.run import host_load, project, report, report_files, selection, services, tests
from sdcm.run.options import RunOptions
from sdcm.run.reading_along import ReadingAlong
from sdcm.run.selection import Selection
from sdcm.run.signals import Interrupts

if TYPE_CHECKING:
    from sdcm.broker.opener import OpenBroker
    from sdcm.kubernetes.job_place import JobPlace
    from sdcm.run.display import JournalDisplay
    from sdcm.run.in_kept import InKept
    from sdcm.run.merged_run import MergedRun
    from sdcm.run.one_pytest import OnePytest
    from sdcm.run.plan import Plan
    from sdcm.run.pytest_session import PytestOutcome
    from sdcm.scheduling.shards import Shares


@dataclass(frozen=True)
class Run:
    """A run as far as it has come.

    Attributes:
        options: What the user asked for.
        environ: Environment variables it started with.
        places: Base directories.
        run_id: Its id.
        project: The project's root folder.
        targets: What to hand to pytest.
        journal: Its journal.
        interrupts: Counts the user's requests to stop.
        stack: What is to be closed at its end.
        reading: Reads the journal for the reports, once pytest runs.
        display: Shows what goes on; None for `--plan`.
        selection: The chosen tests (after `select`).
        plan: What is set up for them (after `plan`).
        in_kept: Its use of an environment that is kept (after `select`), None where none is used.
        broker: The owner of what is set up (after `bring_up`), None where nothing is.
        pytest_environ: Environment for pytest (after `bring_up`).
        one_pytest: The pytest that has collected and waits for word whether to go on (after `select`), if any.
        outcome: How pytest ended (after `run_tests`).
        place: Where the shards run (after `submit_shards`).
        shares: Which tests each has (after `submit_shards`).
        merged: What they have found (after `follow_shards`).
    """

    options: RunOptions
    environ: Mapping[str, str]
    places: Paths
    run_id: str
    project: Path
    targets: tuple[str, ...]
    journal: Journal
    interrupts: Interrupts
    stack: ExitStack
    reading: ReadingAlong
    display: "JournalDisplay | None" = None
    selection: Selection | None = None
    plan: "Plan | None" = None
    in_kept: "InKept | None" = None
    broker: "OpenBroker | None" = None
    pytest_environ: Mapping[str, str] = field(default_factory=dict)
    one_pytest: "OnePytest | None" = None
    outcome: "PytestOutcome | None" = None
    place: "JobPlace | None" = None
    shares: "Shares | None" = None
    merged: "MergedRun | None" = None

    @property
    def state(self) -> Path:
        """Its state directory."""
        return self.places.run_state(self.run_id)


class Done(Exception):
    """The run needs no further stage."""

    def __init__(self, code: ExitCode) -> None:
        super().__init__(code)
        self.code = code


Stage = Callable[[Run], Run]


def select(run: Run) -> Run:
    """Choose the tests; `unit-tests` leaves that to pytest itself."""
    options = run.options
    if not options.integration and not options.plan_only and options.shard is None and options.on is None:
        return run
    return services.select_while_looking_for_engine(run)


def plan(run: Run) -> Run:
    """Work out what must be set up; stop here for `--plan`, and when nothing is chosen."""
    if run.selection is None:
        return run
    # What is required and missing is told even when nothing is chosen.
    if not run.selection.tests and not run.options.plan_only and not run.options.require:
        raise _nothing_selected(run)
    if not run.options.integration and not run.options.plan_only:
        return run  # they need nothing, whatever their words say
    from sdcm.cloud.probes import probe
    from sdcm.run.plan import make_plan

    made = make_plan(run.options, run.selection.tests, probe, workers=tests.wanted_workers(run))
    run.journal.write(
        "plan", services=made.services, images=list(made.images), steps=list(made.steps), workers=made.workers
    )
    if run.options.plan_only:
        report.print_plan(made, as_json=run.options.as_json)
        raise Done(ExitCode.OK if made.tests else ExitCode.NOTHING_SELECTED)
    if not made.tests:
        raise _nothing_selected(run)
    return replace(run, plan=made)


def _nothing_selected(run: Run) -> Done:
    """Tell that there is nothing to run; for a share of what has fewer units than machines that is well."""
    if run.selection is not None and run.selection.shared:
        report.say(f"shard {run.options.shard} has no test: there are fewer than machines")
        return Done(ExitCode.OK)
    report.say(selection.nothing_selected(run.options))
    return Done(ExitCode.NOTHING_SELECTED)


#: The order of a run.
STAGES: tuple[Stage, ...] = (select, plan, services.bring_up, tests.run_tests)


def submit_shards(run: Run) -> Run:
    """With `--on kubernetes`, in place of what brings services up: submit the Job whose pods are the shards."""
    from sdcm.run.on_kubernetes import stage

    return stage.submit(run)


def follow_shards(run: Run) -> Run:
    """With `--on kubernetes`, in place of pytest: follow the pods, and merge what they have found."""
    from sdcm.run.on_kubernetes import stage

    return stage.follow(run)


#: The order of a run whose tests run in a cluster.
STAGES_ELSEWHERE: tuple[Stage, ...] = (select, plan, submit_shards, follow_shards)


def _finish(run: Run) -> ExitCode:
    if run.merged is None:
        return report.finish(run)
    from sdcm.run.on_kubernetes import stage

    return stage.finish(run)


def _writable(folder: Path, what: str, mend: str, *, private: bool = False) -> Path:
    """Make a folder, for this user alone where it is `private`, and return it.

    Raises:
        UsageProblem: Nothing can be written there.
        EnvironmentFailed: The disk is full.
    """
    try:
        paths.make_private(folder) if private else folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        kind = EnvironmentFailed if exc.errno in FULL else UsageProblem
        raise kind(f"{what} {folder} cannot be made", why=exc.strerror or str(exc), mend=mend) from exc
    if not os.access(folder, os.W_OK):
        raise UsageProblem(f"{what} {folder} cannot be written to", mend=mend)
    return folder


def _report_folders(options: RunOptions) -> Iterator[Path]:
    """Yield the folders that reports are written to on request; a device is written to where it is.

    Raises:
        UsageProblem: JUnit cannot be written to what was named for it.
    """
    if options.report_dir is not None:
        yield options.report_dir
    if options.junit_xml is not None:
        file = destination(options.junit_xml)
        if file.is_file() or not file.exists():
            yield file.absolute().parent


def _begin(options: RunOptions, places: Paths, run_id: str, root: Path) -> Journal:
    """Write down that a run is, whose it is and where its reports go, and return its journal."""
    state = places.run_state(run_id)
    journal = Journal(state / journals.FILE_NAME)
    runs.claim(places, run_id)
    # The reports of shards are merged ones; of this journal there are some when the run is killed before.
    here = options.on is None
    report_files.settle(state, (here and options.report_dir) or state, options.junit_xml if here else None, root)
    shard = {"shard": str(options.shard)} if options.shard else {}
    journal.write("run-start", run=run_id, command=options.command, argv=sys.argv[1:], leaks=options.leaks, **shard)
    return journal


@contextmanager
def _beginning(state: Path) -> Iterator[None]:
    """Leave nothing of a run that cannot even be written down.

    Raises:
        EnvironmentFailed: It cannot: the disk is full, most often.
    """
    try:
        yield
    except OSError as exc:
        shutil.rmtree(state, ignore_errors=True)
        why = f"{exc.filename or state}: {exc.strerror or exc}"
        raise EnvironmentFailed("the run cannot begin", why=why, mend="df -h; or set SCT_STATE_DIR") from exc


def execute(options: RunOptions) -> ExitCode:
    """Run the stages, take everything down, report, and return the exit code.

    Raises:
        SctError: The run could not be done; everything is taken down by then.
    """
    environ = selection.run_environ(os.environ)
    places = paths.from_environment(environ)
    start = paths.current_folder()
    root = project.find_project(start)
    targets = project.resolve_targets(root, start, options.tests)
    project.require_no_paths(root, start, options.command, options.pytest_args)
    run_id = labels.new_run_id()
    state = _writable(places.run_state(run_id), "the state directory", "set SCT_STATE_DIR", private=True)
    for folder in _report_folders(options):
        _writable(folder, "the reports' folder", "name another")
    with ExitStack() as outer, Interrupts() as interrupts:
        with _beginning(state):
            journal = _begin(options, places, run_id, root)
        outer.callback(journal.close)
        threading.Thread(target=report_files.write_for_all_dead, args=(places, journal.path), daemon=True).start()
        outer.callback(runs.forget_old_runs, places)
        outer.callback(bytecode.drop_stale)
        try:
            with ExitStack() as stack:
                reading = ReadingAlong(state, tears_down=options.integration)
                run = Run(options, environ, places, run_id, root, targets, journal, interrupts, stack, reading)
                if not options.plan_only:
                    run = replace(run, display=stack.enter_context(tests.display_of(run)))
                    stack.enter_context(host_load.sampled(journal))
                for stage in STAGES if options.on is None else STAGES_ELSEWHERE:
                    interrupts.check()
                    run = stage(run)
            return _finish(run)
        except Done as done:
            journal.write("run-end", exit_code=done.code)
            if options.plan_only:
                # Nothing ran: it is neither the last run to `report` nor one of those that are kept.
                shutil.rmtree(state, ignore_errors=True)
            return done.code
        except SctError as exc:
            with suppress(OSError):  # the disk may be full; why the run has failed is what is to be told
                journal.write("run-end", exit_code=exc.exit_code, error=exc.to_record())
            report.write_what_there_is(state)
            raise
        except Exception as exc:
            with suppress(OSError):
                journal.write("run-end", exit_code=ExitCode.DEFECT, error={"what": repr(exc)})
            report.write_what_there_is(state)
            raise
