"""The collect-only pass: which tests are chosen, and what each needs."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sdcm import journal, process, process_status
from sdcm.broker.protocol import (
    BROKER_VARIABLE,
    GO_ON_VARIABLE,
    LEAKS_VARIABLE,
    PLAIN_VARIABLE,
    RUN_VARIABLE,
    RUNNER_PIPE_VARIABLE,
    SERVICES_VARIABLE,
)
from sdcm.errors import SctError, UsageProblem
from sdcm.exit_codes import ExitCode
from sdcm.ownership.strays import CURRENT_TEST
from sdcm.program import as_typed
from sdcm.run.options import RunOptions
from sdcm.run.project import near_text
from sdcm.run.pytest_options import REMEMBERING
from sdcm.services import selected, verdicts
from sdcm.services.selected import SelectedTest

#: File in a run's state directory with the chosen tests.
SELECTION_FILE = "selection.json"
#: Seconds that collecting may take; ten thousand tests take about twenty.
_DEADLINE = 600.0
#: Files on a command line; more go by their folders.
_FILES_AT_MOST = 500
_COLLECT = (sys.executable, "-m", "pytest", "--collect-only", "-q")
#: To collect is no run to remember, unless what is chosen depends on an earlier one.
_FORGETFUL = ("-p", "no:cacheprovider")
#: What a run tells its own processes.
_OF_A_RUN = (
    RUN_VARIABLE,
    BROKER_VARIABLE,
    SERVICES_VARIABLE,
    GO_ON_VARIABLE,
    PLAIN_VARIABLE,
    LEAKS_VARIABLE,
    CURRENT_TEST,
    selected.ENVIRONMENT_VARIABLE,
    selected.SHARE_VARIABLE,
    selected.SUITE_VARIABLE,
    verdicts.VARIABLE,
    journal.ENVIRONMENT_VARIABLE,
)
#: A test that breaks a rule: `file:line: I01 ...`.
_BREACH = re.compile(r"^ERROR: (\S+:\d+: I\d\d .*)$", re.MULTILINE)
#: What pytest says of a conftest.py that raises: the file, then, as of any failure, where and what.
_CONFTEST = re.compile(r"^ImportError while loading conftest '(?P<file>[^']+)'", re.MULTILINE)
_PLACE = re.compile(
    r"^(?P<place>(?!\.\./)[^/\s]\S*:\d+): in |^E +File \"(?P<file>.+)\", line (?P<line>\d+)$", re.MULTILINE
)
#: What places of others' code below the project have in them.
_OTHERS = ("site-packages/", ".venv/", "venv/")
_RAISED = re.compile(r"^E {3}(?P<error>\S.*)$", re.MULTILINE)
_NOT_FOUND = re.compile(r"^ERROR: not found: (?P<path>.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Selection:
    """The chosen tests.

    Attributes:
        tests: In pytest's order.
        seconds: What collecting took.
        shared: How many tests all machines of a sharded run have together; 0 without shards.
    """

    tests: tuple[SelectedTest, ...]
    seconds: float
    shared: int = 0


class CollectionFailed(SctError):
    """pytest cannot collect; its own words are the evidence."""

    exit_code = ExitCode.PYTEST_INTERRUPTED


def selection_arguments(options: RunOptions, targets: tuple[str, ...]) -> list[str]:
    """Return the pytest arguments that choose tests, the same for collecting and for running."""
    arguments = ["--strict-markers", "-m", options.marker_expression]
    if options.keyword:
        arguments += ["-k", options.keyword]
    return [*arguments, *options.pytest_args, *targets]


def files_of(tests: Iterable[SelectedTest], targets: tuple[str, ...], project: Path) -> tuple[str, ...]:
    """Return what to hand to the running pytest: the files of the chosen tests alone.

    Each worker collects for itself; importing every file of the project in each only to deselect its
    tests was measured at 16 s of processor time for four workers.

    Args:
        tests: The chosen tests.
        targets: What the user's choice resolved to; kept where it names single tests, or files that are gone.
        project: Folder that pytest runs in.
    """
    files = tuple(dict.fromkeys(test.file for test in tests))
    if any("::" in target for target in targets) or not all((project / file).is_file() for file in files):
        return targets
    return files if 0 < len(files) <= _FILES_AT_MOST else targets


def collect(
    options: RunOptions,
    project: Path,
    targets: tuple[str, ...],
    file: Path,
    environ: Mapping[str, str],
    collecting: Callable[[float], process.Completed] | None = None,
) -> Selection:
    """Collect with the run's own arguments and read what the plugin wrote.

    Args:
        options: The run's options.
        project: Folder to run in.
        targets: Files, folders and node ids.
        file: Where the selection is written; workers and the scheduler read it too.
        environ: Environment of the run.
        collecting: Waits, for so many seconds, for a pytest that collects already (`sdcm.run.one_pytest`), and returns
            how it ended, or that it has written the selection; a pytest is run for that when omitted.

    Raises:
        UsageProblem: A node id, expression or argument is wrong.
        CollectionFailed: A test file cannot be imported.
    """
    started = time.monotonic()
    done = collecting(_DEADLINE) if collecting else _collect_only(options, project, targets, file, environ)
    if done.exit_status == ExitCode.PYTEST_USAGE_ERROR:
        raise _usage_problem(done, project, environ)
    if done.exit_status not in {ExitCode.OK, ExitCode.NOTHING_SELECTED} or not file.exists():
        said = f"{done.stdout}\n{done.stderr}".strip()
        hint = ", as by sys.exit in a conftest.py" if done.exit_status >= 0 else ""
        why = "" if said else f"it {process_status.ended(done.exit_status)} and said nothing{hint}"
        raise CollectionFailed("pytest cannot collect the tests", why=why, evidence=said)
    return Selection(selected.read(file), time.monotonic() - started)


def _collect_only(
    options: RunOptions, project: Path, targets: tuple[str, ...], file: Path, environ: Mapping[str, str]
) -> process.Completed:
    env = {**environ, selected.ENVIRONMENT_VARIABLE: str(file), selected.SUITE_VARIABLE: options.suite}
    remembers = any(word.startswith(REMEMBERING) for word in options.pytest_args)
    argv = [*_COLLECT, *(() if remembers else _FORGETFUL), "--no-header", *selection_arguments(options, targets)]
    return _run_pytest(argv, project, env)


def nothing_selected(options: RunOptions) -> str:
    """Return what to tell of a selection without tests; tests of the other command may be what was named."""
    if not options.tests:
        return "no test is selected"
    marked, other = ("not ", "unit-tests") if options.integration else ("", "integration-tests")
    return as_typed(f"no test is selected: where tests are {marked}marked integration, `sct.py {other}` runs them")


def raise_for_mistake(options: RunOptions, project: Path, targets: tuple[str, ...], environ: Mapping[str, str]) -> None:
    """Ask why a run without a collect pass had no tests: xdist's controller does not tell of a test that is not there.

    Args:
        options: The run's options.
        project: Folder to run in.
        targets: Files, folders and node ids.
        environ: Environment of the run.

    Raises:
        UsageProblem: A node id or an expression is wrong.
    """
    # What stands behind `--` pytest has answered itself.
    ours = selection_arguments(replace(options, pytest_args=()), targets)
    argv = [*_COLLECT, *_FORGETFUL, "--no-header", *ours]
    done = _run_pytest(argv, project, {**environ, selected.SUITE_VARIABLE: options.suite})
    if done.exit_status == ExitCode.PYTEST_USAGE_ERROR:
        raise _usage_problem(done, project, environ)


def _run_pytest(argv: Sequence[str], project: Path, environ: Mapping[str, str]) -> process.Completed:
    """Run a collecting pytest that ends with this process, even when this one is killed."""
    read_end, write_end = os.pipe()
    try:
        env = {**environ, RUNNER_PIPE_VARIABLE: str(read_end)}
        return process.run(argv, timeout=_DEADLINE, cwd=project, env=env, check=False, pass_fds=[read_end])
    finally:
        os.close(read_end)
        os.close(write_end)


def _shown(path: str, project: Path) -> str:
    """Return a path as a user of the project calls it."""
    return str(Path(path).relative_to(project)) if Path(path).is_relative_to(project) else path


def _conftest_problem(file: str, told: str, project: Path) -> UsageProblem:
    """Return why a conftest.py cannot be imported: the error, and the project's last line that it went through."""
    raised = _RAISED.search(told)
    before = _PLACE.finditer(told[: raised.start()]) if raised else ()
    places = [each["place"] or f"{_shown(each['file'], project)}:{each['line']}" for each in before]
    ours = [place for place in places if not any(part in place for part in _OTHERS)]
    why = ": ".join([*ours[-1:], raised["error"]]) if raised else ""
    return UsageProblem(f"{_shown(file, project)} cannot be imported", why=why)


