"""Which containers tests start themselves: I11, I12."""

import ast
import re
from collections.abc import Iterator

from sdcm.lint.finding import Finding
from sdcm.lint.names import dotted, last, strings, words_of
from sdcm.lint.rule import Rule, TestFile

_SCYLLA = re.compile(r"(?:^|[\s/\"'])scylladb/scylla\b")
_RUN = re.compile(r"\b(?:docker|podman) (?:container )?(?:run|create)\b")
_IMAGE = re.compile(r"(?:[\w.-]+(?::\d+)?/)*[\w.-]+/?[\w.-]*:(?:v?\d[\w.+-]*|latest|nightly|stable|edge)")
_TAKES_IMAGE = re.compile(r"run|pull|start|create|container|image|docker|build|node", re.IGNORECASE)


class ScyllaByFixture(Rule):
    """I11."""

    id = "I11"
    title = "Scylla comes from docker_scylla"
    why = "A container of one's own has no readiness check, no evidence on failure and nobody who removes it."
    bad = '''
import pytest
from sdcm import process


@pytest.fixture
def node():
    """A node."""
    started = process.run(["docker", "run", "-d", "scylladb/scylla"], timeout=60)
    yield started.stdout.strip()
    process.run(["docker", "rm", "-fv", started.stdout.strip()], timeout=60)
'''
    good = '''
import pytest


@pytest.fixture
def node(docker_scylla):
    """A node."""
    return docker_scylla.name
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield calls that start Scylla by a command line, an engine's client or a container class."""
        for function in file.integration_functions:
            for call in function.calls:
                words = words_of(call)
                if not _SCYLLA.search(words):
                    continue
                name = dotted(call.func)
                starts = name.endswith(("containers.run", "containers.create")) or last(name).endswith("Container")
                if starts or last(name) == "RemoteDocker" or _RUN.search(words):
                    yield self.finding(file, call.lineno, f"{function.name}: use the docker_scylla fixture")


class ImageByMarker(Rule):
    """I12."""

    id = "I12"
    title = "An image's version stands in the marker"
    why = "In the body nobody sees it before the test runs: it is pulled late, and no plan names it."
    bad = '''
import pytest
from sdcm.containers.container import Container


@pytest.mark.integration
@pytest.mark.services("docker")
def test_version(start_container):
    """A node tells its version."""
    with start_container("example/database:5.2.1") as node:
        assert isinstance(node, Container)
'''
    good = '''
import pytest
from sdcm.containers.container import Container


@pytest.mark.integration
@pytest.mark.docker_scylla_args(scylla_docker_image="example/database:5.2.1")
def test_version(docker_scylla):
    """A node tells its version."""
    assert isinstance(docker_scylla, Container)
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield image references among the arguments of calls in the body of a test or fixture."""
        for function in file.integration_functions:
            for call in function.calls:
                if any(_is_image(argument, keyword, call) for argument, keyword in _arguments(call)):
                    message = f"{function.name}: set scylla_docker_image in docker_scylla_args, or use catalogue_image"
                    yield self.finding(file, call.lineno, message)


def _arguments(call: ast.Call) -> Iterator[tuple[ast.expr, str]]:
    for value in call.args:
        inner = value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]
        yield from ((each, "") for each in inner)
    yield from ((keyword.value, keyword.arg or "") for keyword in call.keywords)


def _is_image(value: ast.expr, keyword: str, call: ast.Call) -> bool:
    if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
        return False
    if not _IMAGE.fullmatch(value.value) or _is_address(value.value):
        return False
    if keyword:
        return "image" in keyword
    commands = " ".join(str(each.value) for each in strings(call))
    return bool(_TAKES_IMAGE.search(last(dotted(call.func)))) and (
        "/" in value.value or bool(_RUN.search(commands)) or "pull" in commands
    )


def _is_address(text: str) -> bool:
    """Whether `a:1234` is rather a host and its port."""
    head, _, tag = text.rpartition(":")
    return "/" not in head and tag.isdigit() and len(tag) > 2
