"""The reference pages say what the code says."""

import ast
import functools
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdcm import environment_variables
from sdcm.config.options import Options

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
_OUR_LIST = ROOT / "sdcm" / "environment_variables.py"
PAGES = runpy.run_path(str(REFERENCE / "generate.py"))["PAGES"]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_what_the_code_makes_of_it(name: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run `python docs/reference/generate.py`"


def test_the_exit_codes_page_has_every_code_with_its_meaning() -> None:
    page = (REFERENCE / "exit-codes.md").read_text()
    for code in (0, 1, 2, 3, 4, 5, 64, 69, 70, 75, 79, 130):
        assert re.search(rf"^\| {code} \| `[A-Z_]+` \| \S.+ \|$", page, re.MULTILINE)


@functools.cache
def _texts() -> tuple[tuple[Path, str], ...]:
    """Return every text constant of the code, docstrings included, each with its file."""
    return tuple(_constants())


def _constants() -> Iterator[tuple[Path, str]]:
    for file in (ROOT / "sdcm").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if file != _OUR_LIST and isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield file, node.value


def test_every_variable_of_ours_in_the_code_is_listed() -> None:
    options = {f"SCT_{name.upper()}" for name in Options.model_fields}
    listed = {variable.name for variable in environment_variables.OURS} | options
    found = {text: file for file, text in _texts() if re.fullmatch(r"SCT_[A-Z0-9_]*[A-Z0-9]", text)}
    unlisted = {name: str(file.relative_to(ROOT)) for name, file in found.items() if name not in listed}
    assert not unlisted, f"add them to {_OUR_LIST.relative_to(ROOT)}"


def test_every_listed_variable_is_in_the_code() -> None:
    texts = {text for _, text in _texts()}
    listed = [variable.name for variable in (*environment_variables.OURS, *environment_variables.HEEDED)]
    assert [name for name in listed if name not in texts] == []
    assert len(listed) == len(set(listed))
