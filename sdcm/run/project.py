"""The project under test: its root folder, and what `-t` names in it."""

from collections.abc import Iterable
from pathlib import Path

from sdcm.errors import UsageProblem
from sdcm.near_names import near, question
from sdcm.run.pytest_options import DEBUGGERS, REMEMBERING
from sdcm.services.rooms import TEST_ROOTS, tests_folder

_NEAR = 3
#: pytest's options that are given most and take no value.
_WITHOUT_VALUE = frozenset(
    {"-x", "--exitfirst", "-s", "-v", "-vv", "-q", "-qq", "-l", "--showlocals", "--setup-show", "--full-trace"}
).union(DEBUGGERS, REMEMBERING)


def find_project(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds `unit_tests`, or else `tests`.

    Raises:
        UsageProblem: There is none.
    """
    for folder in (start, *start.parents):
        if tests_folder(folder):
            return folder
    raise UsageProblem(
        f"no {'/ or '.join(TEST_ROOTS)}/ folder in {start} or above it",
        mend=f"mkdir -p {TEST_ROOTS[1]}/integration, or run this in the project whose tests it is to run",
    )


def resolve_targets(project: Path, start: Path, wanted: Iterable[str]) -> tuple[str, ...]:
    """Return what to hand to pytest for the user's `-t` values.

    Each is a file, a folder or a node id, relative to the project's folder of tests, to the
    current folder or to the project's root.

    Args:
        project: The project's root folder.
        start: The current folder.
        wanted: The values as given; none stands for the whole tests folder.

    Raises:
        UsageProblem: A path does not exist; near names are in the message.
    """
    targets = [_resolve(project, start, value) for value in wanted if value]
    return tuple(targets) or (tests_folder(project),)


def require_no_paths(project: Path, start: Path, command: str, words: Iterable[str]) -> None:
    """Refuse paths among pytest's own arguments: pytest would run them beside what is chosen, which may be everything.

    Args:
        project: The project's root folder.
        start: The current folder.
        command: The subcommand that was given them.
        words: The arguments. What follows an option that may take a value is taken for that value.

    Raises:
        UsageProblem: One names a file, a folder or a test.
    """
    before = ""
    for word in words:
        is_value = before.startswith("-") and "=" not in before and before not in _WITHOUT_VALUE
        if not is_value and not word.startswith("-") and _found(project, start, word):
            raise UsageProblem(f"{word}: tests are chosen with -t", mend=f"sct.py {command} -t {word}")
        before = word


def _found(project: Path, start: Path, value: str) -> Path | None:
    """Return what a file, folder or node id names, None where there is none."""
    path = value.partition("::")[0]
    candidates = (base / path for base in (project / tests_folder(project), start, project))
    return next((each for each in candidates if path and each.exists()), None)


def _resolve(project: Path, start: Path, value: str) -> str:
    path, separator, rest = value.partition("::")
    tests = tests_folder(project)
    if (found := _found(project, start, value)) is not None:
        shown = found.resolve()
        inside = shown.is_relative_to(project.resolve())
        return f"{shown.relative_to(project.resolve()) if inside else shown}{separator}{rest}"
    raise UsageProblem(
        f"-t {value}: no such file or folder under {tests}/ or here",
        why=near_text(path, _known(project)),
    )


def _known(project: Path) -> list[str]:
    tests = project / tests_folder(project)
    return [str(path.relative_to(tests)) for path in tests.rglob("*.py") if "__pycache__" not in path.parts]


def near_text(wrong: str, known: Iterable[str]) -> str:
    """Return "did you mean ..." for the known names nearest to a wrong one, empty when none is near.

    A path whose last part is near comes first.
    """
    import difflib

    names = list(known)
    tails = near(_tail(wrong), {_tail(name) for name in names}, most=_NEAR, likeness=0.75)
    alike = [name for tail in tails for name in names if _tail(name) == tail]
    likeness = {name: difflib.SequenceMatcher(None, wrong, name).ratio() for name in alike}
    best = max(likeness.values(), default=0.0)
    nearest = sorted((name for name in alike if likeness[name] > best - 0.05), key=lambda name: -likeness[name])[:_NEAR]
    return question(nearest or near(wrong, names, most=_NEAR))


def _tail(name: str) -> str:
    """Return the last part of a path or node id."""
    return name.rsplit("/", 1)[-1].rsplit("::", 1)[-1]
