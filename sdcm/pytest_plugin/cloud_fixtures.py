"""What tests make in clouds, and read of them: `aws_resources`, `s3_bucket`, `gce_resources`, ..."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

import pytest

from sdcm.errors import ServiceUnavailable
from sdcm.pytest_plugin.readiness import skip_unavailable
from sdcm.pytest_plugin.session import context_of

if TYPE_CHECKING:
    from sdcm.cloud.aws.resources import AwsResources, S3Bucket
    from sdcm.cloud.azure.resources import AzureResources, BlobContainer
    from sdcm.cloud.gce.resources import GceResources, GcsBucket
    from sdcm.cloud.oci.account import OciAccount
    from sdcm.cloud.owned import OwnedResources

    Resources = TypeVar("Resources", bound=OwnedResources)


def _owned(request: pytest.FixtureRequest, kind: "type[Resources]", label: str) -> "Iterator[Resources]":
    """Give the test what makes resources for it, and remove them afterwards."""
    from sdcm.broker.book import BrokerBook
    from sdcm.cloud.owner import Owner

    context = context_of(request.config)
    book = BrokerBook(context.client(), request.node.nodeid)
    try:
        resources = kind(book, Owner.of_run(context.run_id))
    except ServiceUnavailable as exc:
        skip_unavailable(label, exc)
    with resources:
        yield resources


@pytest.fixture
def aws_resources(request: pytest.FixtureRequest) -> "Iterator[AwsResources]":
    """Make resources in AWS that are gone after the test, or, where it was killed, after the run.

    External services: AWS
    """
    from sdcm.cloud.aws.resources import AwsResources

    yield from _owned(request, AwsResources, "aws")


@pytest.fixture
def s3_bucket(aws_resources: "AwsResources") -> "S3Bucket":
    """Give the test an S3 bucket of its own; it goes with all that is in it.

    External services: AWS S3
    """
    return aws_resources.s3_bucket()


@pytest.fixture
def gce_resources(request: pytest.FixtureRequest) -> "Iterator[GceResources]":
    """Make resources in Google Cloud that are gone after the test, or, where it was killed, after the run.

    Needs the extra `gce` (`pip install 'sct-runner[gce]'`).

    External services: GCE
    """
    from sdcm.cloud.gce.resources import GceResources

    yield from _owned(request, GceResources, "gce")


@pytest.fixture
def gcs_bucket(gce_resources: "GceResources") -> "GcsBucket":
    """Give the test a bucket of its own in Google Cloud Storage; it goes with all that is in it.

    External services: GCE (GCS)
    """
    try:
        return gce_resources.gcs_bucket()
    except ServiceUnavailable as exc:
        skip_unavailable("gce", exc)


@pytest.fixture
def azure_resources(request: pytest.FixtureRequest) -> "Iterator[AzureResources]":
    """Make resources in Azure that are gone after the test, or, where it was killed, after the run.

    Needs the extra `azure` (`pip install 'sct-runner[azure]'`).

    External services: Azure
    """
    from sdcm.cloud.azure.resources import AzureResources

    yield from _owned(request, AzureResources, "azure")


@pytest.fixture
def azure_blob_container(azure_resources: "AzureResources") -> "BlobContainer":
    """Give the test a container of blobs of its own; it goes with all that is in it.

    External services: Azure Storage
    """
    try:
        return azure_resources.blob_container()
    except ServiceUnavailable as exc:
        skip_unavailable("azure", exc)


@pytest.fixture
def oci_account() -> "OciAccount":
    """Let the test read an Oracle Cloud account: regions, compartments, instances, networks.

    Needs the extra `oci` (`pip install 'sct-runner[oci]'`).

    External services: OCI
    """
    from sdcm.cloud.oci.account import OciAccount

    try:
        return OciAccount()
    except ServiceUnavailable as exc:
        skip_unavailable("oci", exc)
