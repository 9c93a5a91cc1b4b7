"""`sct.py clean`."""

import json
import os
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sdcm.exit_codes import ExitCode
from sdcm.program import as_typed

if TYPE_CHECKING:
    from sdcm.cloud.sweep import Found
    from sdcm.environment.images_here import Removed
    from sdcm.ownership.docker_endpoint import Endpoint
    from sdcm.paths import Paths
    from sdcm.run.cleaning import Candidate

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Duration(click.ParamType):  # type: ignore[type-arg] # generic only in the stubs
    """A time span: a number and `s`, `m`, `h` or `d`."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", str(value))
        if found is None:
            self.fail(f"{value!r} is no duration: write 90m, 2h or 1d", param, ctx)
        return float(found[1]) * _SECONDS[found[2]]


@click.command("clean")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and why, and remove nothing.")
@click.option(
    "--older-than",
    type=Duration(),
    metavar="DURATION",
    help="Also what runs of other hosts or containers left that have shown no life for so long (90m, 2h, 1d).",
)
@click.option(
    "--cloud",
    "clouds",
    type=click.Choice(["aws", "gce", "azure"]),
    multiple=True,
    help="Also what runs of any machine have tagged as theirs in this cloud longer ago than --older-than (default 1d).",
)
@click.option("--images", "with_images", is_flag=True, help="Also the images that were made here; never the user's.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(dry_run: bool, older_than: float | None, clouds: tuple[str, ...], with_images: bool, as_json: bool) -> int:
    """Remove what dead runs have left; runs under way and kept environments are not touched."""
    from sdcm import paths
    from sdcm.environment.engine import stop_if_unused
    from sdcm.run import cleaning

    places = paths.from_environment()
    found = cleaning.look(places, _engine_that_answers(places), older_than)
    candidates = found.candidates()
    if not as_json:
        _show(candidates, found.spared)
    left = [] if dry_run else found.remove(places)
    tagged = _in_clouds(clouds, places, older_than or _SECONDS["d"])
    left += [] if dry_run else [leftover for each in tagged if (leftover := each.remove()) is not None]
    images = _images(dry_run=dry_run) if with_images else None
    if not dry_run:
        stop_if_unused(places)
    if as_json:
        report = {
            "dry_run": dry_run,
            "found": [asdict(candidate) for candidate in candidates],
            "spared_runs": found.spared,
            "clouds": [{"kind": each.entry.kind, "name": each.entry.name, "run": each.owner.run_id} for each in tagged],
            "left": [asdict(leftover) for leftover in left],
            "images": None if images is None else {"removed": list(images.names), "kept": dict(images.kept)},
        }
        click.echo(json.dumps(report, indent=2))
    else:
        for each in tagged:
            click.echo(f"{each.entry.kind:<20} {each.entry.name:<40} run {each.owner.run_id} of {each.owner.host}")
        if images is not None:
            _show_images(images, dry_run=dry_run)
        for leftover in left:
            click.echo(f"left over: {leftover}", err=True)
    return ExitCode.ENVIRONMENT_FAILED if left else ExitCode.OK


def _in_clouds(labels: tuple[str, ...], places: "Paths", older_than: float) -> "list[Found]":
    """Return what runs have left in clouds; a cloud that cannot be used is an error.

    Raises:
        ServiceUnavailable: Its credentials are missing or do not work.
    """
    if not labels:
        return []
    from sdcm.broker import runs
    from sdcm.cloud import sweep
    from sdcm.cloud.probes import probe

    for verdict in probe(labels).values():
        verdict.require()
    spared = frozenset(run.run_id for run in runs.live_runs(places))
    return [each for label in labels for each in sweep.find(label, older_than=older_than, spared=spared)]


def _engine_that_answers(places: "Paths") -> "Endpoint | None":
    """Return the engine that a run would use, if it is up: nothing is started to look for leftovers."""
    from sdcm.environment.engine import find_engine
    from sdcm.errors import SctError

    try:
        choice = find_engine(os.environ, places, allow_install=False)
    except SctError:
        return None
    return choice.endpoint if choice.kind in {"user", "private-up"} else None


def _show(candidates: "list[Candidate]", spared: int) -> None:
    from sdcm.run.cleaning import age_text

    if not candidates:
        click.echo("nothing is left of dead runs")
    for each in candidates:
        age = "" if each.age is None else age_text(each.age)
        click.echo(f"{each.kind:<13} {each.name:<40} {age:>7}  run {each.run}, {each.owner}: {each.why}")
    if spared:
        click.echo(
            as_typed(
                f"{spared} runs of other hosts or containers are left alone; `sct.py clean --older-than 1d` removes"
                " those that have shown no life for a day"
            )
        )


def _images(*, dry_run: bool) -> "Removed":
    from sdcm.cli.engine_at_hand import engine_at_hand
    from sdcm.environment.catalogue import Catalogue
    from sdcm.environment.images import Images, Removed

    with engine_at_hand() as (engine, places):
        images = Images(engine, Catalogue.load(), places)
        return Removed(tuple(images.ours()), {}, 0) if dry_run else images.remove_ours()


def _show_images(images: "Removed", *, dry_run: bool) -> None:
    for name in images.names:
        click.echo(f"{'image':<13} {name}")
    for name, why in images.kept.items():
        click.echo(f"image {name} stays: {why}", err=True)
    if not dry_run:
        click.echo(f"{len(images.names)} images removed, {images.freed / 2**30:.1f} GiB")
