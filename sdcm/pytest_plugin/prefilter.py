"""Leaves files alone that cannot hold a test of the command's kind: they are not even imported.

`integration-tests` chooses by the marker `integration`, and a marker is named somewhere: in the code of the test's
file or of a `conftest.py` above it. A file that names it nowhere, in no folder of that name, is passed over; that a
comment or a longer text has the word is not enough. The other way round, `unit-tests` passes over files whose
`pytestmark` marks every test in them. Importing is most of what collecting costs, and what an integration test imports
is nothing a unit run should wait for.

A marker that comes from further away (a base class in another file) would be missed without a word; so
`unit-tests`, which imports such a file, ends with an error that names it.
"""

import ast
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from sdcm.services.selected import SUITE_VARIABLE

#: What `integration-tests` chooses by.
MARKER = "integration"
_WORD = re.compile(rb"\bintegration\b")
#: The marker as most files have it, told without reading the code.
_PLAIN = re.compile(rb"^(?:pytestmark = |@)pytest\.mark\.integration$", re.MULTILINE)
#: A text that may be a marker's name, or a list of names: words with blanks or commas between them.
_NAMES = re.compile(r"[\w\s,]*\bintegration\b[\w\s,]*")


@cache
def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@cache
def _tree(path: Path) -> ast.Module | None:
    """Return the syntax tree of a file that has the word; None where there is none to be had."""
    try:
        return ast.parse(_bytes(path))
    except (SyntaxError, ValueError):
        return None


@cache
def _names_the_marker(path: Path) -> bool:
    """Whether the file's code, not its comments and prose, may put the marker on something."""
    text = _bytes(path)
    if not _WORD.search(text):
        return False
    if _PLAIN.search(text):
        return True  # at worst in a text, and then a file is imported in vain
    tree = _tree(path)
    if tree is None:
        return True  # pytest is to say what is wrong with it
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if _says_the_name(node):
            return True
        prose = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        left += () if prose else ast.iter_child_nodes(node)
    return False


def _says_the_name(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == MARKER
    if isinstance(node, ast.Name):
        return node.id == MARKER
    if isinstance(node, ast.alias):
        return MARKER in {*node.name.split("."), node.asname}
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return MARKER in node.value and _NAMES.fullmatch(node.value) is not None
    return False


def may_hold_integration_tests(file: Path, root: Path) -> bool:
    """Return whether the marker may be, or is due, on a test of the file.

    It is named in the file's path, in its code or in that of a conftest above it.

    Args:
        file: A test file.
        root: The project's root folder, where looking for conftests ends.
    """
    if MARKER in (file.relative_to(root).parts if file.is_relative_to(root) else file.parts):
        return True
    if _names_the_marker(file):
        return True
    inside = [folder for folder in file.parents if folder == root or folder.is_relative_to(root)]
    return any(_names_the_marker(folder / "conftest.py") for folder in inside)


@cache
def holds_integration_tests_alone(file: Path) -> bool:
    """Return whether the file marks all its tests: at its top level, and without a condition."""
    if b"pytestmark" not in _bytes(file) or not _WORD.search(_bytes(file)):
        return False
    tree = _tree(file)
    if tree is None:
        return False
    given = [value for node in tree.body for value in _pytestmark(node)]
    # One in a branch may take the place of those that stand outside.
    elsewhere = {
        id(value)
        for node in tree.body
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        for value in _pytestmark(inner)
    } - {id(value) for value in given}
    return bool(given) and not elsewhere and _is_marker(given[-1])


def _pytestmark(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what the statement gives to `pytestmark`."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        targets = [node.target]
    value = getattr(node, "value", None)
    if isinstance(value, ast.expr) and any(isinstance(each, ast.Name) and each.id == "pytestmark" for each in targets):
        yield value


def _is_marker(value: ast.expr) -> bool:
    """Whether an expression is the marker, or a list with the marker in it."""
    if isinstance(value, ast.List | ast.Tuple):
        return any(_is_marker(element) for element in value.elts)
    if isinstance(value, ast.Call):
        return _is_marker(value.func)
    return isinstance(value, ast.Attribute) and ast.unparse(value) in {f"pytest.mark.{MARKER}", f"mark.{MARKER}"}


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
    files = {item.path for item in items if item.get_closest_marker(MARKER)}
    lost = sorted(file for file in files if not may_hold_integration_tests(file, config.rootpath))
    if lost:
        raise pytest.UsageError(
            f"{lost[0]}: its tests carry the marker `integration`, but neither the file's code nor that of a "
            "conftest.py above it names it, so `integration-tests` does not find them -- write the marker in the file"
        )
