"""`sct.py new-test`."""

import keyword
import re
from pathlib import Path

import click

from sdcm.cli import completing
from sdcm.exit_codes import ExitCode


def _known_services(_ctx: click.Context, _param: click.Parameter, labels: tuple[str, ...]) -> tuple[str, ...]:
    from sdcm.services.table import service

    return tuple(dict.fromkeys(service(label).label for label in labels))


@click.command("new-test")
@click.argument("name")
@click.option(
    "--service",
    "services",
    multiple=True,
    required=True,
    metavar="SERVICE",
    shell_complete=completing.services,
    callback=_known_services,
    help="A service the test needs: docker, aws, gce, azure, oci, kubernetes; repeatable.",
)
@click.option("--fixture", is_flag=True, help="Write a fixture NAME on top of the service's own, and a test of it.")
def command(name: str, services: tuple[str, ...], fixture: bool) -> int:
    """Write a test NAME that keeps the rules and runs at once, into the integration tests."""
    from sdcm.cli import test_templates
    from sdcm.errors import UsageProblem
    from sdcm.paths import current_folder
    from sdcm.program import as_typed
    from sdcm.run.project import find_project
    from sdcm.services.rooms import tests_folder

    word = _identifier(name)
    if fixture and len(services) > 1:
        raise UsageProblem("--fixture stands on one service", mend="name one --service, and let the test ask for more")
    project = find_project(current_folder())
    folder = project / tests_folder(project) / "integration"
    path = folder / f"test_{word}.py"
    if path.exists():
        raise UsageProblem(f"{_shown(path)} is there already", mend="choose another name")
    text = test_templates.fixture_text(word, services[0]) if fixture else test_templates.test_text(word, services)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    click.echo(f"wrote {_shown(path)}; run it:")
    click.echo(as_typed(f"  uv run sct.py integration-tests -t integration/{path.name}"))
    return ExitCode.OK


def _identifier(name: str) -> str:
    """Return the name as it goes into `test_...`, from a file's or function's name too.

    Raises:
        UsageProblem: No identifier can be made of it.
    """
    from sdcm.errors import UsageProblem

    word = re.sub(r"[\s-]+", "_", Path(name).name.removesuffix(".py").strip()).removeprefix("test_").lower()
    if not word.isidentifier() or keyword.iskeyword(word):
        raise UsageProblem(f"{name!r} is no name for a test", mend="use letters, digits and _")
    return word


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
