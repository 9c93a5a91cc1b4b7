"""`sct.py report`."""

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from sdcm.cli import completing, report_merge
from sdcm.errors import UsageProblem
from sdcm.exit_codes import ExitCode

if TYPE_CHECKING:
    from sdcm.reporters.outcome import RunResult

#: What of a comparison may fail a job; as in `sdcm.reporters.comparison`, which is not loaded for this.
COMPARED = ("newly-failing", "slower", "newly-skipped", "gone")
#: Formats, and the file suffix that stands for each.
_FORMATS = {"text": ".txt", "html": ".html", "markdown": ".md", "junit": ".xml", "json": ".json"}


class _WithMerge(click.Command):
    """The command, whose first word may be the name of another instead of a run's id."""

    subcommands: ClassVar[dict[str, click.Command]] = {"merge": report_merge.command}

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the arguments for the command that they name."""
        other = self.subcommands.get(args[0]) if args else None
        if other is not None:
            return other.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments were parsed for."""
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)


@click.command("report", cls=_WithMerge)
@click.argument("run", required=False, default="", shell_complete=completing.runs)
@click.option(
    "--from",
    "from_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read this journal instead of a run of this machine; the HTML page is written beside it.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(_FORMATS)),
    help="What to make; default: by the suffix of --output, else text.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to; default: standard output, HTML to the run's reports.",
)
@click.option(
    "--compare",
    type=(str, str),
    metavar="A B",
    shell_complete=completing.runs,
    help="What changed from run A to run B: ids, or journals.",
)
@click.option(
    "--fail-on",
    type=click.Choice([*COMPARED, "nothing"]),
    multiple=True,
    default=("newly-failing",),
    show_default=True,
    help="With --compare, repeatable: end with exit code 1 when there are such tests.",
)
@click.option("--open", "opens", is_flag=True, help="Show the HTML page in the browser.")
@click.option("--junit-xml", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit here too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, the same as --format json.")
def command(
    run: str,
    from_file: Path | None,
    kind: str | None,
    output: Path | None,
    compare: tuple[str, str] | None,
    fail_on: tuple[str, ...],
    opens: bool,
    junit_xml: Path | None,
    as_json: bool,
) -> int:
    """Show how a run went, from its journal: the project's last one, or the one with this id; one that was killed, too.

    `report merge` makes one run of the shards of many machines.
    """
    from sdcm.reporters import html
    from sdcm.reporters.junit import write_junit
    from sdcm.run import report_files
    from sdcm.run.report import say

    kind = "json" if as_json else kind or _by_suffix(output)
    if compare:
        told, kinds = _compared(compare, kind)
        _put(told, output)
        return ExitCode.TESTS_FAILED if kinds & set(fail_on) else ExitCode.OK
    journal = report_files.given(from_file) if from_file else _journal_of(run)
    result = report_files.read_journal(journal)
    folder = journal.parent if from_file else report_files.folder_of(journal.parent)
    if junit_xml is not None:
        write_junit(result, junit_xml)
    page = output if kind == "html" and output else folder / html.FILE_NAME
    if kind == "html" or opens or (from_file and kind == "text"):
        _write_page(result, journal, page)
    if kind == "html":
        click.echo(page)
    elif kind == "text" and output is None:
        for line in _told(result, kind, folder).splitlines():
            say(line)
    else:
        _put(_told(result, kind, folder), output)
    if opens and not _show_in_browser(page):
        click.echo(f"no browser with windows here: open {page.absolute().as_uri()}")
    return ExitCode.OK


def _show_in_browser(page: Path) -> bool:
    """Return whether a browser shows the page.

    Where there is no screen (a server, a container), Python would take a browser of the terminal, which runs no script.
    """
    import os
    import sys
    import webbrowser

    has_screen = sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))
    return has_screen and webbrowser.open(page.absolute().as_uri())


def _by_suffix(output: Path | None) -> str:
    if output is None:
        return "text"
    return next((kind for kind, suffix in _FORMATS.items() if suffix == output.suffix), "text")


def _journal_of(run: str) -> Path:
    """Return the journal of a run of this machine, after the reports of killed runs are written."""
    from sdcm import journal, paths
    from sdcm.run import report_files
    from sdcm.run.project import find_project

    places = paths.from_environment()
    project = None
    with suppress(UsageProblem):
        project = find_project(paths.current_folder())
    state = report_files.find(places, run, project)
    report_files.write_for_all_dead(places)
    return state / journal.FILE_NAME


def _told(result: "RunResult", kind: str, folder: Path) -> str:
    """Return a report as text that ends with a line's end."""
    if kind == "markdown":
        from sdcm.reporters.markdown import to_markdown

        return to_markdown(result)
    if kind == "junit":
        from xml.etree import ElementTree as ET

        from sdcm.reporters.junit import to_junit

        return ET.tostring(to_junit(result), encoding="unicode") + "\n"
    from sdcm.reporters.summary import summary_lines, summary_record

    if kind == "json":
        return json.dumps(summary_record(result, folder), indent=2) + "\n"
    return "".join(f"{line}\n" for line in summary_lines(result, folder))


def _compared(compare: tuple[str, str], kind: str) -> tuple[str, set[str]]:
    """Return the comparison as text, and which kinds of change it holds."""
    from sdcm.reporters.comparison import compare as compared
    from sdcm.reporters.comparison import comparison_lines
    from sdcm.run import report_files

    if kind not in {"text", "json"}:
        raise UsageProblem(f"two runs cannot be compared as {kind}", mend="use --format text or json")
    runs = [report_files.given(Path(name)) if Path(name).is_file() else _journal_of(name) for name in compare]
    comparison = compared(*(report_files.read_journal(journal) for journal in runs))
    if kind == "json":
        return json.dumps(comparison.to_record(), indent=2) + "\n", comparison.kinds()
    return "".join(f"{line}\n" for line in comparison_lines(comparison)), comparison.kinds()


def _write_page(result: "RunResult", journal: Path, page: Path) -> None:
    from sdcm.run import report_files

    try:
        report_files.write_page(result, journal, page)
    except OSError as exc:
        raise UsageProblem(
            f"{page} cannot be written", why=exc.strerror or str(exc), mend="name another --output"
        ) from exc


def _put(told: str, output: Path | None) -> None:
    if output is None:
        click.echo(told, nl=False)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(told, errors="backslashreplace")
    except OSError as exc:
        raise UsageProblem(f"{output} cannot be written", why=exc.strerror or str(exc), mend="name another") from exc
