"""The text of a new test, a service's piece by piece."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import Template


@dataclass(frozen=True)
class Piece:
    """What a service adds to a test.

    Attributes:
        fixture: The fixture that stands for it.
        said: How the docstring names it.
        use: Lines of a test that uses the fixture itself.
        made: What a fixture of one's own on top of it gives.
        set_up: Its lines before the `yield`; with a teardown all but the first stand in `try`.
        given: What it yields.
        teardown: Its lines in `finally`; empty where what it made goes with the service's own fixture.
        check: Lines of a test that uses that fixture.
    """

    fixture: str
    said: str
    use: Sequence[str]
    made: str
    set_up: Sequence[str]
    given: str
    teardown: Sequence[str]
    check: Sequence[str]


def _store(fixture: str, said: str) -> Piece:
    """Return the piece of a cloud whose fixture is a place for objects."""
    return Piece(
        fixture=fixture,
        said=said,
        use=(f'{fixture}.put("$name", b"hello")', f'assert {fixture}.get("$name") == b"hello"'),
        made="the name of an object; it goes with the bucket",
        set_up=(f'{fixture}.put("$name", b"hello")',),
        given='"$name"',
        teardown=(),
        check=(f'assert {fixture}.get($name) == b"hello"',),
    )


_CONFIG_MAP = (
    'config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "$dashed"}, "data": {"a": "b"}}',
    "k8s_cluster.apply(config)",
)
PIECES = {
    "docker": Piece(
        fixture="docker_scylla",
        said="Docker (database node)",
        use=(
            "session = docker_scylla.cql_connection()",
            'assert session.execute("SELECT cluster_name FROM system.local").one()',
        ),
        made="a session in a keyspace of its own",
        set_up=(
            "session = docker_scylla.cql_connection()",
            "replication = \"{'class': 'SimpleStrategy', 'replication_factor': 1}\"",
            'session.execute(f"CREATE KEYSPACE $name WITH replication = {replication}")',
            'session.set_keyspace("$name")',
        ),
        given="session",
        teardown=('session.execute("DROP KEYSPACE IF EXISTS $name")',),
        check=(
            '$name.execute("CREATE TABLE t (k int PRIMARY KEY)")',
            'assert not list($name.execute("SELECT k FROM t"))',
        ),
    ),
    "kubernetes": Piece(
        fixture="k8s_cluster",
        said="Kubernetes (local Kind cluster)",
        use=(*_CONFIG_MAP, 'assert k8s_cluster.get("configmap/$dashed")["data"] == {"a": "b"}'),
        made="the name of a ConfigMap; it goes with the namespace",
        set_up=_CONFIG_MAP,
        given='"configmap/$dashed"',
        teardown=(),
        check=('assert k8s_cluster.get($name)["data"] == {"a": "b"}',),
    ),
    "aws": _store("s3_bucket", "AWS S3"),
    "gce": _store("gcs_bucket", "GCE (GCS)"),
    "azure": _store("azure_blob_container", "Azure Storage"),
    "oci": Piece(
        fixture="oci_account",
        said="OCI Identity",
        use=("assert oci_account.regions()",),
        made="the first region of the account",
        set_up=("regions = oci_account.regions()",),
        given="regions[0]",
        teardown=(),
        check=("assert $name in oci_account.regions()",),
    ),
}
_TEST = '''"""$title.

External services: $said
"""

import pytest


@pytest.mark.integration
@pytest.mark.services($labels)
@pytest.mark.timeout(120)
def test_$name($arguments):
    """$title: say here what has to hold.

    External services: $said
    """
$body
'''
_FIXTURE = '''"""What $name gives, and that it works.

External services: $said
"""

import pytest


@pytest.fixture
def $name($arguments):
    """Give the test $made.

    External services: $said
    """
$fixture_body


@pytest.mark.integration
@pytest.mark.services($labels)
@pytest.mark.timeout(120)
def test_$name($both):
    """What the fixture gives can be used.

    External services: $said
    """
$body
'''


def test_text(name: str, labels: Sequence[str]) -> str:
    """Return a file with a test that uses some services.

    Args:
        name: The test's name without `test_`.
        labels: Labels of the services.
    """
    pieces = [PIECES[label] for label in labels]
    lines = [line for piece in pieces for line in piece.use]
    return _filled(
        _TEST,
        name,
        labels,
        arguments=", ".join(piece.fixture for piece in pieces),
        body=_indented(lines, name, 1),
    )


def fixture_text(name: str, label: str) -> str:
    """Return a file with a fixture on top of a service's, and a test that uses it.

    Args:
        name: The fixture's name.
        label: The service.
    """
    piece = PIECES[label]
    uses_both = any(piece.fixture in line for line in piece.check)
    return _filled(
        _FIXTURE,
        name,
        [label],
        arguments=piece.fixture,
        both=f"{piece.fixture}, {name}" if uses_both else name,
        made=piece.made,
        fixture_body=_fixture_body(piece, name),
        body=_indented(piece.check, name, 1),
    )


def _fixture_body(piece: Piece, name: str) -> str:
    if not piece.teardown:
        return _indented([*piece.set_up, f"return {piece.given}"], name, 1)
    lines = [_indented([piece.set_up[0], "try:"], name, 1)]
    lines += [_indented([*piece.set_up[1:], f"yield {piece.given}"], name, 2)]
    lines += [_indented(["finally:"], name, 1), _indented(piece.teardown, name, 2)]
    return "\n".join(lines)


def _filled(template: str, name: str, labels: Sequence[str], **values: str) -> str:
    title = name.replace("_", " ").capitalize()
    said = ", ".join(PIECES[label].said for label in labels)
    shown = ", ".join(f'"{label}"' for label in labels)
    return Template(template).substitute(name=name, title=title, said=said, labels=shown, **values)


def _indented(lines: Sequence[str], name: str, depth: int) -> str:
    values = {"name": name, "dashed": name.replace("_", "-")}
    return "\n".join("    " * depth + Template(line).substitute(values) for line in lines)
