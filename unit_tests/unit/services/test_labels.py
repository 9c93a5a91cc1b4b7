"""What a test needs, told from how it says so; the first cases are the seed's own texts, word for word."""

import textwrap

import pytest

from sdcm.errors import UsageProblem
from sdcm.services import labels
from sdcm.services.labels import Declaration, needed, of_comments, of_docstring, of_fixtures, of_skip_reason

CQL = """Test CQL connectivity to Scylla container.

    External services: Docker (Scylla container)
    """
OCI = """Test OCI compute instance listing.

    External services: OCI Compute, OCI Identity
    """
KUBERNETES = """Test K8s operator deployment.

    External services: Kubernetes (local Kind cluster)
    Prerequisites: Run via `sct.py integration-tests` (sets up LocalKindCluster)
    """
MOTO = "Test S3 storage operations with mocked AWS (no real credentials needed)."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(CQL, {"docker"}, id="docker"),
        pytest.param(OCI, {"oci"}, id="oci"),
        pytest.param(KUBERNETES, {"kubernetes"}, id="kubernetes"),
    ],
)
def test_the_docstrings_test_authors_are_shown(text: str, expected: set[str]) -> None:
    assert of_docstring(text) == Declaration(frozenset(expected), (), stated=True)


def test_a_docstring_without_the_section_says_nothing() -> None:
    assert of_docstring(MOTO) == Declaration()
    assert of_docstring("") == Declaration()


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        pytest.param("AWS credentials not configured — set AWS_ACCESS_KEY_ID", {"aws"}, id="aws"),
        pytest.param("OCI credentials not configured — set OCI_CONFIG_FILE", {"oci"}, id="oci"),
        pytest.param("AZURE_SUBSCRIPTION_ID is not set", {"azure"}, id="azure variable"),
        pytest.param("needs GOOGLE_APPLICATION_CREDENTIALS and AWS_PROFILE", {"gce", "aws"}, id="two variables"),
        pytest.param("GCP credentials missing", {"gce"}, id="a cloud by another name"),
        pytest.param("not os.environ.get('KUBECONFIG')", {"kubernetes"}, id="a condition given as text"),
        pytest.param("no DOCKER_HOST", {"docker"}, id="engine"),
        pytest.param("requires Python 3.12", set(), id="no service"),
        pytest.param("MY_AWS_PROFILE_NAME is not set", set(), id="only part of a name"),
        pytest.param("broken on aws. credentials of the database expire", set(), id="two sentences"),
    ],
)
def test_skip_reasons(reason: str, expected: set[str]) -> None:
    assert of_skip_reason(reason) == expected


