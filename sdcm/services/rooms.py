"""Where tests lie: which of their folders are for integration tests."""

from pathlib import Path, PurePath

#: Folders that hold a project's tests; `integration` and `acceptance` below them are for integration tests.
TEST_ROOTS = ("unit_tests", "tests")


def tests_folder(project: Path) -> str:
    """Return the name of the folder in which a project keeps its tests, empty where it has none of the known ones."""
    return next((name for name in TEST_ROOTS if (project / name).is_dir()), "")


def room_of(path: PurePath) -> str:
    """Return which kind of tests belongs where a file lies.

    Args:
        path: The file.

    Returns:
        `integration`, `acceptance`, `unit` for all else below a folder of tests, empty elsewhere.
    """
    parts = path.parent.parts
    for place in range(len(parts) - 1, -1, -1):
        if parts[place] in TEST_ROOTS:
            below = parts[place + 1] if place + 1 < len(parts) else ""
            return below if below in {"integration", "acceptance"} else "unit"
    return ""
