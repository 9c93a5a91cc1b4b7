"""Rules of this repository that are checked in its source: each gives the lines that break it."""

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)

#: Longest a source file may be.
MOST_LINES = 400
_VAGUE = {"utils", "util", "common", "helpers", "helper", "misc"}
#: What starts another program, by module.
_STARTERS = {
    "subprocess": {"Popen", "run", "call", "check_call", "check_output", "getoutput", "getstatusoutput"},
    "os": {"system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile"},
    "asyncio": {"create_subprocess_exec", "create_subprocess_shell"},
    "pty": {"fork", "spawn"},
}
_OS_FAMILIES = ("exec", "spawn")
#: Calls that skip a test -> place of the reason among the arguments.
_SKIPS = {"pytest.skip": 0, "pytest.mark.skip": 0, "pytest.mark.skipif": None, "pytest.xfail": 0}


def starts_programs(tree: ast.AST) -> Iterator[str]:
    """Find what starts another program: only `sdcm.process` may."""
    names = _imported(tree)
    for taken in _nodes(tree, ast.ImportFrom):
        for alias in taken.names if taken.module in _STARTERS else ():
            if _starts(taken.module, alias.name):
                yield f"{taken.lineno}: takes {alias.name} from {taken.module}"
    for node in _nodes(tree, ast.Attribute):
        if isinstance(node.value, ast.Name):
            module = names.get(node.value.id, "")
            # `subprocess.Popen[bytes]` is a type; what is called, or handed on as a value, starts something.
            if _starts(module, node.attr) and not _is_type(tree, node):
                yield f"{node.lineno}: uses {module}.{node.attr}"


def uses_shell(tree: ast.AST) -> Iterator[str]:
    """Find calls that hand a line to a shell."""
    for call in _nodes(tree, ast.Call):
        for keyword in call.keywords:
            if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value):
                yield f"{call.lineno}: shell= hands a line to a shell"


def imports_tests(tree: ast.AST) -> Iterator[str]:
    """Find imports of the tests."""
    found = [(node.lineno, alias.name) for node in _nodes(tree, ast.Import) for alias in node.names]
    found += [(node.lineno, node.module or "") for node in _nodes(tree, ast.ImportFrom)]
    for line, module in found:
        if module.split(".")[0] == "unit_tests":
            yield f"{line}: imports {module}"


def skips_without_reason(tree: ast.AST) -> Iterator[str]:
    """Find skips and expected failures that do not say why."""
    for node in _nodes(tree, ast.Call):
        if (name := _dotted(node.func)) in _SKIPS:
            place = _SKIPS[name]
            reasons = [word.value for word in node.keywords if word.arg in {"reason", "msg"}]
            reasons += node.args[place : place + 1] if place is not None else node.args[1:2]
            if not any(_says_something(reason) for reason in reasons):
                yield f"{node.lineno}: {name} without a reason"
    for decorator in _decorators(tree):
        if (name := _dotted(decorator)) in {"pytest.mark.skip", "pytest.mark.skipif"}:
            yield f"{decorator.lineno}: {name} without a reason"


def is_vague(path: Path) -> bool:
    """Whether a module's name says nothing of what is in it."""
    return bool({path.stem, path.parent.name} & _VAGUE)


def _imported(tree: ast.AST) -> Mapping[str, str]:
    """Return the local names of imported modules."""
    return {alias.asname or alias.name: alias.name for node in _nodes(tree, ast.Import) for alias in node.names}


def passes_on_nothing(tree: ast.AST) -> Iterator[str]:
    """Find `assert all(...)` over what may be empty: it holds when there is nothing to look at."""
    for node in _nodes(tree, ast.Assert):
        for call in _nodes(node.test, ast.Call):
            if _dotted(call.func) != "all" or not call.args:
                continue
            over = call.args[0]
            if isinstance(over, (ast.GeneratorExp, ast.ListComp)):
                over = over.generators[0].iter
            if not (isinstance(over, (ast.Tuple, ast.List, ast.Set)) and over.elts):
                yield f"{node.lineno}: holds for nothing too; compare with what is expected"


def _starts(module: str | None, name: str) -> bool:
    return name in _STARTERS.get(module or "", ()) or (module == "os" and name.startswith(_OS_FAMILIES))


def _is_type(tree: ast.AST, attribute: ast.Attribute) -> bool:
    subscripted = any(node.value is attribute for node in _nodes(tree, ast.Subscript))
    return attribute.attr == "Popen" and subscripted


def _nodes(tree: ast.AST, kind: type[Node]) -> list[Node]:
    return _by_kind(tree).get(kind, [])  # type: ignore[return-value]


@cache
def _by_kind(tree: ast.AST) -> Mapping[type[ast.AST], list[ast.AST]]:
    """Walk a tree once for all rules."""
    found: defaultdict[type[ast.AST], list[ast.AST]] = defaultdict(list)
    for node in ast.walk(tree):
        found[type(node)].append(node)
    return found


def _decorators(tree: ast.AST) -> Iterator[ast.expr]:
    for kind in (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
        for node in _nodes(tree, kind):
            yield from node.decorator_list  # type: ignore[attr-defined]


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _says_something(reason: ast.expr) -> bool:
    return not isinstance(reason, ast.Constant) or bool(str(reason.value or "").strip())


Rule = Callable[[ast.AST], Iterator[str]]
