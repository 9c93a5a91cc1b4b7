"""What stands and runs at the top of a file: I07, I21."""

import ast
from collections.abc import Iterator

from sdcm.lint import sdks
from sdcm.lint.finding import Finding
from sdcm.lint.functions import Function
from sdcm.lint.names import dotted, resolve
from sdcm.lint.rule import Rule, TestFile
from sdcm.services import rule_texts

_WAIVED = ("noqa: PLC0415", "noqa:PLC0415")


class QuietImport(Rule):
    """I07."""

    id = "I07"
    title = "Importing a test file asks no network and reads no account"
    why = (
        "Every run imports every file, unit-tests and each worker too: it is slow, or fails, where the service is not."
    )
    bad = '''
import boto3
import pytest

REGIONS = [region["RegionName"] for region in boto3.client("ec2").describe_regions()["Regions"]]


@pytest.mark.integration
@pytest.mark.services("aws")
@pytest.mark.parametrize("region", REGIONS)
def test_region(region, params):
    """A region has zones."""
    assert region
'''
    good = '''
import boto3
import pytest


@pytest.mark.integration
@pytest.mark.services("aws")
def test_regions(params):
    """Every region has a name."""
    assert all(region["RegionName"] for region in boto3.client("ec2").describe_regions()["Regions"])
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield calls at import that reach out, themselves or through the file's own functions."""
        if not file.tests and not file.source.is_conftest:
            return
        told: dict[int, str] = {}
        for node in file.source.module_level:
            if isinstance(node, ast.Call):
                name = resolve(dotted(node.func), file.source.names)
                what = name if sdks.reaches_out(name, node) else self._through(file, name, frozenset())
                if what:
                    told[node.lineno] = what
        for line, what in told.items():
            yield self.finding(file, line, rule_texts.while_importing(what))

    def _through(self, file: TestFile, name: str, seen: frozenset[str]) -> str:
        """Return what a function of the file reaches out with, empty where it does not."""
        function = file.needs.functions.get(name)
        if function is None or name in seen or function.fixture is not None or function.is_test:
            return ""
        for call in function.calls:
            called = function.resolved(call)
            if sdks.reaches_out(called, call) and not file.needs.is_mocked(function):
                return f"{name}() calls {called}"
            if through := self._through(file, called, seen | {name}):
                return f"{name}() calls {through}"
        return ""


class ImportsAtTop(Rule):
    """I21."""

    id = "I21"
    title = "Imports stand at the top of the file"
    why = "A missing package then shows when the file is collected, not in the middle of a run."
    bad = '''
import pytest


@pytest.mark.integration
def test_hosts(docker_scylla):
    """A session knows its host."""
    from cassandra.cluster import Session

    assert isinstance(docker_scylla.cql_connection(), Session)
'''
    good = '''
import pytest
from cassandra.cluster import Session


@pytest.mark.integration
def test_hosts(docker_scylla):
    """A session knows its host."""
    assert isinstance(docker_scylla.cql_connection(), Session)
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield imports in the functions of a file of integration tests, those tried for (ImportError) left out."""
        if not any(True for _ in file.integration_functions):
            return
        for function in file.source.functions:
            tried = set(_tried(function))
            for node in function.body_nodes:
                if isinstance(node, (ast.Import, ast.ImportFrom)) and node not in tried:
                    line = file.source.lines[node.lineno - 1]
                    if not any(waiver in line for waiver in _WAIVED):
                        yield self.finding(file, node.lineno, f"{function.name}: move import to top")


def _tried(function: Function) -> Iterator[ast.AST]:
    for node in function.body_nodes:
        if isinstance(node, ast.Try):
            caught = " ".join(ast.unparse(handler.type) for handler in node.handlers if handler.type)
            if "ImportError" in caught or "ModuleNotFoundError" in caught:
                yield from (inner for statement in node.body for inner in ast.walk(statement))
