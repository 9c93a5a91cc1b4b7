"""What functions create that must be gone afterwards, and whether it will be."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdcm.lint import sdks
from sdcm.lint.functions import Function
from sdcm.lint.names import argument, dotted, last
from sdcm.lint.source import SourceFile

if TYPE_CHECKING:
    from sdcm.lint.needs import Needs

#: Methods of clouds' and clusters' clients that make something.
_METHODS = re.compile(
    r"run_instances|create_instances?|launch_instance|request_spot_instances|begin_create\w*|create_or_update"
    r"|allocate_(?:address|hosts)|create_(?:bucket|vpc|subnet|security_group|volume|snapshot|key_pair|stack|role|secret"
    r"|queue|function|nodegroup|resource_group|disk|network_interface|launch_template|namespace|namespaced_\w+)"
)
_CLASSES = {"RemoteDocker", "DockerContainer", "GenericContainer"}
#: What a command line makes, as its first words.
_COMMANDS = re.compile(
    r"(?:sudo )?(?:(?:docker|podman) (?:create|network create|volume create|container create)"
    r"|(?:docker|podman)[ -]compose\b.* up|kind create cluster|helm install|eksctl create)\b"
)
_DETACHED = re.compile(r"(?:sudo )?(?:docker|podman) (?:container )?run\b.* (?:-[a-z]*d[a-z]*|--detach)\b")
_RUNNERS = {"run", "sudo", "call", "check_call", "check_output", "Popen", "system"}
_SERVERS = re.compile(r"(?:server|container|cluster|daemon|broker)\d*$", re.IGNORECASE)
#: Calls that see to it that something is undone whatever happens.
_FINALIZERS = {"addfinalizer", "callback", "push", "enter_context", "addCleanup", "finalize", "defer", "add_cleanup"}
#: Calls that cannot reasonably fail between making a thing and guarding it.
_HARMLESS = re.compile(
    r"(?:logging|logger|log|LOGGER|LOG)\.\w+|print|str|int|len|list|dict|tuple|join|format|uuid\.uuid4|time\.time|[A-Z]\w*"
)


@dataclass(frozen=True)
class Creation:
    """A call that creates something.

    Attributes:
        call: The call.
        what: What it is called, for messages.
        is_service: Whether it is a program that needs time to start: a container, a server.
    """

    call: ast.Call
    what: str
    is_service: bool


class Creations:
    """The creations of a file's functions."""

    def __init__(self, source: SourceFile, needs: "Needs") -> None:
        """Look at a file; what is mocked there creates nothing in a cloud."""
        self._source = source
        self._needs = needs
        self._found: dict[int, tuple[Creation, ...]] = {}

    def of(self, function: Function) -> tuple[Creation, ...]:
        """Return what a function's own body creates."""
        key = id(function)
        if key not in self._found:
            self._found[key] = tuple(self._look(function))
        return self._found[key]

    def _look(self, function: Function) -> Iterator[Creation]:
        made: dict[str, ast.expr] = {}
        for node in function.body_nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                made[node.targets[0].id] = node.value
        for call in function.calls:
            name = function.resolved(call)
            if _METHODS.fullmatch(last(name)) and "." in name:
                if not self._needs.is_mocked(function):
                    yield Creation(call, f"{last(name)}()", is_service=False)
            elif what := _container(call, name, made):
                yield Creation(call, what, is_service=not what.endswith((" create", ".create()")))
            elif last(name) == "start" and _is_server(call, made):
                # Its own `start` may well wait; a container's never does.
                yield Creation(call, f"{dotted(call.func)}()", is_service=False)


def _container(call: ast.Call, name: str, made: Mapping[str, ast.expr]) -> str:
    """Return what a call makes in an engine or a cluster, or which program it leaves running; else nothing."""
    if last(name) in _CLASSES:
        return f"{last(name)}()"
    if name.endswith("containers.run"):
        detach = argument(call, "detach")
        return "containers.run()" if isinstance(detach, ast.Constant) and detach.value is True else ""
    if name.endswith(("containers.create", "networks.create", "volumes.create")):
        return ".".join(name.split(".")[-2:]) + "()"
    return _program(name, _command(call, made)) if last(name) in _RUNNERS else ""


def _program(name: str, command: str) -> str:
    """Return what a command line makes, or that it is left running."""
    if _DETACHED.match(command):
        return "docker run -d"
    if match := _COMMANDS.match(command):
        return match[0]
    return "Popen()" if name == "subprocess.Popen" else ""


def _command(call: ast.Call, made: Mapping[str, ast.expr]) -> str:
    """Return the command line that a call runs, one variable followed."""
    if call.args and isinstance(call.args[0], ast.Name) and call.args[0].id in made:
        call = ast.Call(call.func, [made[call.args[0].id]], [])
    return " ".join(sdks.program(call))


def _is_server(call: ast.Call, made: Mapping[str, ast.expr]) -> bool:
    """Whether `x.start()` starts a server that the function itself made."""
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
    if isinstance(receiver, ast.Call):
        return bool(_SERVERS.search(last(dotted(receiver.func))))
    if not isinstance(receiver, ast.Name) or not isinstance(made.get(receiver.id), ast.Call):
        return False
    return bool(_SERVERS.search(last(dotted(made[receiver.id]))))


