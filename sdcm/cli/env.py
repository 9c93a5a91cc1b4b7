"""`sct.py env`: an environment that stays up between runs."""

import json
import time
from datetime import datetime
from pathlib import Path

import click

from sdcm.cli.run_options import db_option, keep_for_option
from sdcm.errors import EnvironmentFailed, SctError
from sdcm.exit_codes import ExitCode
from sdcm.services.table import BROUGHT_UP

#: Seconds for a kept environment to tear itself down.
_DOWN_DEADLINE = 180.0


@click.group("env")
def command() -> None:
    """Keep an environment (engine, network, images, Kind cluster) up between runs."""


@command.command("up")
@click.option(
    "--service",
    "services",
    multiple=True,
    type=click.Choice(BROUGHT_UP),
    help="What to bring up; repeatable. Default: docker and kubernetes.",
)
@click.option("--setup", is_flag=True, help="May install what this machine lacks.")
@db_option
@keep_for_option("How long it stays; then it ends by itself.")
def up(services: tuple[str, ...], setup: bool, db: str, keep_for: float) -> int:
    """Bring an environment up and leave it; later runs and plain pytest use it."""
    from sdcm.run.environment_up import environment_up

    environ = environment_up(services or BROUGHT_UP, setup=setup, db=db, keep_for=keep_for * 3600)
    for name, value in environ.items():
        click.echo(f"export {name}={value}")
    return ExitCode.OK


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(as_json: bool) -> int:
    """Show runs under way and kept environments: services, leases, until when they stay."""
    from sdcm import paths
    from sdcm.broker import runs
    from sdcm.broker.client import BrokerClient

    rows: list[dict[str, object]] = []
    for run in runs.live_runs(paths.from_environment()):
        if run.environment:
            rows.append({"run": run.run_id, "kept_until": None, "environment": run.environment})
            continue
        try:
            with BrokerClient(run.socket, "status", deadline=1.0) as client:
                rows.append({"kept_until": run.keep_until if run.kept else None, **client.ask("status")})
        except SctError as exc:
            rows.append({"run": run.run_id, "error": str(exc)})
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo("nothing is up")
    else:
        for row in rows:
            _show(row)
    return ExitCode.OK


def _show(row: dict[str, object]) -> None:
    until = row.get("kept_until")
    kept = f"kept until {datetime.fromtimestamp(float(str(until))):%H:%M}" if until else "under way"
    within = f", in the environment {row['environment']}" if "environment" in row else ""
    click.echo(f"run {row['run']} ({kept}{within})" + (f": {row['error']}" if "error" in row else ""))
    services, environ, leases = row.get("services"), row.get("environ"), row.get("leases")
    for label, state in services.items() if isinstance(services, dict) else ():
        click.echo(f"  {label:<11} {state}")
    for lease in leases if isinstance(leases, list) else ():
        kept_of = "kept     " if lease.get("kept") else "leased   "
        click.echo(f"  {kept_of}   {lease['what']} {'of' if lease.get('kept') else 'to'} {lease['test']}")
    for name, value in environ.items() if isinstance(environ, dict) else ():
        click.echo(f"  export {name}={value}")


@command.command("down")
def down() -> int:
    """Take kept environments down; runs under way are left alone."""
    from sdcm import paths
    from sdcm.broker import runs
    from sdcm.broker.client import BrokerClient

    places = paths.from_environment()
    environments = [run for run in runs.live_runs(places) if run.kept]
    failed = False
    if not environments:
        click.echo("no environment is kept")
    for run in environments:
        try:
            with BrokerClient(run.socket, "env down", deadline=5.0) as client:
                client.ask("stop")
            _await_end(places.run_runtime(run.run_id), run.run_id)
        except SctError as exc:
            failed = True
            click.echo(f"sct: environment {run.run_id}: {exc}", err=True)
        else:
            click.echo(f"environment {run.run_id} is down")
    return ExitCode.ENVIRONMENT_FAILED if failed else ExitCode.OK


def _await_end(runtime: Path, run_id: str) -> None:
    """Wait until the runtime directory, the last thing to go, is gone."""
    end = time.monotonic() + _DOWN_DEADLINE
    while runtime.exists():
        if time.monotonic() > end:
            raise EnvironmentFailed(
                f"environment {run_id} is not down after {_DOWN_DEADLINE:g} s", mend="type `sct.py clean`"
            )
        time.sleep(0.1)


@command.command("enter")
@click.argument("what", metavar="ID")
@click.option("--cqlsh", is_flag=True, help="Open cqlsh instead of a shell, logged in.")
@click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="[-- PROGRAM ARGS...]")
def enter(what: str, cqlsh: bool, program: tuple[str, ...]) -> int:
    """Open a shell in what is leased or kept: a node's container, or a namespace with kubectl at hand.

    ID is a name that `env status` shows, or its end (`scylla-1`). A program is run there instead: in the container,
    or by kubectl in the namespace (`env enter ID -- get pods`); with --cqlsh these are arguments of cqlsh. Exits with
    its status.
    """
    from sdcm.run.entering import enter_leased

    return enter_leased(what, program, cqlsh=cqlsh)
