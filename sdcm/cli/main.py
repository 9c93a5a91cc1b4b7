"""The command `sct.py` (or `sct`): finds the subcommand, maps every ending to its exit code."""

import gc
import importlib
import io
import os
import re
import signal
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import click

from sdcm import bytecode, output_streams, paths
from sdcm.errors import FULL, SctError
from sdcm.exit_codes import ExitCode
from sdcm.near_names import near
from sdcm.program import as_typed

#: Subcommand -> module that holds it under its name with underscores; imported when it is called.
_COMMANDS = {
    "integration-tests": "sdcm.cli.integration_tests",
    "unit-tests": "sdcm.cli.unit_tests",
    "env": "sdcm.cli.env",
    "images": "sdcm.cli.images",
    "doctor": "sdcm.cli.doctor",
    "clean": "sdcm.cli.clean",
    "report": "sdcm.cli.report",
    "config": "sdcm.cli.config",
    "durations": "sdcm.cli.durations",
    "lint": "sdcm.cli.lint",
    "new-test": "sdcm.cli.new_test",
    "pre-commit": "sdcm.cli.pre_commit",
    "completion": "sdcm.cli.completion",
}
#: They ask for interrupts themselves, as soon as there is something to take down.
_RUNS = {"integration-tests", "unit-tests"}
#: Variable by which a shell asks for completions, whatever the program's file is called.
_COMPLETE = "_SCT_COMPLETE"
_SHORT_HELP = {
    "integration-tests": "Run the integration tests, with all they need brought up and taken down.",
    "unit-tests": "Run the unit tests, with nothing up.",
    "env": "Keep an environment up between runs.",
    "images": "List, build or pull the images.",
    "doctor": "Say what works here, and what mends what does not.",
    "clean": "Remove what dead runs have left.",
    "report": "Show how a run went.",
    "config": "Show what tests see in `params`, and why.",
    "durations": "Share how long tests take between machines.",
    "lint": "Check integration tests against the rules.",
    "new-test": "Write a test that keeps the rules and runs at once.",
    "pre-commit": "Run the project's pre-commit hooks on what has changed.",
    "completion": "Write the script that completes commands in your shell.",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when called; its help needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module and return the command."""
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = importlib.import_module(module).command
        if cmd_name not in _RUNS:
            _let_interrupts_raise()
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a mistyped one is answered with the nearest."""
        name = args[0]  # click empties the list before it raises
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as exc:
            raise click.UsageError(f"{exc.message}{_meant(name, _COMMANDS)}", ctx) from exc

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_SHORT_HELP.items()))


_HELP = """Run integration tests of distributed databases against real services.

`sct.py integration-tests` finds out what the chosen tests need, brings it up (Docker engine, images,
network, Kind cluster), runs pytest with xdist, reports, and takes everything down. It exits with 0 when all
passed, 1 when tests failed, 69 when a required service is missing, 75 when part of the environment failed.
`sct.py doctor` says what works on this machine, and what mends what does not.
"""


@click.group(
    cls=LazyGroup,
    help=as_typed(_HELP),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="sct-runner", prog_name="sct")
def sct() -> None:
    """Hold the commands."""


def entry() -> NoReturn:
    """Run the command line and exit with the run's exit code."""
    output_streams.fill()
    output_streams.keep_going()
    _show_all_text()
    with bytecode.kept_apart():
        code = _heard(_run())
    # The interpreter's end looks for garbage in all that is left: of a thousand tests that takes 20 ms.
    gc.freeze()
    sys.exit(int(code))


def _show_all_text() -> None:
    """Let output show what it cannot encode as an escape, as errors do: a test's failure may hold any text."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _run() -> int:
    code: int = ExitCode.DEFECT
    try:
        # Children run in other folders: they are to find the same places.
        os.environ.update(paths.made_absolute(os.environ))
        code = sct.main(standalone_mode=False, complete_var=_COMPLETE) or ExitCode.OK
    except click.exceptions.Exit as exc:
        code = exc.exit_code
    except click.exceptions.NoArgsIsHelpError as exc:
        exc.show()
        code = ExitCode.USAGE
    except click.ClickException as exc:
        click.echo(f"sct: {_one_line(exc)}", err=True)
        code = ExitCode.USAGE
    except click.Abort:
        code = ExitCode.INTERRUPTED
    except SctError as exc:
        if exc.evidence:
            click.echo(exc.evidence, err=True)
        click.echo(f"sct: {exc}", err=True)
        code = exc.exit_code
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except Exception as exc:  # noqa: BLE001 - the last stop: one line on screen, the traceback in a file
        code = _unexpected(exc)
    return code


def _unexpected(exc: Exception) -> ExitCode:
    """Tell of what nothing above has expected: a full disk may be met anywhere, all else is a defect."""
    if isinstance(exc, OSError) and exc.errno in FULL:
        where = f"{exc.filename}: " if exc.filename else ""
        click.echo(f"sct: a file cannot be written: {where}{exc.strerror} -- df -h; or set SCT_STATE_DIR", err=True)
        return ExitCode.ENVIRONMENT_FAILED
    what = f"sct: a defect of the runner itself, in {_where(exc)}: {type(exc).__name__}"
    click.echo(f"{what}; its traceback is in {_log_defect()}", err=True)
    return ExitCode.DEFECT


def _heard(code: int) -> int:
    """Return the exit code; where that would be success, what tells that part of our output was lost."""
    lost = output_streams.lost()
    if isinstance(lost, BrokenPipeError):
        # Whoever read our output has gone; there is nobody left to tell. 141 is what a shell says of it.
        return code or 128 + signal.SIGPIPE
    if lost is not None:
        click.echo(f"sct: standard output cannot be written: {lost.strerror or lost}", err=True)
        return code or ExitCode.ENVIRONMENT_FAILED
    return code


def _let_interrupts_raise() -> None:
    """Take back what `sct.py` has done to Ctrl-C for the time of imports; one that is ignored stays ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _one_line(exc: click.ClickException) -> str:
    context = getattr(exc, "ctx", None)
    if isinstance(exc, click.NoSuchOption) and context is not None and context.info_name in _RUNS:
        text = f"{' '.join(exc.format_message().split())} One of pytest's goes after `--`."
    else:
        text = " ".join(exc.format_message().split()) + _near_choice(exc)
    return f"{text} -- see `{context.command_path} --help`" if context is not None else text


def _near_choice(exc: click.ClickException) -> str:
    """Return "Did you mean ...?" for a value that is none of an option's few."""
    wrong = re.search(r"'([^']*)' is not one of (.*)", exc.format_message())
    if not isinstance(exc, click.BadParameter) or wrong is None:
        return ""
    return _meant(wrong[1], re.findall(r"'([^']*)'", wrong[2]))


def _meant(wrong: str, known: Iterable[str]) -> str:
    """Return " Did you mean ...?", to follow a sentence; empty when no name is near."""
    return "".join(f" Did you mean {name!r}?" for name in near(wrong, known, most=1))


def _where(exc: Exception) -> str:
    """Return the last place in this package that an exception came through."""
    package = Path(__file__).parents[1]
    frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if package in Path(frame.filename).parents]
    if not frames:
        return "no code of its own"
    return f"{frames[-1].name} ({Path(frames[-1].filename).relative_to(package.parent)})"


def _log_defect() -> Path:
    file = paths.from_environment().state / "defect.log"
    try:
        paths.make_private(file.parent)
        with file.open("a") as log:
            traceback.print_exc(file=log)
    except OSError:
        traceback.print_exc()
        return Path("/dev/stderr")
    return file
