"""How a good integration test reads: I19, I20, I22, I24."""

import ast
import re
from collections.abc import Iterator

from sdcm.lint.finding import Edit, Finding
from sdcm.lint.functions import Function
from sdcm.lint.names import argument, dotted, last
from sdcm.lint.rule import Rule, TestFile

_PARSES = re.compile(r"pars|convert|decode|extract|from_(?:text|output|str)", re.IGNORECASE)
_OWN = ("sdcm.", "unit_tests.", ".")
_OUR_FIXTURES = re.compile(
    r"docker_scylla\w*|docker_vector_store\w*|k8s_cluster\w*|params|events\w*|catalogue_image"
    r"|alternator_api|kafka_cluster|s3_bucket|gcs_bucket|azure_blob_container|oci_account|(?:aws|gce|azure)_resources"
)
_FOREIGN_SECTIONS = re.compile(
    r"^\s*(?::param\b|:returns?:|:raises?\b|@param\b|(?:Parameters|Returns|Raises)\s*\n\s*-{3,})", re.MULTILINE
)
_WITHOUT_COLON = re.compile(r"^\s*(?:Args|Arguments|Returns|Raises|Yields)\s*$", re.MULTILINE)


class NoServiceForParsing(Rule):
    """I19."""

    id = "I19"
    title = "No node is started for parsing alone"
    why = "The seconds of its boot test nothing that a sample of the output would not."
    advice = True
    bad = '''
import pytest
from sdcm.containers.records import parse_status


@pytest.mark.integration
def test_status(docker_scylla):
    """The state is parsed."""
    assert parse_status(docker_scylla.run_nodetool("status").stdout)["state"] == "UN"
'''
    good = '''
import pytest


@pytest.mark.integration
def test_status(docker_scylla):
    """A node is up and normal."""
    assert "UN" in docker_scylla.run_nodetool("status").stdout
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield tests whose one use of a node is a command whose output goes to a parser."""
        for test in file.integration_tests:
            nodes = [name for name in test.arguments if name.startswith("docker_scylla")]
            if len(nodes) != 1:
                continue
            uses = [node for node in test.body_nodes if isinstance(node, ast.Name) and node.id == nodes[0]]
            runs = [call for call in test.calls if dotted(call.func) in {f"{nodes[0]}.run", f"{nodes[0]}.run_nodetool"}]
            if len(uses) == len(runs) == 1 and any(_PARSES.search(last(dotted(call.func))) for call in test.calls):
                yield self.finding(file, test.node.lineno, f"{test.name}: feed sample output instead")


class ExercisesOwnCode(Rule):
    """I20."""

    id = "I20"
    title = "A test exercises our code, not the service"
    why = "That somebody's image starts is for them to test."
    advice = True
    bad = '''
import docker
import pytest


@pytest.mark.integration
@pytest.mark.services("docker")
def test_engine():
    """The engine answers."""
    assert docker.from_env().ping()
'''
    good = '''
import pytest
from sdcm.environment.user_engine import find


@pytest.mark.integration
@pytest.mark.services("docker")
def test_engine():
    """The engine is found."""
    assert find
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield tests in files that import none of the project's code, and that use none of its fixtures."""
        if file.source.room == "acceptance":
            return  # those drive our command as a process
        imported = set(file.source.names.values())
        for test in file.integration_tests:
            inner = {name for name in test.all_names.values() if name not in imported}
            if any(name.startswith(_OWN) or name == "sdcm" for name in imported | inner):
                continue
            names = file.needs.fixture_names(test)
            own = [fixture for fixture in names if fixture in file.needs.fixtures]
            elsewhere = [name for name in own if file.needs.fixtures[name][0] is not file.source]
            if not elsewhere and not any(_OUR_FIXTURES.fullmatch(name) for name in names):
                yield self.finding(file, test.node.lineno, f"{test.name}: tests the service, not SCT")


