"""`sct.py unit-tests`."""

from typing import Any

import click

from sdcm.cli.on_options import on_options, taken
from sdcm.cli.run_options import shared_options, workers_for


@click.command("unit-tests")
@shared_options(workers="auto")
@on_options
@click.option("--kubeconfig", default="", metavar="PATH", help="With --on: the cluster, instead of KUBECONFIG's.")
def command(quiet: int, verbose: int, **options: Any) -> int:
    """Run the tests that need no service: everything without the marker `integration`.

    Nothing is brought up and no engine is looked for, unless --on has them run elsewhere.
    """
    from sdcm.run.options import RunOptions
    from sdcm.run.pipeline import execute

    args, elsewhere = options["pytest_args"], bool(options["on"])
    options["workers"] = workers_for(options["workers"], args, asked=True, elsewhere=elsewhere)
    return execute(RunOptions("unit-tests", verbosity=verbose - quiet, **taken(options)))
