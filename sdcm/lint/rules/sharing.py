"""What tests share, and leave changed: I16, I23."""

import ast
import re
from collections.abc import Iterator

from sdcm.lint import sdks
from sdcm.lint.finding import Edit, Finding
from sdcm.lint.functions import Function
from sdcm.lint.names import argument, dotted, last, strings
from sdcm.lint.rule import Rule, TestFile
from sdcm.lint.rules.place import decorator_edit
from sdcm.services import labels

_CHAIN = re.compile(r"test_(\d+)_")
_CREATES = re.compile(r"\bCREATE\s+(?:TABLE|KEYSPACE|TYPE|MATERIALIZED VIEW|ROLE)\b", re.IGNORECASE)
_WORKS_ON = re.compile(
    r"\b(?:INSERT\s+INTO|SELECT\b.*\bFROM|UPDATE\s+\w|DELETE\s+FROM|ALTER\s+TABLE|DROP\s+TABLE)\b", re.IGNORECASE
)
_FIXED_PORT = re.compile(r"(?:^|\s)(?:-p|--publish)[ =](?:[\d.]+:)?\d+:\d+")
_FIXED_NAME = re.compile(r"(?:docker|podman) run\b.*\s--name[ =]([\w.-]+)(?=\s|$)")
_WIDE = {"module", "package", "session"}


class SharedGrouped(Rule):
    """I16."""

    id = "I16"
    title = "Tests that share a container, a name or a port share an xdist_group"
    why = "Workers run them at the same time: they meet another's container, or none."
    fixable = True
    bad = '''
import pytest


@pytest.mark.integration
def test_01_create(docker_scylla):
    """A table is made."""
    docker_scylla.run_cqlsh("CREATE TABLE ks.t (k int PRIMARY KEY)")


@pytest.mark.integration
def test_02_insert(docker_scylla):
    """A row goes in."""
    docker_scylla.run_cqlsh("INSERT INTO ks.t (k) VALUES (1)")
'''
    good = '''
import pytest


@pytest.mark.integration
@pytest.mark.xdist_group("crud")
def test_01_create(docker_scylla):
    """A table is made."""
    docker_scylla.run_cqlsh("CREATE TABLE ks.t (k int PRIMARY KEY)")


@pytest.mark.integration
@pytest.mark.xdist_group("crud")
def test_02_insert(docker_scylla):
    """A row goes in."""
    docker_scylla.run_cqlsh("INSERT INTO ks.t (k) VALUES (1)")
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield tests without a group that build on one another, hold a fixed name, or share a wide fixture."""
        tests = [test for test in file.integration_tests if not file.source.has_mark(test, "xdist_group")]
        chained = _chained(tests)
        fixed = {name: _fixed(fixture) for name, (_, fixture) in file.needs.fixtures.items()}
        shared = self._shared(file, tests)
        group = re.sub(r"^test_", "", file.source.path.stem).replace("_", "-")
        for test in tests:
            why = "continues another test" if test in chained else _fixed(test)
            asked = file.needs.asked_for(test)
            why = why or next((f"{name} holds {fixed[name]}" for name in asked if fixed.get(name)), "")
            why = why or next((f"shares {name}" for name in asked if name in shared), "")
            if why:
                edit = decorator_edit(file, test, f'pytest.mark.xdist_group("{group}")')
                message = f'{test.name}: {why} -- add @pytest.mark.xdist_group("{group}")'
                yield self.finding(file, test.node.lineno, message, edit, needs_import="pytest")

    @staticmethod
    def _shared(file: TestFile, tests: list[Function]) -> set[str]:
        """Return the fixtures of wide scope that hold a container and are used by two tests or more."""
        users: dict[str, int] = {}
        for test in tests:
            for name, fixture in file.needs.asked_for(test).items():
                if fixture.scope in _WIDE and (
                    labels.of_fixtures(fixture.arguments)
                    or any(
                        creation.is_service and "Popen" not in creation.what for creation in file.creations.of(fixture)
                    )
                ):
                    users[name] = users.get(name, 0) + 1
        return {name for name, count in users.items() if count > 1}


def _chained(tests: list[Function]) -> list[Function]:
    """Return the numbered tests that work on what an earlier one made, and that one."""
    numbered = [test for test in tests if _CHAIN.match(test.node.name)]
    makers = [test for test in numbered if _CREATES.search(_said(test))]
    going_on = [test for test in numbered if _WORKS_ON.search(_said(test)) and test not in makers]
    follow = [test for test in going_on if any(maker.node.lineno < test.node.lineno for maker in makers)]
    first = [maker for maker in makers if any(maker.node.lineno < test.node.lineno for test in follow)]
    return [*first, *follow]


def _said(test: Function) -> str:
    return " ".join(str(text.value) for call in test.calls for text in strings(call))


def _fixed(function: Function) -> str:
    """Return which fixed name or port a function takes, empty where none."""
    for call in function.calls:
        name = function.resolved(call)
        if name.endswith(("containers.run", "containers.create")):
            given = argument(call, "name")
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                return f"the fixed name {given.value!r}"
            ports = argument(call, "ports")
            if isinstance(ports, ast.Dict) and any(_is_port(value) for value in ports.values):
                return "a fixed port"
        command = " ".join(sdks.program(call))
        if last(name) in {"run", "check_call", "check_output", "Popen", "call"} and " run" in command:
            if match := _FIXED_NAME.search(command):
                return f"the fixed name {match[1]!r}"
            if _FIXED_PORT.search(command):
                return "a fixed port"
    return ""


def _is_port(value: ast.expr) -> bool:
    if isinstance(value, ast.Tuple):
        return any(_is_port(each) for each in value.elts[1:])
    return isinstance(value, ast.Constant) and isinstance(value.value, int) and value.value > 0


class StateKept(Rule):
    """I23."""

    id = "I23"
    title = "A test changes nothing that other tests see"
    why = "Variables, markers and classes belong to the whole worker: the next test there starts with the change."
    fixable = True
    bad = '''
