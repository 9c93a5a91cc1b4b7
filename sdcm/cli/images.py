"""`sct.py images`."""

import json
from dataclasses import asdict

import click

from sdcm.cli import completing
from sdcm.exit_codes import ExitCode


@click.group("images")
def command() -> None:
    """List, build or pull the images that tests run on."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_images(as_json: bool) -> int:
    """List the catalogue: what is here, and how the rest is got."""
    from sdcm.cli.engine_at_hand import engine_at_hand
    from sdcm.environment.catalogue import Catalogue
    from sdcm.environment.images import Images

    with engine_at_hand() as (engine, places):
        rows = Images(engine, Catalogue.load(), places).status()
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return ExitCode.OK
    for row in rows:
        click.echo(str(row))
    return ExitCode.OK


def _each(names: tuple[str, ...], method: str, setup: bool) -> int:
    from sdcm.cli.engine_at_hand import echo_step, engine_at_hand
    from sdcm.environment.catalogue import Catalogue
    from sdcm.environment.images import Images

    catalogue = Catalogue.load()
    wanted = [catalogue.entry(name).name for name in names] or list(catalogue.names())
    with engine_at_hand(allow_install=setup) as (engine, places):
        images = Images(engine, catalogue, places)
        for name in wanted:
            entry = catalogue.entry(name)
            if not names and not (entry.folder if method == "build" else entry.pull):
                continue
            image = getattr(images, method)(name, echo_step(name))
            click.echo(f"  {name:<16} {image.source}: {image.reference} ({image.seconds:.1f} s)")
    return ExitCode.OK


@command.command("build")
@click.argument("names", nargs=-1, shell_complete=completing.images)
@click.option("--setup", is_flag=True, help="May install what this machine lacks.")
def build(names: tuple[str, ...], setup: bool) -> int:
    """Build images (all that can be built, without names), after those they are built from."""
    return _each(names, "build", setup)


@command.command("pull")
@click.argument("names", nargs=-1, shell_complete=completing.images)
@click.option("--setup", is_flag=True, help="May install what this machine lacks.")
def pull(names: tuple[str, ...], setup: bool) -> int:
    """Pull images (all that can be pulled, without names)."""
    return _each(names, "pull", setup)