def _usage_problem(done: process.Completed, project: Path, environ: Mapping[str, str]) -> UsageProblem:
    text = f"{done.stdout}\n{done.stderr}"
    missing = _NOT_FOUND.search(text)
    if breaches := _BREACH.findall(text):
        more = f" (and {len(breaches) - 1} more, above)" if len(breaches) > 1 else ""
        return UsageProblem(f"{breaches[0]}{more}", evidence="\n".join(breaches) if more else "")
    if loading := _CONFTEST.search(text):
        return _conftest_problem(loading["file"], text[loading.end() :], project)
    if missing is None:
        lines = [line.removeprefix("ERROR: ") for line in text.splitlines() if "error" in line.lower()]
        return UsageProblem(lines[0] if lines else "pytest does not accept its arguments", why=" ".join(lines[1:2]))
    wrong = _shown(missing["path"].strip(), project)
    file = wrong.partition("::")[0]
    return UsageProblem(f"no test {wrong}", why=near_text(wrong, _node_ids(file, project, environ)))


def _node_ids(file: str, project: Path, environ: Mapping[str, str]) -> list[str]:
    """Return the node ids in a file, for a suggestion; none when it cannot be collected."""
    argv = [*_COLLECT, file]
    quiet = {name: value for name, value in environ.items() if name != selected.ENVIRONMENT_VARIABLE}
    done = _run_pytest(argv, project, quiet)
    ids = [line for line in done.stdout.splitlines() if "::" in line]
    return ids + [re.sub(r"\[.*\]$", "", line) for line in ids if line.endswith("]")]


def run_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for pytest that nothing of an outer run shines into."""
    outer = {*_OF_A_RUN, *(name for name in environ if name.startswith("PYTEST_XDIST"))}
    return {name: value for name, value in environ.items() if name not in outer}