import os

import pytest


@pytest.mark.integration
def test_region(docker_scylla, monkeypatch):
    """A node does not care for regions."""
    os.environ["REGION"] = "north"
    assert docker_scylla.cql_connection().execute("SELECT now() FROM system.local").one()
'''
    good = '''
import pytest


@pytest.mark.integration
def test_region(docker_scylla, monkeypatch):
    """A node does not care for regions."""
    monkeypatch.setenv("REGION", "north")
    assert docker_scylla.cql_connection().execute("SELECT now() FROM system.local").one()
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield what is assigned to the environment, to a marker's arguments or to a class, and not put back."""
        for function in (*file.tests, *file.source.fixtures):
            if _puts_back(function):
                continue
            for node in function.body_nodes:
                targets = node.targets if isinstance(node, (ast.Assign, ast.Delete)) else []
                for target in targets:
                    if what := _shared_state(function, target):
                        yield self._leak(file, function, node, what)
                if isinstance(node, ast.Call) and (what := _changing_call(function, node)):
                    yield self.finding(file, node.lineno, f"{what} leaks state into other tests -- use monkeypatch")
        if any(True for _ in file.integration_tests):
            yield from self._at_import(file)

    def _at_import(self, file: TestFile) -> Iterator[Finding]:
        for statement in file.source.tree.body:
            for target in statement.targets if isinstance(statement, ast.Assign) else ():
                if isinstance(target, ast.Subscript) and dotted(target.value) == "os.environ":
                    yield self._leak(file, None, statement, "os.environ[...]")

    def _leak(self, file: TestFile, function: Function | None, node: ast.AST, what: str) -> Finding:
        line = getattr(node, "lineno", 1)
        message = f"{what} leaks state into other tests -- use monkeypatch"
        arguments = function.arguments if function else ()
        if what == "os.environ[...]" and "monkeypatch" in arguments and isinstance(node, ast.Assign):
            target = node.targets[0]
            if isinstance(target, ast.Subscript) and len(node.targets) == 1:
                text = f"monkeypatch.setenv({ast.unparse(target.slice)}, {ast.unparse(node.value)})".replace("'", '"')
                edit = Edit(line, node.col_offset, node.end_lineno or line, node.end_col_offset or 0, text)
                return self.finding(file, line, message, edit)
        return self.finding(file, line, message)


def _puts_back(function: Function) -> bool:
    """Whether a function restores the environment after its `yield` or in a `finally`."""
    for node in function.body_nodes:
        if isinstance(node, ast.Try) and any("environ" in ast.dump(each) for each in node.finalbody):
            return True
        if isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if last(dotted(item.context_expr)) in {"dict", "environment", "context", "mock_env"}:
                    return True
    yields = [node.lineno for node in function.body_nodes if isinstance(node, ast.Yield)]
    return bool(yields) and any(
        isinstance(node, ast.Attribute) and node.attr == "environ" and node.lineno > yields[0]
        for node in function.body_nodes
    )


def _shared_state(function: Function, target: ast.AST) -> str:
    if isinstance(target, ast.Subscript):
        name = dotted(target.value)
        if name == "os.environ":
            return "os.environ[...]"
        if name.endswith(".kwargs") and "mark" in name:
            return f"{name}[...]"
    if isinstance(target, ast.Attribute) and dotted(target.value).endswith("__class__"):
        return f"{dotted(target)}"
    return ""


def _changing_call(function: Function, call: ast.Call) -> str:
    name = function.resolved(call)
    if name in {
        "os.environ.update",
        "os.environ.pop",
        "os.environ.setdefault",
        "os.environ.clear",
        "os.putenv",
        "os.chdir",
    }:
        return f"{name}()"
    return f"{name}()" if name.endswith(("marker.kwargs.update", "mark.kwargs.update")) else ""
