"""Writes what safe rules know to mend."""

import re
from collections.abc import Iterable

from sdcm.lint.finding import Edit, Finding


def fixed(text: str, findings: Iterable[Finding]) -> tuple[str, int]:
    """Return a file's text with the edits of its findings made, and how many findings that mended.

    An edit that overlaps an earlier one is left for the next time.
    """
    lines = text.splitlines(keepends=True)
    chosen: list[Edit] = []
    mended = 0
    modules: set[str] = set()
    for finding in findings:
        if finding.edits and not any(_overlap(edit, other) for edit in finding.edits for other in chosen):
            chosen += finding.edits
            mended += 1
            modules |= {finding.needs_import} - {""}
    for edit in sorted(chosen, key=lambda each: (each.line, each.column), reverse=True):
        _make(lines, edit)
    result = "".join(lines)
    for module in sorted(modules):
        if not re.search(rf"^(?:import {module}\b|from {module}\b)", result, re.MULTILINE):
            result = _with_import(result, module)
    return result, mended


def _overlap(one: Edit, other: Edit) -> bool:
    if _is_insertion(one) or _is_insertion(other):
        return False
    starts, ends = (one.line, one.column), (one.end_line, one.end_column)
    return starts < (other.end_line, other.end_column) and (other.line, other.column) < ends


def _is_insertion(edit: Edit) -> bool:
    return (edit.line, edit.column) == (edit.end_line, edit.end_column)


def _make(lines: list[str], edit: Edit) -> None:
    """Make one edit; columns of a syntax tree count bytes."""
    first, end = lines[edit.line - 1].encode(), lines[edit.end_line - 1].encode()
    head, tail = first[: edit.column].decode(), end[edit.end_column :].decode()
    lines[edit.line - 1 : edit.end_line] = [head + edit.text + tail]


def _with_import(text: str, module: str) -> str:
    """Return text with an import after the module's docstring and its `__future__` imports, before all else."""
    import ast

    after = 0
    for node in ast.parse(text).body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not (is_docstring or is_future):
            break
        after = node.end_lineno or 0
    lines = text.splitlines(keepends=True)
    gap = "\n" if after else ""
    return "".join([*lines[:after], gap, f"import {module}\n", *([] if after else ["\n"]), *lines[after:]])
