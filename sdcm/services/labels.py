"""Which services a collected test needs, told from plain data about it.

A test says it in any of these ways, and they add up:

* the marker `@pytest.mark.services("docker", "aws")`;
* a line `External services: Docker (Scylla container), AWS S3` in its docstring or its module's;
* `skipif` on a credential, whose reason names the variable: `... set OCI_CONFIG_FILE`;
* a comment at the test: `# service: docker`;
* a fixture that stands for a service: `docker_scylla`, `k8s_cluster`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from sdcm.services import phrases
from sdcm.services.table import SERVICES, service

#: Fixtures (whole names) that stand for a service.
FIXTURES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"docker_scylla\w*"), "docker"),
    (re.compile(r"cql_session|cql_driver|fresh_keyspace"), "docker"),
    (re.compile(r"docker_vector_store\w*|vector_store_image"), "docker"),
    (re.compile(r"alternator_api"), "docker"),
    (re.compile(r"catalogue_image|kafka_cluster|loaders|stress"), "docker"),
    (re.compile(r"k8s_cluster\w*"), "kubernetes"),
    (re.compile(r"aws_resources|s3_bucket"), "aws"),
    (re.compile(r"gce_resources|gcs_bucket"), "gce"),
    (re.compile(r"azure_resources|azure_blob_container"), "azure"),
    (re.compile(r"oci_account"), "oci"),
)

_COMMENT = re.compile(r"#\s*(?:external\s+)?services?\s*:\s*(.+)", re.IGNORECASE)
_CODE_LINE_WITH_COMMENT = re.compile(r"\s*(?:@|def\s|async\s+def\s)")
_VARIABLES = {name: row.label for row in SERVICES for name in row.variables} | {"DOCKER_HOST": "docker"}
_CREDENTIALS = re.compile(r"\b(aws|gce|gcp|google|azure|oci)\b[^.;]*\bcredential", re.IGNORECASE)
_LABEL_OF_CLOUD = {"gcp": "gce", "google": "gce"}


@dataclass(frozen=True)
class Declaration:
    """What a text says about services.

    Attributes:
        labels: The services it names.
        unknown: Pieces of it that name none, as written.
        stated: Whether it speaks of services at all; `External services: none` does, and names none.
    """

    labels: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    stated: bool = False

    def __or__(self, other: "Declaration") -> "Declaration":
        """Return what the two say together."""
        if not other.stated and not other.unknown:
            return self  # most texts say nothing
        return Declaration(
            self.labels | other.labels,
            tuple(dict.fromkeys(self.unknown + other.unknown)),
            self.stated or other.stated,
        )


def needed(
    *,
    marked: Iterable[str] = (),
    fixtures: Iterable[str] = (),
    docstrings: Iterable[str] = (),
    skip_reasons: Iterable[str] = (),
    sources: Iterable[str] = (),
) -> set[str]:
    """Return the labels of the services a test needs.

    Args:
        marked: Arguments of its `services` markers, on every level.
        fixtures: Names of all fixtures it uses, directly or not.
        docstrings: Its docstring, its class's and its module's.
        skip_reasons: Reasons (and conditions given as text) of its `skipif` markers.
        sources: Source text near the test: its lines and the comments above them, see `near_source`.

    Raises:
        UsageProblem: A marker names a service that does not exist.
    """
    return set(
        declared(
            marked=marked, fixtures=fixtures, docstrings=docstrings, skip_reasons=skip_reasons, sources=sources
        ).labels
    )


def declared(
    *,
    marked: Iterable[str] = (),
    fixtures: Iterable[str] = (),
    docstrings: Iterable[str] = (),
    skip_reasons: Iterable[str] = (),
    sources: Iterable[str] = (),
) -> Declaration:
    """Return all that is said of a test's services; the arguments are those of `needed`.

    Raises:
        UsageProblem: A marker names a service that does not exist.
    """
    labels = {service(label).label for label in marked} | of_fixtures(fixtures)
    for text in skip_reasons:
        labels |= of_skip_reason(text)
    said = Declaration(frozenset(labels), (), stated=bool(labels))
    for text in docstrings:
        said |= of_docstring(text)
    for text in sources:
        said |= of_comments(text)
    return said


def of_fixtures(names: Iterable[str]) -> set[str]:
    """Return the labels that fixtures stand for."""
    return {label for name in names if (label := _of_fixture(name)) is not None}


@cache
def _of_fixture(name: str) -> str | None:
    return next((label for pattern, label in FIXTURES if pattern.fullmatch(name)), None)


@lru_cache(maxsize=1024)  # all tests of a module have one, and those of a class
def of_docstring(text: str) -> Declaration:
    """Read the `External services:` sections of a docstring.

    A section is the rest of its line, or the indented or bulleted lines below it up to an empty line, a line
    that is not deeper, or the next heading. Items are parted by commas, semicolons, `and`, `+` or `/`, outside
    parentheses.
    """
    found = Declaration()
    for section in phrases.sections(text):
        found |= _read(section)
    return found


def of_comments(source: str) -> Declaration:
    """Read comments such as `# service: docker` or `# services: docker, aws`.

    Only lines that hold nothing else count, and those of a decorator or `def`: a string in the test's body may
    contain anything.
    """
    found = Declaration()
    for line in source.splitlines():
        comment = line.strip()
        if not comment.startswith("#"):
            if not _CODE_LINE_WITH_COMMENT.match(line):
                continue
            _, _, comment = line.rpartition("  #")
            comment = f"#{comment}"
        if match := _COMMENT.match(comment):
            found |= _read([match[1]])
    return found


def of_skip_reason(text: str) -> set[str]:
    """Return the labels a `skipif` reason or condition speaks of.

    It names a variable of the service table (`set AWS_ACCESS_KEY_ID`), or a cloud's credentials
    (`OCI credentials not available`).
    """
    labels = {label for name, label in _VARIABLES.items() if re.search(rf"\b{name}\b", text)}
    clouds = (match.lower() for match in _CREDENTIALS.findall(text))
    return labels | {_LABEL_OF_CLOUD.get(cloud, cloud) for cloud in clouds}


def near_source(lines: Sequence[str], first: int, last: int) -> str:
    """Return a function's source with the comments right above it.

    Args:
        lines: All lines of its file.
        first: Index of its first line, decorators included, from 0.
        last: Index after its last line.
    """
    start = first
    while start > 0 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return "\n".join(line.rstrip("\n") for line in lines[start:last])


def _read(section: Sequence[str]) -> Declaration:
    labels: set[str] = set()
    unknown: list[str] = []
    for item in phrases.items(section):
        meaning = phrases.meaning(item)
        if meaning is None:
            unknown.append(item)
        else:
            labels |= meaning
    return Declaration(frozenset(labels), tuple(unknown), stated=True)