class Guarding:
    """Whether a function undoes what it creates."""

    def __init__(self, function: Function) -> None:
        """Look at a function's blocks."""
        self._function = function
        self._parents = {child: node for node in _own(function) for child in ast.iter_child_nodes(node)}
        self.finalizes = any(last(dotted(call.func)) in _FINALIZERS for call in function.calls)
        self.yields = [node for node in _own(function) if isinstance(node, (ast.Yield, ast.YieldFrom))]

    def _above(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        """Yield a node's ancestors within the function, each with its child on the way."""
        child = node
        while (parent := self._parents.get(child)) is not None:
            yield parent, child
            child = parent

    def managed(self, node: ast.AST) -> bool:
        """Whether a call is handed to something that ends it: `with`, `enter_context`, `addfinalizer`, a `return`."""
        for parent, _ in self._above(node):
            if isinstance(parent, ast.withitem):
                return True
            if isinstance(parent, ast.Call) and last(dotted(parent.func)) in _FINALIZERS:
                return True
        return self._used_in_with(node)

    def _used_in_with(self, node: ast.AST) -> bool:
        """Whether the variable that a call is assigned to is the subject of a `with` further down."""
        parent = self._parents.get(node)
        if not isinstance(parent, ast.Assign) or not isinstance(parent.targets[0], ast.Name):
            return False
        name = parent.targets[0].id
        items = (each for each in _own(self._function) if isinstance(each, ast.withitem))
        return any(isinstance(n, ast.Name) and n.id == name for item in items for n in ast.walk(item.context_expr))

    def in_try(self, node: ast.AST) -> bool:
        """Whether a node stands in a `try` whose `finally`, or whose re-raising `except`, runs after it."""
        for parent, child in self._above(node):
            if isinstance(parent, ast.Try) and child in parent.body:
                if parent.finalbody:
                    return True
                if any(isinstance(each, ast.Raise) for handler in parent.handlers for each in ast.walk(handler)):
                    return True
        return False

    def has_teardown(self) -> bool:
        """Whether something comes after the `yield` of a fixture, or around it."""
        for node in self.yields:
            if self.in_try(node):
                return True
            for parent, child in self._above(node):
                body: Sequence[ast.AST] = getattr(parent, "body", ())
                if isinstance(parent, (ast.With, ast.AsyncWith)):
                    return True
                if isinstance(body, list) and child in body and body.index(child) < len(body) - 1:
                    return True
        if isinstance(self._function.node.body[-1], ast.Expr):
            return self.finalizes
        return self.finalizes or self._after_yield()

    def _after_yield(self) -> bool:
        ends = [node.lineno for node in self.yields]
        return bool(ends) and self._function.node.body[-1].lineno > min(ends)

    def leaks_between(self, node: ast.AST) -> ast.AST | None:
        """Return what may fail after a creation and before it is guarded; None where nothing may.

        Guarded is what is yielded, or stands before a `try` with `finally`, a `with` or a registered finalizer.
        """
        statement, block = self._statement(node)
        for after in block[block.index(statement) + 1 :]:
            inner = list(ast.walk(after))
            if isinstance(after, ast.Try) and (after.finalbody or after.handlers):
                return None
            calls = [each for each in inner if isinstance(each, ast.Call)]
            if any(last(dotted(call.func)) in _FINALIZERS for call in calls):
                return None
            if any(isinstance(each, (ast.Yield, ast.YieldFrom)) for each in inner):
                return None
            if risky := next((call for call in calls if not _HARMLESS.fullmatch(_short(call))), None):
                return risky
            if raising := next((each for each in inner if isinstance(each, (ast.Raise, ast.Assert))), None):
                return raising
        return None

    def before_try(self, node: ast.AST) -> bool:
        """Whether a `try` with `finally` follows a creation before anything that may fail does."""
        statement, block = self._statement(node)
        for after in block[block.index(statement) + 1 :]:
            if isinstance(after, ast.Try):
                return bool(after.finalbody)
            if any(isinstance(each, ast.Call) and not _HARMLESS.fullmatch(_short(each)) for each in ast.walk(after)):
                return False
        return False

    def _statement(self, node: ast.AST) -> tuple[ast.stmt, list[ast.stmt]]:
        """Return the statement that a node is in, and the block that it stands in."""
        child: ast.AST = node
        for parent, below in self._above(node):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(parent, name, None)
                if isinstance(block, list) and below in block and isinstance(below, ast.stmt):
                    return below, block
            child = below
        body = self._function.node.body
        while child not in body:
            child = self._parents[child]
        return child, body


def _own(function: Function) -> Iterator[ast.AST]:
    """Yield the function and every node of its body."""
    yield function.node
    yield from function.body_nodes


def _short(call: ast.Call) -> str:
    name = dotted(call.func)
    return (
        name if name.partition(".")[0] in {"logging", "logger", "log", "LOGGER", "LOG", "uuid", "time"} else last(name)
    )
