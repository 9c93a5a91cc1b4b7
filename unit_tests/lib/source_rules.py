"""Rules of this repository that are checked in its source: each gives the lines that break it."""

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

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
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in _STARTERS:
            for alias in node.names:
                if _starts(node.module, alias.name):
                    yield f"{node.lineno}: takes {alias.name} from {node.module}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = names.get(node.value.id, "")
            # `subprocess.Popen[bytes]` is a type; what is called, or handed on as a value, starts something.
            if _starts(module, node.attr) and not _is_type(tree, node):
                yield f"{node.lineno}: uses {module}.{node.attr}"


def uses_shell(tree: ast.AST) -> Iterator[str]:
    """Find calls that hand a line to a shell."""
    for call in _calls(tree):
        for keyword in call.keywords:
            if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value):
                yield f"{call.lineno}: shell= hands a line to a shell"


def imports_tests(tree: ast.AST) -> Iterator[str]:
    """Find imports of the tests."""
    for node in ast.walk(tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        for module in modules:
            if module.split(".")[0] == "unit_tests":
                yield f"{node.lineno}: imports {module}"  # type: ignore[attr-defined]


def skips_without_reason(tree: ast.AST) -> Iterator[str]:
    """Find skips and expected failures that do not say why."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := _dotted(node.func)) in _SKIPS:
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
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }


def passes_on_nothing(tree: ast.AST) -> Iterator[str]:
    """Find `assert all(...)` over what may be empty: it holds when there is nothing to look at."""
    for node in ast.walk(tree):
        asserted = node.test if isinstance(node, ast.Assert) else None
        for call in _calls(asserted) if asserted else ():
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
    subscripted = any(isinstance(node, ast.Subscript) and node.value is attribute for node in ast.walk(tree))
    return attribute.attr == "Popen" and subscripted


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _decorators(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield from node.decorator_list


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _says_something(reason: ast.expr) -> bool:
    return not isinstance(reason, ast.Constant) or bool(str(reason.value or "").strip())


Rule = Callable[[ast.AST], Iterator[str]]
