"""`sct.py pre-commit`."""

import importlib.util
import sys
from pathlib import Path

import click

from sdcm.exit_codes import ExitCode

_CONFIG = ".pre-commit-config.yaml"
#: Seconds for all hooks together.
_DEADLINE = 1800.0


@click.command("pre-commit")
@click.option("-a", "--all-files", is_flag=True, help="Check every file, not the changed ones alone.")
@click.option("--base", default="", metavar="REF", help="Changed since this commit or branch; else: not committed yet.")
def command(all_files: bool, base: str) -> int:
    """Run the project's pre-commit hooks: ruff, types, lint, docs, unit tests of what changed.

    Exits 1 when a hook fails or mends something.
    """
    from sdcm import process
    from sdcm.errors import UsageProblem
    from sdcm.paths import current_folder
    from sdcm.run.project import find_project

    root = find_project(current_folder())
    if not (root / _CONFIG).is_file():
        raise UsageProblem(f"{root} has no {_CONFIG}", mend="write one; docs/guides/write-a-test.md shows it")
    if importlib.util.find_spec("pre_commit") is None:
        raise UsageProblem("pre-commit is not installed", mend="uv add --dev pre-commit")
    argv = [sys.executable, "-m", "pre_commit", "run", "--show-diff-on-failure", "--color", "auto"]
    if all_files:
        argv.append("--all-files")
    else:
        files = _changed(root, base)
        if not files:
            click.echo("no file has changed")
            return ExitCode.OK
        argv += ["--files", *files]
    child = process.spawn(argv, cwd=root, inherit_output=True, new_session=False)
    return ExitCode.OK if child.wait(_DEADLINE) == 0 else ExitCode.TESTS_FAILED


def _changed(root: Path, base: str) -> list[str]:
    """Return the files that differ from a commit, new ones among them and deleted ones not.

    Raises:
        UsageProblem: There is no such commit, or this is no git repository.
    """
    from sdcm import process
    from sdcm.errors import UsageProblem

    since = f"{base}..." if base else "HEAD"
    asked = [
        ["git", "diff", "--name-only", "--diff-filter=d", since],
        ["git", "diff", "--name-only", "--diff-filter=d", "HEAD"],
        ["git", "ls-files", "--others", "--exclude-standard"],
    ]
    found: set[str] = set()
    for argv in asked:
        done = process.run(argv, timeout=60, cwd=root, check=False)
        if done.exit_status:
            raise UsageProblem("git cannot tell what has changed", why=done.stderr.strip().splitlines()[0])
        found |= set(done.stdout.splitlines())
    return sorted(found)
