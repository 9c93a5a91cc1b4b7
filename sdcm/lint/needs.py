"""Which services a function declares, which it uses, and what it makes of them that is not real."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cached_property

from sdcm.lint import sdks
from sdcm.lint.functions import Function
from sdcm.lint.names import argument, dotted, last, resolve, strings
from sdcm.lint.source import SourceFile
from sdcm.services import labels
from sdcm.services.labels import Declaration
from sdcm.services.sdk_names import MOCKS
from sdcm.services.table import BY_LABEL, SERVICES

#: Fixtures, decorators and modules that put something else in a service's place.
_MOCKING = re.compile(
    r"(?:^|[._])(?:mock\w*|fake\w*|moto\w*|stub\w*|patch\w*|responses|dummy\w*|localstack\w*)", re.IGNORECASE
)
_VARIABLES = {name: row.label for row in SERVICES for name in row.variables}


class Needs:
    """What the functions of a file need, followed through its own functions and its fixtures."""

    def __init__(self, file: SourceFile) -> None:
        """Look at a file and the `conftest.py` files above it."""
        self._file = file
        self._declared: dict[Function, Declaration] = {}
        self._uses: dict[str, Mapping[str, str]] = {}
        self._closures: dict[tuple[str, ...], Mapping[str, Function]] = {}

    @cached_property
    def functions(self) -> Mapping[str, Function]:
        """The file's functions by name."""
        return {function.node.name: function for function in self._file.functions}

    @cached_property
    def fixtures(self) -> Mapping[str, tuple[SourceFile, Function]]:
        """Every fixture that a test of the file can ask for by name, the nearest of each name."""
        files = [self._file, *self._file.conftests]
        return {fixture.fixture_name: (file, fixture) for file in reversed(files) for fixture in file.fixtures}

    def asked_for(self, function: Function) -> Mapping[str, Function]:
        """Return the fixtures a function uses, directly or not, by name; those of others without a function."""
        names = [*function.arguments, *self._used_by_marker(function)]
        names += [name for name, (_, fixture) in self.fixtures.items() if fixture.autouse]
        key = tuple(sorted(set(names)))
        if key not in self._closures:
            found: dict[str, Function] = {}
            waiting = list(key)
            while waiting:
                name = waiting.pop()
                if name in self.fixtures and name not in found:
                    found[name] = self.fixtures[name][1]
                    waiting.extend(found[name].arguments)
            self._closures[key] = found
        return self._closures[key]

    def fixture_names(self, function: Function) -> set[str]:
        """Return the names of all fixtures that a function uses, those of plugins among them."""
        names = {*function.arguments, *self._used_by_marker(function)}
        for name, fixture in self.asked_for(function).items():
            names |= {name, *fixture.arguments}
        return names

    def _used_by_marker(self, function: Function) -> Iterator[str]:
        for mark in self._file.marks(function):
            if mark.name == "usefixtures" and mark.call:
                yield from (str(constant.value) for value in mark.call.args for constant in strings(value))

    def declared(self, function: Function) -> Declaration:
        """Return what is said of a function's services, on every level, by it and its fixtures."""
        if function not in self._declared:
            self._declared[function] = self._look_for_declaration(function)
        return self._declared[function]

    @cached_property
    def _said_by_module(self) -> Declaration:
        return labels.of_docstring(self._file.docstring)

    def _look_for_declaration(self, function: Function) -> Declaration:
        said = self._said_by_module
        speakers = [function.docstring, *(ast.get_docstring(each, clean=False) or "" for each in function.classes)]
        for text in speakers:
            if "ervice" in text or "ERVICE" in text:
                said |= labels.of_docstring(text)
        for mark in self._file.marks(function):
            if mark.call and mark.name == "services":
                said |= _of_marker(mark.call)
            elif mark.call and mark.name == "skipif":
                said |= _labelled(labels.of_skip_reason(_text_of(mark.call)))
        if self._file.speaks_of_services and function.first_line in self._file.speaking_heads:
            said |= labels.of_comments(self._file.near(function))
        if not function.is_test:
            return said
        names = self.fixture_names(function)
        said |= _labelled(labels.of_fixtures(names))
        direct = {*function.arguments, *self._used_by_marker(function)}
        for name, fixture in self.asked_for(function).items():
            if name not in direct and not fixture.autouse:
                continue
            said |= labels.of_docstring(fixture.docstring) | _labelled(self.guarded_by_fixture(fixture))
        return said

    def guarded(self, function: Function) -> set[str]:
        """Return the labels whose credentials a skip or a guard fixture of the function looks at."""
        found: set[str] = set()
        for mark in self._file.marks(function):
            if mark.call and mark.name == "skipif":
                found |= labels.of_skip_reason(_text_of(mark.call)) | self._read_by_helpers(mark.call)
        for fixture in self.asked_for(function).values():
            found |= self.guarded_by_fixture(fixture)
        return found | self.guarded_by_fixture(function)

    def guarded_by_fixture(self, function: Function) -> set[str]:
        """Return the labels whose variables, or credentials in words, a function looks at before it skips."""
        if not any(last(function.resolved(call)) == "skip" for call in function.calls):
            return set()
        texts = [node.value for node in function.body_nodes if isinstance(node, ast.Constant)]
        return labels.of_skip_reason("; ".join(text for text in texts if isinstance(text, str)))

    def _read_by_helpers(self, call: ast.Call) -> set[str]:
        """Return the labels whose variables the functions read that a condition calls."""
        found: set[str] = set()
        for inner in ast.walk(call):
            helper = self.functions.get(dotted(inner.func)) if isinstance(inner, ast.Call) else None
            if helper is not None:
                texts = {node.value for node in helper.body_nodes if isinstance(node, ast.Constant)}
                found |= {label for name, label in _VARIABLES.items() if name in texts}
        return found

    def uses(self, function: Function) -> Mapping[str, str]:
        """Return label -> what is called, for services that a function reaches through an SDK.

        Calls of the file's own functions are followed. What is mocked counts as not used.
        """
        return self._uses_of(function, frozenset())

    def _uses_of(self, function: Function, seen: frozenset[str]) -> Mapping[str, str]:
        key = function.name
        if key in self._uses:
            return self._uses[key]
        found: dict[str, str] = {}
        for call in function.calls:
            name = function.resolved(call)
            if (label := sdks.label_of(name)) and not sdks.goes_elsewhere(call):
                found.setdefault(label, name)
            helper = self.functions.get(dotted(call.func))
            if helper is not None and helper.node.name not in seen and helper is not function:
                for label, name in self._uses_of(helper, seen | {function.node.name}).items():
                    found.setdefault(label, name)
        if self.is_mocked(function):
            found = {label: name for label, name in found.items() if not BY_LABEL[label].is_cloud}
        if not seen:
            self._uses[key] = found
        return found

    def _asked_for_by_itself(self, function: Function) -> set[str]:
        """Return the fixtures that a test or fixture names, and those of its file that are used unasked.

        What a `conftest.py` puts around every test is for the tests that do not care.
        """
        if not function.is_test and function.fixture is None:
            return set()
        names = {*function.arguments, *self._used_by_marker(function)}
        for name in list(names):
            names |= {name, *(self.fixtures[name][1].arguments if name in self.fixtures else ())}
        return names | {each.fixture_name for each in self._file.fixtures if each.autouse}

    def is_replaced_for_all(self, name: str) -> bool:
        """Whether an unasked fixture of a `conftest.py` puts something in the place of what a call is called."""
        word = name.rpartition(".")[2].lower()
        for _, fixture in self.fixtures.values():
            if fixture.autouse and any(_replaces(call, fixture.resolved(call)) for call in fixture.calls):
                texts = (str(text.value).lower() for call in fixture.calls for text in strings(call))
                if any(word in text for text in texts):
                    return True
        return False

    def is_mocked_throughout(self, function: Function) -> bool:
        """Whether moto or a patch is wrapped around the whole function."""
        decorators = [*function.node.decorator_list, *(d for c in function.classes for d in c.decorator_list)]
        return any(resolve(dotted(each), self._file.names).startswith(MOCKS) for each in decorators) or any(
            isinstance(node, ast.With)
            and any(resolve(dotted(item.context_expr), function.all_names).startswith("moto.") for item in node.items)
            for node in function.node.body
        )

    def is_mocked(self, function: Function) -> bool:
        """Whether something stands in a service's place in a function: moto, a patch, a fake fixture."""
        if self.is_mocked_throughout(function):
            return True
        if any(_MOCKING.search(name) for name in self._asked_for_by_itself(function)):
            return True
        return any(_replaces(call, function.resolved(call)) for call in function.calls)


def _replaces(call: ast.Call, name: str) -> bool:
    """Whether a call puts something else in a service's place."""
    if name.startswith(MOCKS) or name in {"monkeypatch.setattr", "mocker.patch", "monkeypatch.setitem"}:
        return True
    return name == "monkeypatch.setenv" and any("ENDPOINT" in str(text.value) for text in strings(call))


def _labelled(found: set[str]) -> Declaration:
    return Declaration(frozenset(found), (), stated=bool(found))


def _of_marker(call: ast.Call) -> Declaration:
    words = [str(value.value) for value in call.args if isinstance(value, ast.Constant)]
    known = frozenset(word.strip().lower() for word in words if word.strip().lower() in BY_LABEL)
    return Declaration(
        known, tuple(word for word in words if word.strip().lower() not in BY_LABEL), stated=bool(call.args)
    )


def _text_of(call: ast.Call) -> str:
    """Return the reason of a `skipif` and the constants of its condition."""
    reason = argument(call, "reason")
    return "; ".join(
        str(text.value) for value in [*call.args, *([reason] if reason else [])] for text in strings(value)
    )
