"""Waits: I13, I14, I15."""

import ast
import re
from collections.abc import Iterator

from sdcm.lint import sdks
from sdcm.lint.finding import Finding
from sdcm.lint.functions import Function
from sdcm.lint.names import argument, dotted, last, takes_more
from sdcm.lint.rule import Rule, TestFile

_LONG_SLEEP = 10
_READY = re.compile(r"wait|ready|poll|until|health|retry|is_port_used|is_up|eventually|alive|connect", re.IGNORECASE)
_NODES = re.compile(r"(?:\w*scylla\w*|\w*node\d*|\w*container|\w*remoter|\w*cassandra|LOCALRUNNER|localhost)$")
#: Commands that end at once, or are ended by what they read.
_QUICK = re.compile(
    r"(?:sudo )?(?:echo|cat|ls|test|true|false|exit|wc|rm|mkdir|touch|grep|head|tail -n|id|hostname|which|stat|df|du|ps"
    r"|env|date|pwd|whoami|printf|chown|chmod|cp|mv|ln|su"
    r"|sed|cut|sort|find|nodetool (?:status|info|version|ring|gossipinfo|describecluster"
    r"|getendpoints|help))\b|\["
)
_QUICK_NODETOOL = {"status", "info", "version", "ring", "gossipinfo", "describecluster", "help", "statusgossip"}
_PROGRAMS = re.compile(r"subprocess\.(?:run|call|check_call|check_output)")
_HTTP = re.compile(r"(?:requests|httpx)\.(?:get|post|put|patch|delete|head|options|request)|urllib\.request\.urlopen")


class ReadinessAwaited(Rule):
    """I13."""

    id = "I13"
    title = "A started service is awaited before it is used"
    why = "Between its start and its readiness lie seconds; who does not wait wins on a fast machine only."
    bad = '''
import docker
import pytest
import requests
from sdcm import paths


@pytest.mark.integration
@pytest.mark.services("docker")
def test_page(request):
    """The server shows its page."""
    server = docker.from_env().containers.run("web", detach=True, labels={"for": str(paths)})
    request.addfinalizer(lambda: server.remove(force=True, v=True))
    assert requests.get("http://127.0.0.1:8000", timeout=5).ok
'''
    good = '''
import docker
import pytest
import requests
from sdcm.wait import wait_for


@pytest.mark.integration
@pytest.mark.services("docker")
def test_page(request):
    """The server shows its page."""
    server = docker.from_env().containers.run("web", detach=True)
    request.addfinalizer(lambda: server.remove(force=True, v=True))
    page = lambda: requests.get("http://127.0.0.1:8000", timeout=5)
    assert wait_for(page, step=0.5, timeout=30, text="the server answers").ok
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield containers and servers after which the function calls more, and never anything that waits."""
        for function in file.integration_functions:
            for creation in file.creations.of(function):
                if not creation.is_service or _waits(function):
                    continue
                if any(call.lineno > (creation.call.end_lineno or 0) for call in _before_teardown(function)):
                    message = f"{function.name}: wait for {creation.what} with wait.wait_for(..., timeout=)"
                    yield self.finding(file, creation.call.lineno, message)
                    break


def _waits(function: Function) -> bool:
    """Whether a function waits for anything: by a call whose name says so, or by a loop that sleeps."""
    if any(_READY.search(last(dotted(call.func))) for call in function.calls):
        return True
    loops = [node for node in function.body_nodes if isinstance(node, (ast.While, ast.For))]
    inner = [call for loop in loops for call in ast.walk(loop) if isinstance(call, ast.Call)]
    return any(last(dotted(call.func)) == "sleep" for call in inner)


def _before_teardown(function: Function) -> list[ast.Call]:
    """Return the calls that use what was started: those before the `yield`, finalizers left out."""
    yields = [node.lineno for node in function.body_nodes if isinstance(node, (ast.Yield, ast.YieldFrom))]
    end = min(yields, default=1 << 30)
    used = [call for call in function.calls if call.lineno < end]
    undoing = {"kill", "remove", "stop", "terminate", "addfinalizer", "callback", "close", "rm", "delete", "skip"}
    return [call for call in used if last(dotted(call.func)) not in undoing]


class WaitsEnd(Rule):
    """I14."""

    id = "I14"
    title = "A wait has a timeout, and nothing sleeps long"
    why = "A service that never comes hangs the run until somebody kills it; a fixed sleep is too long or too short."
    bad = '''
