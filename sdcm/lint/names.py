"""Dotted names in syntax trees, and what they were imported from."""

import ast
from collections.abc import Iterable, Iterator, Mapping


def dotted(node: ast.AST | None) -> str:
    """Return `a.b.c` for such an expression; a call in it counts as its function, all else as nothing.

    `boto3.client("s3").create_bucket` is `boto3.client.create_bucket`.
    """
    parts: list[str] = []
    while node is not None:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, (ast.Await, ast.Subscript)):
            node = node.value
        elif isinstance(node, ast.Name):
            parts.append(node.id)
            return ".".join(reversed(parts))
        else:
            break
    return ""


def last(name: str) -> str:
    """Return the part of a dotted name after its last dot."""
    return name.rpartition(".")[2]


def imported(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Return local name -> full name for the imports among some nodes."""
    names: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.partition(".")[0]
                names[local] = alias.name if alias.asname else local
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                names[alias.asname or alias.name] = f"{module}.{alias.name}"
    return names


def resolve(name: str, names: Mapping[str, str]) -> str:
    """Return a dotted name with its first part replaced by what it was imported from."""
    root, dot, rest = name.partition(".")
    return f"{names.get(root, root)}{dot}{rest}"


def strings(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield the text constants in an expression, parts of f-strings among them."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner


def words_of(call: ast.Call) -> str:
    """Return all text constants among a call's arguments, joined by spaces: a command line, say."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return " ".join(str(constant.value) for argument in arguments for constant in strings(argument))


def argument(call: ast.Call, name: str, place: int | None = None) -> ast.expr | None:
    """Return a call's argument by keyword or place; None when it is not given."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if place is not None and len(call.args) > place:
        return call.args[place]
    return None


def takes_more(call: ast.Call) -> bool:
    """Whether a call passes arguments on (`*args`, `**kwargs`), so that more may be in it than is written."""
    return any(isinstance(value, ast.Starred) for value in call.args) or any(
        keyword.arg is None for keyword in call.keywords
    )