class DocumentsItself(Rule):
    """I22."""

    id = "I22"
    title = "Tests and fixtures have a docstring in Google style"
    why = "Who sees it fail reads there what was to hold, and which services it had."
    bad = """
import pytest


@pytest.mark.integration
def test_query(docker_scylla):
    assert docker_scylla.cql_connection().execute("SELECT now() FROM system.local").one()
"""
    good = '''
import pytest


@pytest.mark.integration
def test_query(docker_scylla):
    """A node answers.

    External services: Docker (database node)
    """
    assert docker_scylla.cql_connection().execute("SELECT now() FROM system.local").one()
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield tests and fixtures of unit_tests/integration without a docstring, and sections of other styles."""
        for function in file.integration_functions:
            text = function.docstring
            if not text.strip():
                if file.source.room in {"integration", ""}:
                    yield self.finding(file, function.node.lineno, f"{function.name}: docstring in Google style")
            elif _FOREIGN_SECTIONS.search(text) or _WITHOUT_COLON.search(text):
                message = f"{function.name}: docstring in Google style (`Args:`, `Returns:`, `Raises:`)"
                yield self.finding(file, function.node.lineno, message)


class NamedParameters(Rule):
    """I24."""

    id = "I24"
    title = "Parameters of several values have an id"
    why = "A report that says `test_x[a0-b0]` sends its reader to count lines."
    advice = True
    fixable = True
    bad = '''
import pytest


@pytest.mark.integration
@pytest.mark.parametrize(("query", "rows"), [("SELECT * FROM a", 1), ("SELECT * FROM b", 2)])
def test_rows(docker_scylla, query, rows):
    """A query gives so many rows."""
    assert len(list(docker_scylla.cql_connection().execute(query))) == rows
'''
    good = '''
import pytest


@pytest.mark.integration
@pytest.mark.parametrize(
    ("query", "rows"),
    [pytest.param("SELECT * FROM a", 1, id="a"), pytest.param("SELECT * FROM b", 2, id="b")],
)
def test_rows(docker_scylla, query, rows):
    """A query gives so many rows."""
    assert len(list(docker_scylla.cql_connection().execute(query))) == rows
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield `parametrize` over tuples that have no ids."""
        for test in file.integration_tests:
            for mark in test.own_marks:
                if mark.name == "parametrize" and mark.call and argument(mark.call, "ids", 3) is None:
                    values = argument(mark.call, "argvalues", 1)
                    tuples = values.elts if isinstance(values, (ast.List, ast.Tuple)) and _several(mark.call) else []
                    bare = [each for each in tuples if isinstance(each, ast.Tuple) and len(each.elts) > 1]
                    if bare:
                        yield self.finding(file, mark.line, f"{test.name}: add ids", *_named(test, bare))


def _several(call: ast.Call) -> bool:
    """Whether `parametrize` names more than one argument: a tuple is then a set of them, and not one value."""
    names = argument(call, "argnames", 0)
    if isinstance(names, ast.Constant):
        return "," in str(names.value)
    return isinstance(names, (ast.List, ast.Tuple)) and len(names.elts) > 1


def _named(test: Function, tuples: list[ast.Tuple]) -> Iterator[Edit]:
    """Yield the edits that make each tuple a `pytest.param` with an id out of its first text or number."""
    taken: set[str] = set()
    for number, each in enumerate(tuples):
        first = next((part.value for part in each.elts if isinstance(part, ast.Constant)), number)
        name = re.sub(r"[^\w.-]+", "-", str(first)).strip("-")[:24] or str(number)
        name = name if name not in taken else f"{name}-{number}"
        taken.add(name)
        inner = ", ".join(ast.unparse(part) for part in each.elts)
        text = f'pytest.param({inner}, id="{name}")'
        yield Edit(each.lineno, each.col_offset, each.end_lineno or each.lineno, each.end_col_offset or 0, text)
