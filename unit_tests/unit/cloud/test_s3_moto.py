"""S3 against moto: fully mocked, so a unit test; no credentials and no network."""

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def s3() -> Iterator[Any]:
    """A client of an empty account; loaded here, as every worker imports this file and one runs it."""
    import boto3
    from moto import mock_aws

    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1")


def test_s3_operations(s3: Any) -> None:
    """Store an object, read it back, list it and delete it (no real credentials needed)."""
    s3.create_bucket(Bucket="test-bucket")
    body = bytes(range(256)) * 1000
    s3.put_object(Bucket="test-bucket", Key="runs/0badcafe/node.log", Body=body, Metadata={"run": "0badcafe"})

    stored = s3.get_object(Bucket="test-bucket", Key="runs/0badcafe/node.log")
    assert stored["Body"].read() == body
    assert stored["Metadata"] == {"run": "0badcafe"}
    listed = s3.list_objects_v2(Bucket="test-bucket", Prefix="runs/")["Contents"]
    assert [(item["Key"], item["Size"]) for item in listed] == [("runs/0badcafe/node.log", len(body))]

    s3.delete_object(Bucket="test-bucket", Key="runs/0badcafe/node.log")
    with pytest.raises(s3.exceptions.NoSuchKey, match="NoSuchKey"):
        s3.get_object(Bucket="test-bucket", Key="runs/0badcafe/node.log")


def test_nothing_is_left_of_another_test(s3: Any) -> None:
    """Each mocked test has an account of its own."""
    assert s3.list_buckets()["Buckets"] == []
