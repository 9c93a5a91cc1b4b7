"""`sct.py clean`."""

import time

import click

from sdcm.exit_codes import ExitCode


@click.command("clean")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--images", "with_images", is_flag=True, help="Remove our images and what they were built from, too.")
def command(dry_run: bool, with_images: bool) -> int:
    """Remove what dead runs have left; runs under way and kept environments are not touched."""
    from sdcm import paths
    from sdcm.broker import runs
    from sdcm.environment.engine import stop_if_unused
    from sdcm.run import teardown

    places = paths.from_environment()
    left = 0
    for state in runs.dead_runs(places):
        click.echo(f"run {state.run_id}: {len(state.entries)} resources of a dead owner (pid {state.owner.pid})")
        for entry in state.entries:
            click.echo(f"  {entry.kind:<13} {entry.name}")
        if not dry_run:
            started = time.monotonic()
            leftovers = teardown.tear_down_dead(state.run_id, places)
            left += len(leftovers)
            for leftover in leftovers:
                click.echo(f"  left over: {leftover}", err=True)
            click.echo(f"  removed in {time.monotonic() - started:.1f} s")
    if with_images:
        _remove_images(dry_run=dry_run)
    if not dry_run:
        stop_if_unused(places)
    return ExitCode.ENVIRONMENT_FAILED if left else ExitCode.OK


def _remove_images(*, dry_run: bool) -> None:
    from sdcm.cli.engine_at_hand import engine_at_hand
    from sdcm.environment.catalogue import Catalogue
    from sdcm.environment.images import Images

    with engine_at_hand() as (engine, places):
        images = Images(engine, Catalogue.load(), places)
        for row in images.status():
            if row.state != "absent":
                click.echo(f"image {row.reference}")
        if not dry_run:
            images.remove_ours()
