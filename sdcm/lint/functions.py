"""What a function of a test file is: a test, a fixture or neither, with its markers."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from sdcm.lint.names import dotted, imported, last, resolve

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mark:
    """A pytest marker.

    Attributes:
        name: Such as `skipif`.
        line: Where it stands.
        call: Its call; None where it has no arguments.
    """

    name: str
    line: int
    call: ast.Call | None


@dataclass(eq=False)
class Function:
    """A function or method of a file.

    Attributes:
        node: Its tree.
        classes: The classes it stands in, outermost first.
        names: What the file's imports and assignments call what.
        aliases: Module-level names that stand for markers.
    """

    node: FunctionNode
    classes: tuple[ast.ClassDef, ...]
    names: Mapping[str, str]
    aliases: Mapping[str, list["Mark"]]

    @property
    def name(self) -> str:
        """Its name with those of its classes, as in a node id."""
        return "::".join([*(each.name for each in self.classes), self.node.name])

    @cached_property
    def is_test(self) -> bool:
        """Whether pytest collects it."""
        in_tests = all(each.name.startswith("Test") for each in self.classes)
        return self.node.name.startswith("test") and in_tests and self.fixture is None

    @cached_property
    def fixture(self) -> ast.expr | None:
        """Its `pytest.fixture` decorator, None where it has none."""
        for decorator in self.node.decorator_list:
            if resolve(dotted(decorator), self.names) in {"pytest.fixture", "pytest_asyncio.fixture"}:
                return decorator
        return None

    def _fixture_argument(self, name: str) -> object:
        if isinstance(self.fixture, ast.Call):
            for keyword in self.fixture.keywords:
                if keyword.arg == name and isinstance(keyword.value, ast.Constant):
                    return keyword.value.value
        return None

    @property
    def fixture_name(self) -> str:
        """The name tests ask for it by."""
        return str(self._fixture_argument("name") or self.node.name)

    @property
    def scope(self) -> str:
        """Scope of the fixture."""
        return str(self._fixture_argument("scope") or "function")

    @property
    def autouse(self) -> bool:
        """Whether the fixture is used without being asked for."""
        return self._fixture_argument("autouse") is True

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """Names of its parameters, `self` and `cls` left out."""
        arguments = self.node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        return tuple(each.arg for each in every if each.arg not in {"self", "cls"})

    @cached_property
    def docstring(self) -> str:
        """Its docstring, empty where it has none."""
        return ast.get_docstring(self.node, clean=False) or ""

    @cached_property
    def body_nodes(self) -> tuple[ast.AST, ...]:
        """Every node of its body, decorators and defaults left out, in the order of `ast.walk`."""
        return tuple(node for statement in self.node.body for node in ast.walk(statement))

    @cached_property
    def calls(self) -> tuple[ast.Call, ...]:
        """Every call in its body, in the order of the text."""
        found = [node for node in self.body_nodes if isinstance(node, ast.Call)]
        return tuple(sorted(found, key=lambda call: (call.lineno, call.col_offset)))

    @cached_property
    def all_names(self) -> Mapping[str, str]:
        """The file's names with those that the function itself imports."""
        own = imported(self.body_nodes)
        return {**self.names, **own} if own else self.names

    def resolved(self, call: ast.Call) -> str:
        """Return the full name of what a call calls."""
        return resolve(dotted(call.func), self.all_names)

    @cached_property
    def own_marks(self) -> tuple[Mark, ...]:
        """Markers on the function itself."""
        return tuple(marks_in(self.node.decorator_list, self.names, self.aliases))

    @property
    def first_line(self) -> int:
        """Line of its first decorator, or of its `def`."""
        return min([self.node.lineno, *(each.lineno for each in self.node.decorator_list)])


def marks_in(decorators: list[ast.expr], names: Mapping[str, str], aliases: Mapping[str, list[Mark]]) -> Iterator[Mark]:
    """Yield the markers that some expressions are, through names that stand for markers."""
    for decorator in decorators:
        name = dotted(decorator)
        if name in aliases:
            yield from aliases[name]
        full = resolve(name, names)
        if full.startswith("pytest.mark."):
            call = decorator if isinstance(decorator, ast.Call) else None
            yield Mark(full.split(".")[2], decorator.lineno, call)
        elif name not in aliases and last(name) == "integration":
            yield Mark("integration", decorator.lineno, None)


def marks_of_value(value: ast.expr | None, names: Mapping[str, str], aliases: Mapping[str, list[Mark]]) -> list[Mark]:
    """Return the markers in what is assigned to `pytestmark`: one, or a list of them."""
    if isinstance(value, ast.BinOp):
        return marks_of_value(value.left, names, aliases) + marks_of_value(value.right, names, aliases)
    values = value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value] if value is not None else []
    inner = [each.value if isinstance(each, ast.Starred) else each for each in values]
    return list(marks_in(inner, names, aliases))
