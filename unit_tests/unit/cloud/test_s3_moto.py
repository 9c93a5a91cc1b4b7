"""S3 against moto: fully mocked, so a unit test; no credentials and no network."""

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws


@mock_aws
def test_s3_operations() -> None:
    """Store an object, read it back, list it and delete it (no real credentials needed)."""
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="test-bucket")
    body = bytes(range(256)) * 1000
    s3.put_object(Bucket="test-bucket", Key="runs/0badcafe/node.log", Body=body, Metadata={"run": "0badcafe"})

    stored = s3.get_object(Bucket="test-bucket", Key="runs/0badcafe/node.log")
    assert stored["Body"].read() == body
    assert stored["Metadata"] == {"run": "0badcafe"}
    listed = s3.list_objects_v2(Bucket="test-bucket", Prefix="runs/")["Contents"]
    assert [(item["Key"], item["Size"]) for item in listed] == [("runs/0badcafe/node.log", len(body))]

    s3.delete_object(Bucket="test-bucket", Key="runs/0badcafe/node.log")
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="test-bucket", Key="runs/0badcafe/node.log")


@mock_aws
def test_nothing_is_left_of_another_test() -> None:
    """Each mocked test has an account of its own."""
    assert boto3.client("s3", region_name="us-east-1").list_buckets()["Buckets"] == []
