"""`sct.py config`: what `params` is, and why."""

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sdcm.cli import completing
from sdcm.exit_codes import ExitCode

if TYPE_CHECKING:
    from sdcm.config.model import SCTConfiguration
    from sdcm.config.origins import Explanation

_FILES = click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    metavar="PATH",
    help="Configuration file, as `sct_config` names it; repeatable. Without one, those of SCT_CONFIG_FILES.",
)


@click.group("config")
def command() -> None:
    """Show what tests see in `params`, where each value comes from, and the schema for editors."""


@command.command("explain")
@click.argument("key", shell_complete=completing.keys)
@_FILES
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def explain(key: str, files: tuple[str, ...], as_json: bool) -> int:
    """Say what KEY is, and every layer that set it, the one that won last.

    KEY is an option, or `option.key` for one key of a mapping, such as `stress_image.ycsb`.
    """
    explanation = _params(files).explain(key)
    if as_json:
        click.echo(json.dumps(asdict(explanation), indent=2))
    else:
        for line in _lines(explanation):
            click.echo(line)
    return ExitCode.OK


@command.command("show")
@_FILES
def show(files: tuple[str, ...]) -> int:
    """Write every option with its value as YAML, secrets hidden, and check that they go together."""
    params = _params(files)
    params.verify_configuration()
    click.echo(params.dump_config(), nl=False)
    return ExitCode.OK


@command.command("schema")
def schema() -> int:
    """Write the JSON schema of configuration files, for editors that check and complete YAML.

    A file's first line tells an editor with the YAML language server where the schema is:
    `# yaml-language-server: $schema=params.schema.json`.
    """
    from sdcm.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
    return ExitCode.OK


def _params(files: tuple[str, ...]) -> "SCTConfiguration":
    from sdcm.config.model import load_params
    from sdcm.paths import current_folder
    from sdcm.run.project import find_project

    return load_params(files, os.environ, find_project(current_folder()))


def _lines(explanation: "Explanation") -> list[str]:
    """Return an explanation for a reader."""
    width = max(len(setting.origin) for setting in explanation.settings)
    told = [f"  {setting.origin:<{width}}  {_shown(setting.value)}" for setting in explanation.settings]
    return [
        f"{explanation.key}: {_shown(explanation.value)}",
        f"  {explanation.description} ({explanation.type})",
        "set by, later ones win:",
        *told,
    ]


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
