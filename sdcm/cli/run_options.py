"""The options that `unit-tests` and `integration-tests` share."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from sdcm.cli import completing
from sdcm.run.pytest_options import DEBUGGERS, DISTRIBUTING

F = TypeVar("F", bound=Callable[..., Any])
#: A year; times beyond what a clock holds would overflow.
_LONGEST_HOURS = 365 * 24
#: A week; as in `sdcm.pytest_plugin.deadlines`, which is not loaded for this.
_LONGEST_SECONDS = 7 * 24 * 3600


class FiniteRange(click.FloatRange):
    """A number of a range; click lets NaN through, which is neither below nor above any."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return number


class Workers(click.ParamType):  # type: ignore[type-arg] # generic only in the stubs
    """A number of xdist workers: 0 or more, or `auto`."""

    name = "N|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the number, None for `auto`."""
        if value is None or value == "auto":
            return None
        try:
            number = int(value)
        except (TypeError, ValueError):
            number = -1
        if number < 0:
            self.fail(f"{value!r} is not a number of workers: 0 or more, or auto", param, ctx)
        return number


def _shard(_ctx: click.Context, _param: click.Parameter, value: str | None) -> Any:
    if value is None:
        return None
    from sdcm.scheduling.shards import parse

    return parse(value)


_SHARED = [
    click.option(
        "-t",
        "--test",
        "tests",
        multiple=True,
        metavar="PATH",
        shell_complete=completing.test_files,
        help="File, folder or node id, relative to unit_tests/ (or tests/) or the current folder; repeatable.",
    ),
    click.option("-k", "keyword", metavar="EXPR", default="", help="Only tests whose names match (as in pytest)."),
    click.option("-m", "marks", metavar="EXPR", default="", help="Only tests whose markers match (as in pytest)."),
    click.option(
        "--junit-xml", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit here too; set-up is a suite."
    ),
    click.option(
        "--report-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder for reports (see the last line).",
    ),
    click.option(
        "--repeat",
        type=click.IntRange(min=1),
        default=1,
        metavar="N",
        help="Run the selection N times, and name the tests whose outcome changes.",
    ),
    click.option(
        "--shard",
        metavar="I/N",
        callback=_shard,
        help="Run this machine's share, 1/N to N/N: the same split everywhere, given the same tests and durations.",
    ),
    click.option(
        "--test-timeout",
        type=FiniteRange(0, _LONGEST_SECONDS),
        metavar="SECONDS",
        show_default="600",
        help="Deadline of a test's body, where its `timeout` marker gives none; 0: none.",
    ),
    click.option("--plan", "plan_only", is_flag=True, help="Print what would run and be set up, and exit."),
    click.option("--json", "as_json", is_flag=True, help="With --plan: as JSON."),
    click.option("-q", "--quiet", count=True, help="Less output."),
    click.option("-v", "--verbose", count=True, help="More output."),
    click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED, metavar="[-- PYTEST_ARGS...]"),
]


#: Which database nodes are made of.
db_option = click.option(
    "--db",
    type=click.Choice(["auto", "scylla", "cassandra"]),
    default="auto",
    show_default=True,
    help="Node flavour; auto: Scylla where its image is to be had, else Cassandra.",
)


def keep_for_option(meaning: str) -> Callable[[F], F]:
    """Return the option for how many hours something stays up.

    Args:
        meaning: Its help.
    """
    return click.option(
        "--keep-for",
        type=FiniteRange(0.01, _LONGEST_HOURS),
        default=4.0,
        show_default=True,
        metavar="HOURS",
        help=meaning,
    )


def shared_options(workers: str) -> Callable[[F], F]:
    """Add the shared options to a command.

    Args:
        workers: The default number of workers.
    """
    number = click.option(
        "-n",
        "--workers",
        type=Workers(),
        default=workers,
        show_default=True,
        help="xdist workers, never more than there is work for; 0 runs in one process.",
    )

    def add(function: F) -> F:
        for option in reversed((_SHARED[0], number, *_SHARED[1:])):
            function = option(function)
        return function

    return add


def workers_for(workers: int | None, pytest_args: Sequence[str], *, asked: bool, elsewhere: bool) -> int | None:
    """Return the number of workers: none where pytest is to open a debugger, which no worker can.

    Args:
        workers: The number so far; None lets the runner choose.
        pytest_args: pytest's own arguments.
        asked: The number was asked for.
        elsewhere: The tests run in pods.

    Raises:
        click.UsageError: A debugger was asked for together with workers, or with pods.
    """
    debugger = next((word for word in pytest_args if word in DEBUGGERS), "")
    if not debugger:
        return workers
    distributing = next((word for word in pytest_args if word.startswith(DISTRIBUTING)), "")
    if elsewhere or distributing or (asked and workers):
        against = "--on" if elsewhere else distributing or f"-n {workers}"
        raise click.UsageError(f"{debugger} needs the one process that has the terminal: leave {against} out")
    return 0
