"""`sct.py durations`: how long tests take, shared between machines."""

from pathlib import Path

import click

from sdcm.exit_codes import ExitCode

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("durations")
def command() -> None:
    """Share the tests' durations, which order and split runs, between machines."""


def _own_file() -> Path:
    from sdcm import paths
    from sdcm.run.project import find_project
    from sdcm.scheduling import durations

    return durations.own_file(find_project(paths.current_folder()), paths.from_environment())


@command.command("export")
@click.argument("file", type=_FILE)
def export(file: Path) -> int:
    """Write what this machine knows of the project's tests to FILE."""
    from sdcm.errors import UsageProblem
    from sdcm.scheduling import durations

    own = _own_file()
    known = durations.read(own)
    if not known:
        raise UsageProblem(f"nothing is known of this project's tests yet ({own})", mend="run them once")
    durations.write(file, known)
    click.echo(f"{file}: {len(known)} tests, {sum(durations.seconds_by_test(known).values()):.0f} s")
    return ExitCode.OK


@command.command("merge")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("-o", "--output", type=_FILE, help="Write here instead of into what this machine knows.")
def merge(files: tuple[Path, ...], output: Path | None) -> int:
    """Merge FILES, each test's mean weighed by its runs, into what this machine knows."""
    from sdcm.scheduling import durations

    target = output or _own_file()
    together = durations.merge([*([target] if output is None and target.exists() else []), *files])
    durations.write(target, together)
    click.echo(f"{target}: {len(together)} tests, {sum(durations.seconds_by_test(together).values()):.0f} s")
    return ExitCode.OK
