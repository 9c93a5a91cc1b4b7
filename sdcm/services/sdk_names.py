"""Which full names in code stand for a service: the SDKs of clouds and engines."""

import re

#: Beginning of a full name -> label. The longest that fits decides; an empty label: no service.
_NAMES: tuple[tuple[str, str], ...] = (
    ("boto3.", "aws"),
    ("aioboto3.", "aws"),
    ("botocore.session.", "aws"),
    ("boto3.dynamodb.", ""),
    ("boto3.s3.transfer.TransferConfig", ""),
    ("google.cloud.", "gce"),
    ("google.auth.default", "gce"),
    ("google.oauth2.", "gce"),
    ("googleapiclient.discovery.", "gce"),
    ("azure.mgmt.", "azure"),
    ("azure.identity.", "azure"),
    ("azure.storage.", "azure"),
    ("azure.keyvault.", "azure"),
    ("oci.", "oci"),
    ("kubernetes.config.", "kubernetes"),
    ("docker.from_env", "docker"),
    ("docker.DockerClient", "docker"),
    ("docker.APIClient", "docker"),
    ("testcontainers.", "docker"),
)
#: Values, exceptions and types in an SDK: making one reaches nothing.
_INERT = re.compile(r"\.(?:exceptions?|errors?|types?|models?|util\w*)\b|(?:Error|Exception|Config|Details|Request)$")
#: Packages that the names above begin with.
ROOTS = frozenset(name.partition(".")[0] for name, _ in _NAMES)
#: Labels that they stand for.
LABELS = frozenset(label for _, label in _NAMES if label)
#: Modules that put something else in a service's place.
MOCKS = ("unittest.mock", "mock", "moto", "responses", "requests_mock", "respx", "vcr", "botocore.stub")
#: Arguments that lead an SDK somewhere else than to its cloud: the DynamoDB API of a node, an emulator.
ELSEWHERE = frozenset({"endpoint_url", "service_endpoint", "account_url", "api_endpoint", "client_options"})


def label_of(name: str) -> str:
    """Return the label of the service that a call by this full name reaches; empty where it reaches none."""
    fits = [(prefix, label) for prefix, label in _NAMES if name.startswith(prefix)]
    if not fits or _INERT.search(name):
        return ""
    return max(fits, key=lambda fit: len(fit[0]))[1]
