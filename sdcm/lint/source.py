"""A test file as the rules see it: parsed and walked once."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sdcm.lint.functions import Function, FunctionNode, Mark, marks_in, marks_of_value
from sdcm.lint.names import imported
from sdcm.services import labels
from sdcm.services.rooms import room_of


@dataclass(eq=False)
class SourceFile:
    """One file.

    Attributes:
        path: As it was named to the linter.
        text: Its content.
        tree: Its syntax tree.
        plugin_acts: Whether its project has `sct = true`: declared services then skip by themselves.
        conftests: The `conftest.py` files above it, nearest first.
    """

    path: Path
    text: str
    tree: ast.Module
    plugin_acts: bool = False
    conftests: Sequence["SourceFile"] = field(default=(), repr=False)

    @cached_property
    def lines(self) -> list[str]:
        """Its lines."""
        return self.text.splitlines()

    @cached_property
    def names(self) -> dict[str, str]:
        """Local name -> full name of everything imported outside functions."""
        return imported(_outside_functions(self.tree))

    @cached_property
    def aliases(self) -> dict[str, list[Mark]]:
        """Module-level names that stand for markers, such as `needs_aws = pytest.mark.skipif(...)`."""
        found: dict[str, list[Mark]] = {}
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if name != "pytestmark" and (marks := marks_of_value(node.value, self.names, found)):
                    found[name] = marks
        return found

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the file."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        """Functions and methods, in their order; those inside functions belong to these."""
        return tuple(self._functions(self.tree, ()))

    def _functions(self, parent: ast.AST, classes: tuple[ast.ClassDef, ...]) -> Iterator[Function]:
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, FunctionNode):
                yield Function(node, classes, self.names, self.aliases)
            elif isinstance(node, ast.ClassDef):
                yield from self._functions(node, (*classes, node))
            elif isinstance(node, (ast.If, ast.Try, ast.With)):
                yield from self._functions(node, classes)

    @cached_property
    def tests(self) -> tuple[Function, ...]:
        """Its tests."""
        return tuple(function for function in self.functions if function.is_test and not self.is_conftest)

    @cached_property
    def fixtures(self) -> tuple[Function, ...]:
        """Its fixtures."""
        return tuple(function for function in self.functions if function.fixture is not None)

    @property
    def is_conftest(self) -> bool:
        """Whether it is a `conftest.py`."""
        return self.path.name == "conftest.py"

    @cached_property
    def room(self) -> str:
        """`integration`, `acceptance`, `unit` for all else below a folder of tests, empty elsewhere."""
        return room_of(self.path.absolute())

    @cached_property
    def module_marks(self) -> tuple[Mark, ...]:
        """Markers in the module's `pytestmark`."""
        return tuple(self._pytestmark(self.tree.body))

    def _pytestmark(self, body: Sequence[ast.stmt]) -> Iterator[Mark]:
        for node in body:
            targets: list[ast.expr] = []
            if isinstance(node, ast.Assign):
                targets = node.targets
            elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
                targets = [node.target]
            if any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in targets):
                value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) else None
                yield from marks_of_value(value, self.names, self.aliases)

    def marks(self, function: Function) -> tuple[Mark, ...]:
        """Return a function's markers on all levels: its own, its classes', the module's."""
        of_classes: list[Mark] = []
        for each in function.classes:
            of_classes += marks_in(each.decorator_list, self.names, self.aliases)
            of_classes += self._pytestmark(each.body)
        return (*function.own_marks, *of_classes, *self.module_marks)

    def has_mark(self, function: Function, name: str) -> bool:
        """Whether a function has a marker, on whatever level."""
        return any(mark.name == name for mark in self.marks(function))

    def is_integration(self, function: Function) -> bool:
        """Whether the rules of integration tests are for this function: by its marker, or by its file's place."""
        return self.room == "integration" or self.has_mark(function, "integration")

    @cached_property
    def docstring(self) -> str:
        """The module's docstring."""
        return ast.get_docstring(self.tree, clean=False) or ""

    @cached_property
    def speaks_of_services(self) -> bool:
        """Whether a comment in it may name a service; looked at before the slower search for where."""
        return "service" in self.text

    @cached_property
    def speaking_heads(self) -> frozenset[int]:
        """First lines of the functions in whose text, or right above which, a comment may name a service."""
        speaking = [number for number, line in enumerate(self.lines, start=1) if "#" in line and "ervice" in line]
        ends = {each.first_line: each.node.end_lineno or 0 for each in self.functions}
        return frozenset(
            first
            for first, end in ends.items()
            if any(first <= number <= end or _is_above(self.lines, number, first) for number in speaking)
        )

    def near(self, function: Function) -> str:
        """Return a function's source with the comments right above it."""
        return labels.near_source(self.lines, function.first_line - 1, function.node.end_lineno or 0)

    @cached_property
    def module_level(self) -> tuple[ast.AST, ...]:
        """Every node that runs when the file is imported: decorators and defaults too, bodies of functions not."""
        return tuple(_outside_functions(self.tree))


def _is_above(lines: list[str], number: int, first: int) -> bool:
    """Whether a line stands in the comments right above another."""
    return number < first and all(line.lstrip().startswith("#") for line in lines[number - 1 : first - 1])


def _outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when a module is imported."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, FunctionNode):
            waiting.extend([*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)])
        elif not isinstance(node, ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def parse(path: Path, text: str) -> SourceFile:
    """Parse a file.

    Raises:
        SyntaxError: It is no Python.
        ValueError: It holds a null byte.
    """
    return SourceFile(path, text, ast.parse(text, str(path)))
