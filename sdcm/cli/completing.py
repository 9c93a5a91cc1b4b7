"""What may stand as the value of an option: services, runs, images, options of `params`, rules, test files.

Each is imported and looked up only when a shell asks for it. A mistake is no completion, never an error.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from sdcm.errors import SctError

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _completer(values: Callable[[], Iterable[tuple[str, str]]]) -> Completer:
    """Return a completer over (value, help)."""

    def complete(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
        with suppress(SctError, OSError):
            return [CompletionItem(value, help=text) for value, text in values() if value.startswith(typed)]
        return []

    return complete


def _services() -> Iterable[tuple[str, str]]:
    from sdcm.services.table import SERVICES

    return [(row.label, ", ".join(row.covers)) for row in SERVICES]


def _runs() -> Iterable[tuple[str, str]]:
    import time

    from sdcm import paths

    folder = paths.from_environment().runs
    states = sorted(folder.iterdir(), key=lambda state: -state.stat().st_mtime) if folder.is_dir() else []
    return [(state.name, time.strftime("%Y-%m-%d %H.%M", time.localtime(state.stat().st_mtime))) for state in states]


def _images() -> Iterable[tuple[str, str]]:
    from sdcm.environment.catalogue import Catalogue

    catalogue = Catalogue.load()
    return [(name, catalogue.entry(name).reference) for name in catalogue.names()]


def _keys() -> Iterable[tuple[str, str]]:
    from sdcm.config.options import Options

    return [(name, field.description or "") for name, field in Options.model_fields.items()]


def _rules() -> Iterable[tuple[str, str]]:
    from sdcm.lint import rules as known

    return [(rule.id, rule.title) for rule in known.RULES.values()]


def _test_files(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete files and folders of tests, as `-t` takes them: below the folder of tests, else from here."""
    from sdcm.paths import current_folder
    from sdcm.run.project import find_project
    from sdcm.services.rooms import tests_folder

    with suppress(SctError, OSError):
        project = find_project(current_folder())
        above, _, begun = typed.rpartition("/")
        for base in (project / tests_folder(project), Path.cwd()):
            folder = base / above
            if folder.is_dir():
                names = [_shown(path) for path in sorted(folder.iterdir()) if path.name.startswith(begun)]
                prefix = f"{above}/" if above else ""
                found = [CompletionItem(f"{prefix}{name}") for name in names if name]
                if found:
                    return found
    return []


def _shown(path: Path) -> str:
    """Return a test file's name, a folder's with a slash behind it, and nothing for all else."""
    if path.is_dir():
        return "" if path.name.startswith(("_", ".")) else f"{path.name}/"
    return path.name if path.suffix == ".py" and path.name.startswith("test_") else ""


services = _completer(_services)
runs = _completer(_runs)
images = _completer(_images)
keys = _completer(_keys)
rules = _completer(_rules)
test_files = _test_files
