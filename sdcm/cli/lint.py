"""`sct.py lint`."""

import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sdcm.cli import completing
from sdcm.exit_codes import ExitCode

if TYPE_CHECKING:
    from sdcm.lint.finding import Finding


@click.command("lint")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, then report the rest.")
@click.option(
    "--select", default="", metavar="RULES", shell_complete=completing.rules, help="Only these rules, such as I08,I09."
)
@click.option("--no-advice", is_flag=True, help="Leave out the rules that only advise.")
@click.option(
    "--explain",
    default="",
    metavar="RULE",
    shell_complete=completing.rules,
    help="Show a rule with an example, and exit.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(paths: tuple[Path, ...], fix: bool, select: str, no_advice: bool, explain: str, as_json: bool) -> int:
    """Check integration tests against the rules; without PATH all tests of the project.

    Nothing of what is checked is imported. Exits 1 when a rule is broken; advice alone exits 0. A rule is
    let be with `# sct: ignore[I16] reason` at the line, above it, or at the head of the function.
    """
    from sdcm.lint.linter import Linter
    from sdcm.lint.rules import chosen, explanation

    if explain:
        click.echo(explanation(explain))
        return ExitCode.OK
    linter = Linter(chosen(select, advice=not no_advice))
    wanted = paths or (_tests(),)
    linted = linter.lint(wanted)
    mended = 0
    if fix and any(finding.edits for finding in linted.findings):
        mended = _mend(linted.findings)
        linted = linter.lint(wanted)
    if as_json:
        record = {
            "files": linted.files,
            "tests": linted.tests,
            "fixed": mended,
            "findings": [finding.to_record() for finding in linted.findings],
        }
        click.echo(json.dumps(record, indent=2))
    else:
        for finding in linted.findings:
            click.echo(str(finding))
        click.echo(_summary(linted.files, linted.tests, len(linted.findings), mended))
    return ExitCode.TESTS_FAILED if linted.errors else ExitCode.OK


def _tests() -> Path:
    from sdcm.paths import current_folder
    from sdcm.run.project import find_project
    from sdcm.services.rooms import tests_folder

    project = find_project(current_folder())
    folder = project / tests_folder(project)
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def _mend(findings: tuple["Finding", ...]) -> int:
    from sdcm.lint.fixing import fixed

    by_file = defaultdict(list)
    for finding in findings:
        by_file[finding.path].append(finding)
    total = 0
    for name, found in by_file.items():
        path = Path(name)
        text, mended = fixed(path.read_text(encoding="utf-8"), found)
        if mended:
            path.write_text(text, encoding="utf-8")
            total += mended
    return total


def _summary(files: int, tests: int, findings: int, mended: int) -> str:
    fixed = f", {mended} fixed" if mended else ""
    return f"{files} files with {tests} tests: {findings or 'no'} finding{'' if findings == 1 else 's'}{fixed}"
