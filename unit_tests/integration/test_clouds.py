"""What tests make in real accounts; each is skipped where its cloud's credentials are missing.

External services: said at each test
"""

import pytest

pytestmark = pytest.mark.integration


def test_a_bucket_of_s3(s3_bucket):
    """Objects come back as they were stored.

    External services: AWS S3
    """
    s3_bucket.put("folder/a", b"1")
    assert (s3_bucket.get("folder/a"), s3_bucket.keys("folder/")) == (b"1", ["folder/a"])


def test_a_key_and_a_parameter(aws_resources):
    """A value is encrypted with a key of the test's own, and kept in a parameter.

    External services: AWS (KMS, SSM)
    """
    key = aws_resources.kms_key("a test's own")
    kms, ssm = aws_resources.client("kms"), aws_resources.client("ssm")
    secret = kms.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=secret)["Plaintext"] == b"text"
    name = aws_resources.ssm_parameter("value")
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "value"


def test_a_stack(aws_resources):
    """A stack of one parameter comes up and gives its outputs.

    External services: AWS (CloudFormation, SSM)
    """
    parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v"}}
    template = {"Resources": {"P": parameter}, "Outputs": {"Name": {"Value": {"Ref": "P"}}}}
    name = aws_resources.cloudformation_stack(template)["Name"]
    assert aws_resources.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "v"


def test_a_bucket_of_google(gcs_bucket):
    """Objects come back as they were stored, and the bucket says whose it is.

    External services: GCE (GCS)
    """
    gcs_bucket.put("folder/a", b"1")
    assert (gcs_bucket.get("folder/a"), gcs_bucket.keys("folder/")) == (b"1", ["folder/a"])
    assert "sct-run" in gcs_bucket.client.get_bucket(gcs_bucket.name).labels


def test_a_container_of_azure(azure_blob_container):
    """Blobs come back as they were stored.

    External services: Azure Storage
    """
    azure_blob_container.put("folder/a", b"1")
    assert (azure_blob_container.get("folder/a"), azure_blob_container.keys("folder/")) == (b"1", ["folder/a"])


def test_a_resource_group_of_azure(azure_resources):
    """A resource group has a name of the run's own.

    External services: Azure (Resource Groups)
    """
    assert azure_resources.resource_group("eastus").startswith(f"sct-{azure_resources.owner.run_id}-")


def test_an_account_of_oracles(oci_account):
    """Regions, instances and networks are listed.

    External services: OCI (Compute, Identity, Network)
    """
    assert oci_account.region in oci_account.regions()
    # An account may well have none; what counts is that it may be asked.
    assert isinstance(oci_account.instances(), list)
    assert isinstance(oci_account.networks(), list)