@pytest.mark.parametrize(
    ("fixtures", "expected"),
    [
        pytest.param(["docker_scylla"], {"docker"}, id="first node"),
        pytest.param(["docker_scylla_2"], {"docker"}, id="second node"),
        pytest.param(["docker_vector_store"], {"docker"}, id="vector store"),
        pytest.param(["docker_scylla", "params"], {"docker"}, id="with configuration"),
        pytest.param(["k8s_cluster"], {"kubernetes"}, id="cluster"),
        pytest.param(["events", "events_function_scope", "params", "tmp_path"], set(), id="none of a service"),
        pytest.param(["my_docker_scylla", "docker"], set(), id="names that only resemble"),
    ],
)
def test_fixtures(fixtures: list[str], expected: set[str]) -> None:
    assert of_fixtures(fixtures) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("Docker", {"docker"}, id="plain"),
        pytest.param("DOCKER, Aws", {"docker", "aws"}, id="case"),
        pytest.param("AWS S3", {"aws"}, id="label and what it covers"),
        pytest.param("EC2", {"aws"}, id="EC2"),
        pytest.param("S3 and IAM", {"aws"}, id="and"),
        pytest.param("GCE", {"gce"}, id="gce"),
        pytest.param("Compute Engine, GCS", {"gce"}, id="what gce covers"),
        pytest.param("Azure", {"azure"}, id="azure"),
        pytest.param("Azure VMs + Azure Resource Groups", {"azure"}, id="plus"),
        pytest.param("Docker/AWS; OCI", {"docker", "aws", "oci"}, id="slash and semicolon"),
        pytest.param("EKS", {"kubernetes"}, id="EKS"),
        pytest.param("GKE (on GCE)", {"kubernetes"}, id="what stands in parentheses is secondary"),
        pytest.param("a node (Docker)", {"docker"}, id="unless nothing else is said"),
        pytest.param("Docker (Scylla container, Kafka), AWS KMS", {"docker", "aws"}, id="comma in parentheses"),
        pytest.param("Scylla container", {"docker"}, id="container by its content"),
        pytest.param("Vector Store", {"docker"}, id="vector store"),
        pytest.param("S3 storage in Docker (MinIO)", {"docker"}, id="a label wins over what another covers"),
        pytest.param("Docker (moto server)", {"docker"}, id="mocked cloud in a real container"),
        pytest.param("AWS (mocked with moto)", set(), id="mocked cloud"),
        pytest.param("none", set(), id="none"),
        pytest.param("None (AWS is mocked)", set(), id="None and why"),
        pytest.param("N/A", set(), id="n/a"),
        pytest.param("`docker`", {"docker"}, id="quoted"),
        pytest.param("Docker.", {"docker"}, id="full stop"),
    ],
)
def test_items_of_one_line(line: str, expected: set[str]) -> None:
    assert of_docstring(f"Test.\n\n    External services: {line}\n") == Declaration(
        frozenset(expected), (), stated=True
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("external service: docker", {"docker"}, id="lower case, singular"),
        pytest.param("EXTERNAL SERVICES : Docker", {"docker"}, id="upper case"),
        pytest.param("**External services:** Docker", {"docker"}, id="bold"),
        pytest.param(
            "External services:\n    Docker (Scylla)\n    AWS S3\n\n    GCE", {"docker", "aws"}, id="indented"
        ),
        pytest.param("External services:\n\n- Docker: Scylla\n- AWS\nAzure", {"docker", "aws"}, id="bulleted"),
        pytest.param("External services:\n1. Docker\n2. OCI", {"docker", "oci"}, id="numbered"),
        pytest.param("External services: Docker,\nAWS\nAzure", {"docker", "aws"}, id="goes on after a comma"),
        pytest.param("External services: Docker (Scylla,\nAWS) and OCI", {"docker", "oci"}, id="open parenthesis"),
        pytest.param(
            "External services: Docker\nExternal services: AWS\n\nExternal services: OCI",
            {"docker", "aws", "oci"},
            id="several sections",
        ),
        pytest.param("External services: Docker\nPrerequisites: an AWS account", {"docker"}, id="next heading"),
        pytest.param("External services:\nPrerequisites: an AWS account", set(), id="next heading at once"),
        pytest.param("External services: Docker\n\n    AWS is not needed", {"docker"}, id="ends at an empty line"),
        pytest.param("Uses no external services: it is pure.", set(), id="in the middle of a sentence"),
    ],
)
def test_sections(text: str, expected: set[str]) -> None:
    assert of_docstring(text).labels == expected
    assert of_docstring("Summary.\n\n" + textwrap.indent(text, "    ")).labels == expected


def test_what_names_no_service_is_told_apart() -> None:
    said = of_docstring("External services: Docker, Mars (a planet), moonbase")
    assert said == Declaration(frozenset({"docker"}), ("Mars (a planet)", "moonbase"), stated=True)
    assert of_docstring("External services:") == Declaration(stated=True)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("# service: docker\ndef test_a(): ...", {"docker"}, id="above"),
        pytest.param(
            "# Services: docker, aws\n@pytest.mark.integration\ndef test_a(): ...", {"docker", "aws"}, id="two"
        ),
        pytest.param("# External services: OCI Compute\ndef test_a(): ...", {"oci"}, id="long form"),
        pytest.param("def test_a():  # service: gce\n    ...", {"gce"}, id="at the definition"),
        pytest.param("async def test_a():\n    # service: azure\n    ...", {"azure"}, id="in the body"),
        pytest.param("def test_a():\n    text = '  # service: aws'\n", set(), id="in a string"),
        pytest.param("# this service is slow\ndef test_a(): ...", set(), id="another comment"),
        pytest.param("# serviceable: aws\ndef test_a(): ...", set(), id="another word"),
    ],
)
def test_comments(source: str, expected: set[str]) -> None:
    assert of_comments(source).labels == expected


def test_near_source_takes_the_comments_right_above_and_no_others() -> None:
    lines = [
        "# service: aws\n",
        "\n",
        "# service: docker\n",
        "# and why\n",
        "@mark\n",
        "def test_a():\n",
        "    ...\n",
        "x = 1\n",
    ]
    near = labels.near_source(lines, first=4, last=7)
    assert near == "# service: docker\n# and why\n@mark\ndef test_a():\n    ..."
    assert labels.near_source(["def test_a(): ...\n"], 0, 1) == "def test_a(): ..."


def test_everything_a_test_says_adds_up() -> None:
    assert needed(
        marked=["Docker"],
        fixtures=["k8s_cluster"],
        docstrings=["External services: OCI Compute", "External services: none"],
        skip_reasons=["set AWS_PROFILE"],
        sources=["# service: gce\ndef test_a(): ..."],
    ) == {"docker", "kubernetes", "oci", "aws", "gce"}
    assert needed() == set()


def test_a_marker_with_an_unknown_label_is_wrong_usage() -> None:
    with pytest.raises(UsageProblem, match="unknown service 'mars'"):
        needed(marked=["docker", "mars"])
