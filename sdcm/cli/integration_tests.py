"""`sct.py integration-tests`."""

from typing import Any

import click
from click.core import ParameterSource

from sdcm.cli import completing
from sdcm.cli.on_options import on_options, taken
from sdcm.cli.run_options import db_option, keep_for_option, shared_options, workers_for
from sdcm.program import as_typed


def _known_services(_ctx: click.Context, _param: click.Parameter, labels: tuple[str, ...]) -> tuple[str, ...]:
    from sdcm.services.table import service

    return tuple(service(label).label for label in labels)


_EXAMPLES = """\b
sct.py integration-tests                                         everything
sct.py integration-tests -t integration/test_cql.py              one file
sct.py integration-tests -t integration/test_cql.py::test_cql_query -n 0 -- -s --pdb
"""


@click.command("integration-tests", epilog=as_typed(_EXAMPLES))
@shared_options(workers="4")
@click.option("--setup", is_flag=True, help="May install what this machine lacks (Docker Engine, mmdebstrap).")
@click.option(
    "--require",
    multiple=True,
    metavar="SERVICE",
    shell_complete=completing.services,
    callback=_known_services,
    help="Fail (69) instead of skipping when this service is unavailable; repeatable.",
)
@click.option(
    "--allow-all-skipped", is_flag=True, help="A run in which all was skipped for missing services exits 0, not 69."
)
@db_option
@click.option("--kubeconfig", default="", metavar="PATH", help="Use this cluster instead of a Kind cluster of our own.")
@click.option(
    "--leaks",
    type=click.Choice(["error", "warn", "off"]),
    default="error",
    show_default=True,
    help="What tests leave behind: exit 79 when all else is well, only tell of it, or do not look.",
)
@click.option("--fresh-nodes", is_flag=True, help="Hand no database node from one test to another.")
@click.option("--keep", is_flag=True, help="Leave the environment up and say how to enter it.")
@click.option(
    "--keep-failed", is_flag=True, help="Leave what failed tests used (4 leases at most) and say how to enter it."
)
@keep_for_option("With --keep and --keep-failed.")
@on_options
@click.pass_context
def command(context: click.Context, /, quiet: int, verbose: int, keep_for: float, **options: Any) -> int:
    """Run the integration tests: bring up what they need, run them with xdist, take everything down."""
    from sdcm.run.options import RunOptions
    from sdcm.run.pipeline import execute

    by_default = context.get_parameter_source("workers") is ParameterSource.DEFAULT
    asked = options["workers"] is not None and not by_default
    workers = workers_for(options["workers"], options["pytest_args"], asked=asked, elsewhere=bool(options["on"]))
    options |= {"workers": workers, "workers_asked": asked or workers == 0}
    more = {"verbosity": verbose - quiet, "keep_for": keep_for * 3600, **taken(options)}
    return execute(RunOptions("integration-tests", **more))
