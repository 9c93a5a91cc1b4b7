"""`sct.py report`."""

import json
from pathlib import Path

import click

from sdcm.exit_codes import ExitCode


@click.command("report")
@click.argument("run", required=False, default="")
@click.option("--junit-xml", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit here too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(run: str, junit_xml: Path | None, as_json: bool) -> int:
    """Show how a run went, from its journal: the last one, or the one with this id; one that was killed, too."""
    from sdcm import paths
    from sdcm.reporters.junit import write_junit
    from sdcm.reporters.summary import summary_lines, summary_record
    from sdcm.run import report_files

    places = paths.from_environment()
    state = report_files.find(places, run)
    report_files.write_for_all_dead(places)
    result = report_files.read(state)
    if junit_xml is not None:
        write_junit(result, junit_xml)
    folder = report_files.folder_of(state)
    if as_json:
        click.echo(json.dumps(summary_record(result, folder), indent=2))
    else:
        for line in summary_lines(result, folder):
            click.echo(line)
    return ExitCode.OK
