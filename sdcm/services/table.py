"""The service table: each label, what it covers, how it is found available, and what supplies it.

This is the single list: labels, skip reasons, `--require`, `doctor` and docs/reference/services.md are made
from it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sdcm.errors import UsageProblem
from sdcm.near_names import near, question

#: Where skip reasons point for more.
REFERENCE_PAGE = "docs/reference/services.md"
#: Labels of what a run brings up itself, in the order a test waits for them; the others are reached by credentials.
BROUGHT_UP = ("docker", "kubernetes")


@dataclass(frozen=True)
class Service:
    """One kind of thing outside the process that a test may need.

    Attributes:
        label: Its name in markers, docstrings and options.
        covers: What the label stands for.
        check: How it is found to be available, for people.
        supply: What to do to get it.
        variables: Environment variables, any one of which is enough to reach it.
        files: Those of `variables` whose value is the path of a file that has to exist.
        words: Lower-case names by which texts call it, the label itself and what it covers.
    """

    label: str
    covers: tuple[str, ...]
    check: str
    supply: str
    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def is_cloud(self) -> bool:
        """Whether credentials in the environment decide; the others are brought up by the run."""
        return self.label not in BROUGHT_UP


SERVICES: tuple[Service, ...] = (
    Service(
        label="docker",
        covers=("database container", "Vector Store", "Kafka"),
        check="a Docker daemon answers",
        supply="start Docker or set DOCKER_HOST; `sct.py integration-tests --setup` installs it",
        words=("docker", "scylla", "cassandra", "alternator", "vector store", "kafka", "container"),
    ),
    Service(
        label="aws",
        covers=("EC2", "S3", "IAM", "KMS", "SSM", "CloudFormation"),
        check="AWS_ACCESS_KEY_ID or AWS_PROFILE is set",
        supply="export one of them",
        variables=("AWS_ACCESS_KEY_ID", "AWS_PROFILE"),
        words=("aws", "amazon", "ec2", "s3", "iam", "ssm", "cloudformation"),
    ),
    Service(
        label="gce",
        covers=("Compute Engine", "GCS", "KMS"),
        check="GOOGLE_APPLICATION_CREDENTIALS names a file",
        supply="export it with the path of a service account's key file",
        variables=("GOOGLE_APPLICATION_CREDENTIALS",),
        files=("GOOGLE_APPLICATION_CREDENTIALS",),
        words=("gce", "gcp", "google", "gcs", "compute engine"),
    ),
    Service(
        label="azure",
        covers=("VMs", "Storage", "KMS", "Resource Groups"),
        check="AZURE_SUBSCRIPTION_ID is set",
        supply="export it",
        variables=("AZURE_SUBSCRIPTION_ID",),
        words=("azure", "resource group", "resource groups"),
    ),
    Service(
        label="oci",
        covers=("Compute", "Identity", "Network"),
        check="OCI_CONFIG_FILE names a file",
        supply="export it with the path of your OCI configuration",
        variables=("OCI_CONFIG_FILE",),
        files=("OCI_CONFIG_FILE",),
        words=("oci", "oracle cloud"),
    ),
    Service(
        label="kubernetes",
        covers=("EKS", "GKE", "local Kind cluster"),
        check="KUBECONFIG names a file, or the run brought a Kind cluster up",
        supply="run the tests through `sct.py integration-tests`, which brings a Kind cluster up, or export KUBECONFIG",
        variables=("KUBECONFIG",),
        files=("KUBECONFIG",),
        words=("kubernetes", "k8s", "kind", "eks", "gke"),
    ),
)

BY_LABEL: Mapping[str, Service] = MappingProxyType({service.label: service for service in SERVICES})
LABELS: tuple[str, ...] = tuple(BY_LABEL)
#: Labels whose availability the environment variables alone decide.
CLOUD_LABELS: frozenset[str] = frozenset(service.label for service in SERVICES if service.is_cloud)
#: What the run must bring up itself for a label, beside the label: the local Kind cluster runs in containers.
BRINGS_UP: Mapping[str, tuple[str, ...]] = MappingProxyType({"kubernetes": ("docker",)})


def service(label: str) -> Service:
    """Return one row of the table.

    Args:
        label: A label in any case.

    Raises:
        UsageProblem: There is no such label; the message names near ones.
    """
    found = BY_LABEL.get(label.strip().lower())
    if found is None:
        raise UsageProblem(
            f"unknown service {label!r}",
            why=question(map(repr, near_labels(label))),
            mend=f"known: {', '.join(LABELS)}",
        )
    return found


def near_labels(label: str) -> tuple[str, ...]:
    """Return the labels that `label` may have been meant to be: similar ones, or whose service goes by that name."""
    text = label.strip().lower()
    called = tuple(row.label for row in SERVICES if text in row.words)
    return called or tuple(near(text, LABELS))


def brought_up_for(labels: Iterable[str], *, own_cluster: bool) -> frozenset[str]:
    """Return the labels of everything a run must bring up for tests with these labels.

    Args:
        labels: What the tests need.
        own_cluster: Whether kubernetes tests run on a cluster of the run's own (Kind), not on the user's.
    """
    needed = set(labels)
    if own_cluster:
        for label in tuple(needed):
            needed.update(BRINGS_UP.get(label, ()))
    elif "kubernetes" in needed:
        needed.discard("kubernetes")
    return frozenset(needed - CLOUD_LABELS)
