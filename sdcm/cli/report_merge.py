"""`sct.py report merge`."""

import os
from pathlib import Path

import click

from sdcm.cli.on_options import SHARDS


@click.command("merge")
@click.argument("folders", nargs=-1, required=True, metavar="DIR...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default="merged",
    show_default=True,
    help="Folder of the merged reports.",
)
@click.option(
    "--shards",
    "count",
    type=SHARDS,
    metavar="N",
    help="How many shards there should be; default: as many as those found say.",
)
@click.option("--junit-xml", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit here too.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(folders: tuple[Path, ...], output: Path, count: int | None, junit_xml: Path | None, as_json: bool) -> int:
    """Merge what the shards of a run have left into one run's reports, and end with the whole run's exit code.

    Every `journal.jsonl` below the folders is a shard's. Of a shard that ran twice the last complete run counts; one
    that is missing, or was killed, is named (75), and its tests are reported as not run. How long the tests took is
    added to what SCT_DURATIONS names, and written beside the reports.
    """
    from sdcm.run import report
    from sdcm.run.merged_run import find_attempts, merge_into

    merged = merge_into(output, find_attempts(folders, output), count=count or 0, junit_xml=junit_xml)
    if as_json:
        click.echo((output / "summary.json").read_text())
    else:
        report.tell_github(merged.result, Path.cwd(), os.environ)
        for line in merged.lines:
            click.echo(line)
    return merged.exit_code