import pytest
from sdcm.wait import wait_for


@pytest.mark.integration
def test_row(docker_scylla):
    """A row arrives."""
    session = docker_scylla.cql_connection()
    wait_for(lambda: session.execute("SELECT * FROM ks.t").one(), step=1, text="a row")
'''
    good = '''
import pytest
from sdcm.wait import wait_for


@pytest.mark.integration
def test_row(docker_scylla):
    """A row arrives."""
    session = docker_scylla.cql_connection()
    wait_for(lambda: session.execute("SELECT * FROM ks.t").one(), step=1, text="a row", timeout=30)
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield endless waits of `sdcm.wait` and sleeps of 10 s or more, in any function of a file of such tests."""
        if not any(True for _ in file.integration_functions):
            return
        for function in file.source.functions:
            for call in function.calls:
                name = function.resolved(call)
                if last(name) == "wait_for" and name.startswith(("sdcm.wait.", "wait.")):
                    timeout = argument(call, "timeout", 3)
                    endless = timeout is None and not takes_more(call)
                    if endless or (isinstance(timeout, ast.Constant) and not timeout.value):
                        message = f"{function.name}: wait_for without timeout waits for ever -- add timeout="
                        yield self.finding(file, call.lineno, message)
                elif name == "time.sleep" and call.args and _seconds(call.args[0]) >= _LONG_SLEEP:
                    message = f"{function.name}: sleeps {_seconds(call.args[0]):g} s -- wait for what it waits for"
                    yield self.finding(file, call.lineno, f"{message}: wait.wait_for(..., timeout=)")


def _seconds(node: ast.expr) -> float:
    return float(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) else 0.0


class Bounded(Rule):
    """I15."""

    id = "I15"
    title = "An operation that may hang has a timeout"
    why = "A node that stops answering in the middle holds the worker, and with it every test behind."
    bad = '''
import pytest


@pytest.mark.integration
def test_repair(docker_scylla):
    """A repair ends well."""
    assert docker_scylla.run("nodetool repair").ok
'''
    good = '''
import pytest


@pytest.mark.integration
def test_repair(docker_scylla):
    """A repair ends well."""
    assert docker_scylla.run("nodetool repair", timeout=300).ok
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield commands in nodes, programs and HTTP requests without a timeout; quick commands are let be."""
        for function in file.integration_functions:
            for call in function.calls:
                if argument(call, "timeout") is None and not takes_more(call) and _may_hang(function, call):
                    yield self.finding(file, call.lineno, f"{dotted(call.func)}(): add timeout=")


def _may_hang(function: Function, call: ast.Call) -> bool:
    name = function.resolved(call)
    if _PROGRAMS.fullmatch(name):
        return not _QUICK.match(" ".join(sdks.program(call)))
    if _HTTP.fullmatch(name):
        return True
    receiver = dotted(call.func).rpartition(".")[0]
    if last(name) not in {"run", "run_nodetool"} or not _NODES.fullmatch(last(receiver)):
        return False
    places = 2 if last(name) == "run" else 4
    if len(call.args) >= places or not (call.args or call.keywords):
        return False
    words = sdks.program(call) or [str(getattr(argument(call, "sub_cmd") or argument(call, "cmd"), "value", ""))]
    if last(name) == "run_nodetool":
        return words[:1] != [] and words[0] not in _QUICK_NODETOOL
    return not _QUICK.match(" ".join(words))
