"""Sweeping what runs without a ledger left, against moto."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from sdcm.cloud import sweep
from sdcm.cloud.aws.resources import AwsResources
from sdcm.cloud.owner import Owner
from sdcm.ownership.ledger import Ledger

HOUR = 3600.0


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty account."""
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    from moto import mock_aws

    with mock_aws():
        yield


def made_by(book: Ledger, run: str, age: float) -> AwsResources:
    """Make a bucket, a parameter, a key and an instance for a run that began so many seconds ago, and forget them."""
    aws = AwsResources(book, Owner(run, "elsewhere", int(time.time() - age)))
    aws.s3_bucket().put("a", b"1")
    aws.ssm_parameter("x")
    aws.kms_key()
    aws.ec2_instance("ami-0123456789abcdef0")
    return aws


def kinds(older_than: float, spared: frozenset[str] = frozenset()) -> list[str]:
    return sorted(each.entry.kind for each in sweep.find("aws", older_than=older_than, spared=spared))


def test_what_is_old_and_ours_goes_and_nothing_else(account: None, book: Ledger) -> None:
    aws = made_by(book, "0badcafe", 2 * HOUR)
    s3 = aws.client("s3")
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="sct-somebody-elses", CreateBucketConfiguration=where)
    young = AwsResources(book, Owner("deadbeef", "elsewhere", int(time.time()))).s3_bucket()

    assert kinds(HOUR) == ["ec2-instance", "kms-key", "s3-bucket", "ssm-parameter"]
    assert kinds(HOUR, frozenset({"0badcafe"})) == []
    found = sweep.find("aws", older_than=HOUR)
    assert {each.owner.run_id for each in found} == {"0badcafe"}
    assert [each.remove() for each in found] == [None] * 4
    assert kinds(HOUR) == []
    assert kinds(-1.0) == ["s3-bucket"]
    assert sorted(bucket["Name"] for bucket in s3.list_buckets()["Buckets"]) == sorted(
        [
            "sct-somebody-elses",
            young.name,
        ]
    )


@pytest.mark.parametrize(
    ("code", "left"),
    [
        pytest.param("InvalidInstanceID.NotFound", ["kms-key", "s3-bucket", "ssm-parameter"], id="gone"),
        pytest.param("UnauthorizedOperation", None, id="not-allowed"),
    ],
)
def test_what_is_gone_but_still_listed_hinders_no_other(
    account: None, book: Ledger, monkeypatch: pytest.MonkeyPatch, code: str, left: list[str] | None
) -> None:
    made_by(book, "0badcafe", 2 * HOUR)
    real = sweep.aws.client

    def describe(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "DescribeInstances")

    def client(service: str, region: str) -> Any:
        return SimpleNamespace(describe_instances=describe) if service == "ec2" else real(service, region)

    monkeypatch.setattr(sweep.aws, "client", client)
    if left is None:
        with pytest.raises(ClientError):
            kinds(HOUR)
    else:
        assert kinds(HOUR) == left


@pytest.mark.parametrize(
    ("refused", "found"), [("ListKeys", ["kms-key", "s3-bucket"]), ("GetResources", ["kms-key"])], ids=["keys", "tags"]
)
def test_keys_are_found_by_the_key_service_and_the_rest_without_it(
    account: None, book: Ledger, monkeypatch: pytest.MonkeyPatch, refused: str, found: list[str]
) -> None:
    """The index of all tags is late; a role may be denied the key service."""
    aws = AwsResources(book, Owner("0badcafe", "elsewhere", int(time.time() - 2 * HOUR)))
    aws.s3_bucket()
    aws.kms_key()
    real = BaseClient._make_api_call

    def call(client: BaseClient, operation: str, arguments: Any) -> Any:
        if operation == "ListKeys" == refused:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, operation)
        answer = real(client, operation, arguments)
        return {**answer, "ResourceTagMappingList": []} if operation == "GetResources" == refused else answer

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    assert kinds(HOUR) == found
