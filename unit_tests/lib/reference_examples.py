"""The examples of docs/reference/fixtures-and-markers.md as tests, so that what the page shows is what has run."""

import ast
import inspect
import linecache
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "fixtures_page.py"
_DICTIONARIES = ("FIXTURE_EXAMPLES", "MARKER_EXAMPLES")


def examples() -> Iterator[tuple[str, str]]:
    """Yield the name and the code of each example; read without importing the page, which would load every fixture."""
    for node in ast.parse(PAGE.read_text(encoding="utf-8")).body:
        target = node.target if isinstance(node, ast.AnnAssign) else None
        if isinstance(target, ast.Name) and target.id in _DICTIONARIES and isinstance(node, ast.AnnAssign):
            assert node.value is not None
            yield from ast.literal_eval(node.value).items()


def is_integration(code: str) -> bool:
    """Whether an example is marked as an integration test."""
    return "mark.integration" in code


def tests(name: str, code: str) -> dict[str, Any]:
    """Return an example's tests and fixtures under names of their own: `test_<example>`, or as the example calls them.

    Args:
        name: Of the example, a fixture or marker.
        code: Its source, as the page shows it; `pytest` is there, as on the page.
    """
    source = f"<example {name}>"
    # For whoever reads a test's source: services are told by comments too.
    linecache.cache[source] = (len(code), None, code.splitlines(keepends=True), source)
    space: dict[str, Any] = {"pytest": pytest, "__name__": f"example_{name}"}
    exec(compile(code, source, "exec"), space)
    found: dict[str, Any] = {}
    for given, thing in space.items():
        if inspect.isfunction(thing) and thing.__module__ == space["__name__"]:
            is_test = given.startswith("test_")
            found[f"test_{name}" if is_test and f"test_{name}" not in found else given] = thing
        elif (
            given not in {"pytest", "__name__", "__builtins__"} and type(thing).__name__ == "FixtureFunctionDefinition"
        ):
            found[given] = thing
    return found
