"""Leaves files alone that cannot hold a test of the command's kind: they are not even imported.

`integration-tests` chooses by the marker `integration`, and a marker stands somewhere: in the test's
file or in a `conftest.py` above it. A file without the word, in no folder of that name, is passed over.
The other way round, `unit-tests` passes over files whose `pytestmark` marks every test in them.
Importing is most of what collecting costs, and what an integration test imports is nothing a unit run
should wait for.

A marker that comes from further away (a base class in another file) would be missed without a word; so
`unit-tests`, which imports such a file, ends with an error that names it.
"""

import os
import re
from functools import cache
from pathlib import Path

import pytest

from sdcm.services.selected import SUITE_VARIABLE

_WORD = re.compile(rb"\bintegration\b")
#: What code that marks other files' tests holds.
_MARKS = re.compile(rb"\bmark\.integration\b|[\"']integration[\"']")
#: `pytestmark = pytest.mark.integration`, or a list of marks on one or more lines that holds it.
_WHOLE_FILE = re.compile(
    rb"^pytestmark\s*=\s*(?:pytest\.mark\.integration\s*$|\[[^\]]*\bmark\.integration\b)", re.MULTILINE
)


@cache
def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def may_hold_integration_tests(file: Path, root: Path) -> bool:
    """Return whether the marker may be, or is due, on a test of the file.

    The word occurs in its path, in its text or in a conftest above it.

    Args:
        file: A test file.
        root: The project's root folder, where looking for conftests ends.
    """
    if "integration" in file.relative_to(root).parts if file.is_relative_to(root) else file.parts:
        return True
    if _WORD.search(_bytes(file)):
        return True
    inside = [folder for folder in file.parents if folder == root or folder.is_relative_to(root)]
    return any(_MARKS.search(_bytes(folder / "conftest.py")) for folder in inside)


def holds_integration_tests_alone(file: Path) -> bool:
    """Return whether the file marks all its tests."""
    return bool(_WHOLE_FILE.search(_bytes(file)))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over a file that cannot hold what is wanted; a file named on the command line is never asked about."""
    suite = os.environ.get(SUITE_VARIABLE)
    if not suite or collection_path.suffix != ".py" or collection_path.name in {"conftest.py", "__init__.py"}:
        return None
    if suite == "integration":
        return None if may_hold_integration_tests(collection_path, config.rootpath) else True
    return True if holds_integration_tests_alone(collection_path) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a unit run, name tests that `integration-tests` would pass over.

    Raises:
        pytest.UsageError: There are such tests.
    """
    if os.environ.get(SUITE_VARIABLE) != "unit":
        return
    files = {item.path for item in items if item.get_closest_marker("integration")}
    lost = sorted(file for file in files if not may_hold_integration_tests(file, config.rootpath))
    if lost:
        raise pytest.UsageError(
            f"{lost[0]}: its tests carry the marker `integration`, but the word is neither in the file nor in a "
            "conftest.py above it, so `integration-tests` does not find them -- write the marker in the file"
        )
