"""What is made in AWS and how it goes, against moto."""

import json
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from sdcm.cloud.aws import clients
from sdcm.cloud.aws.resources import AwsResources
from sdcm.cloud.owner import Owner
from sdcm.cloud.removal import remove_owned
from sdcm.errors import EnvironmentFailed
from sdcm.ownership.ledger import Ledger

TAGGING = "resourcegroupstaggingapi"
REGION = "eu-west-1"
IMAGE = "ami-0123456789abcdef0"


@pytest.fixture
def aws(book: Ledger, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsResources]:
    """An empty account; what the test leaves is removed before the account goes."""
    # moto reads a thousand images of Amazon's into each account, which nobody asks for here.
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    from moto import mock_aws

    with mock_aws(), AwsResources(book, owner) as resources:
        yield resources


def tagged(aws: AwsResources, *kinds: str) -> list[str]:
    found = aws.client(TAGGING).get_resources(
        TagFilters=[{"Key": "sct.run", "Values": ["0badcafe"]}], ResourceTypeFilters=list(kinds)
    )
    return [item["ResourceARN"] for item in found["ResourceTagMappingList"]]


def test_a_bucket_goes_with_all_versions_of_all_it_holds(aws: AwsResources, book: Ledger) -> None:
    bucket = aws.s3_bucket("backups")
    assert (bucket.region, aws.account) == (REGION, "123456789012")
    assert tagged(aws, "s3") == [f"arn:aws:s3:::{bucket.name}"]
    versioning = {"Status": "Enabled"}
    bucket.client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration=versioning)
    bucket.put("a", b"1")
    bucket.put("a", b"2")
    bucket.put("b/c", b"3")
    bucket.client.delete_object(Bucket=bucket.name, Key="b/c")
    bucket.client.create_multipart_upload(Bucket=bucket.name, Key="unfinished")
    assert (bucket.get("a"), bucket.keys()) == (b"2", ["a"])
    aws.close()
    assert bucket.client.list_buckets()["Buckets"] == []
    assert book.entries() == ()


def test_an_object_in_somebody_elses_bucket_goes_alone(aws: AwsResources) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="theirs", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="theirs", Key="kept", Body=b"x")
    key = aws.s3_object("theirs", b"body", prefix="tests/")
    assert s3.get_object(Bucket="theirs", Key=key)["Body"].read() == b"body"
    aws.close()
    assert [item["Key"] for item in s3.list_objects_v2(Bucket="theirs")["Contents"]] == ["kept"]


def test_a_parameter_and_a_key(aws: AwsResources) -> None:
    name = aws.ssm_parameter("secret", type="SecureString")
    key = aws.kms_key("for a test")
    ssm, kms = aws.client("ssm"), aws.client("kms")
    assert ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == "secret"
    assert kms.encrypt(KeyId=key, Plaintext=b"x")["KeyId"].endswith(key)
    aws.close()
    assert ssm.describe_parameters()["Parameters"] == []
    # Deletion can only be scheduled; 7 days is AWS's shortest term.
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_an_instance_is_terminated(aws: AwsResources) -> None:
    ec2 = aws.client("ec2")
    instance = aws.ec2_instance(IMAGE)
    (found,) = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    assert {"Key": "sct.run", "Value": "0badcafe"} in found["Tags"]
    aws.close()
    (found,) = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    assert found["State"]["Name"] in {"shutting-down", "terminated"}


def test_what_aws_refuses_is_one_line_and_leaves_nothing(aws: AwsResources, book: Ledger) -> None:
    with pytest.raises(EnvironmentFailed, match=r"ssm-parameter .* could not be made"):
        aws.ssm_parameter("x", type="Poem")
    aws.close()
    assert book.entries() == ()


def test_a_sweep_removes_by_name_what_a_dead_run_had_only_announced_or_just_made(
    aws: AwsResources, book: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The index of all tags learns of a new key minutes later.
    knows_nothing = Mock(**{"get_paginator.return_value.paginate.return_value": []})
    real = clients.client
    monkeypatch.setattr(
        clients, "client", lambda service, *at: knows_nothing if service == TAGGING else real(service, *at)
    )
    facts = {"region": REGION, "endpoint": "", "account": aws.account}
    bucket = aws.s3_bucket()
    tags = [{"Key": "sct.name", "Value": "sct-0badcafe-instance-1"}]
    ec2, kms = aws.client("ec2"), aws.client("kms")
    specification = [{"ResourceType": "instance", "Tags": tags}]
    ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, TagSpecifications=specification)
    key, theirs = (
        kms.create_key(Tags=[{"TagKey": "sct.name", "TagValue": name}])["KeyMetadata"]["KeyId"]
        for name in ("sct-0badcafe-key-1", "sct-0badcafe-key-11")
    )
    for kind, name in (
        ("ec2-instance", "sct-0badcafe-instance-1"),
        ("kms-key", "sct-0badcafe-key-1"),
        ("s3-bucket", "sct-0badcafe-never-made"),
        ("s3-object", f"{bucket.name}/never-made"),
        ("ssm-parameter", "/sct-0badcafe-never-made"),
        ("kms-key", "sct-0badcafe-never-made"),
        ("ec2-instance", "sct-0badcafe-never-made"),
    ):
        book.will_make(kind, name, **facts)
    assert remove_owned(book.entries(), book) == []
    assert book.entries() == ()
    (reservation,) = ec2.describe_instances()["Reservations"]
    assert reservation["Instances"][0]["State"]["Name"] in {"shutting-down", "terminated"}
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert kms.describe_key(KeyId=theirs)["KeyMetadata"]["KeyState"] == "Enabled"
    assert aws.client("s3").list_buckets()["Buckets"] == []


def test_credentials_of_another_account_remove_nothing_and_say_so(aws: AwsResources, book: Ledger) -> None:
    bucket = aws.s3_bucket()
    entry = book.will_make("s3-bucket", bucket.name, region=REGION, account="999999999999")
    (leftover,) = remove_owned([entry], book)
    assert "it is in AWS account 999999999999" in leftover.reason
    assert aws.client("s3").list_buckets()["Buckets"]
    assert entry in book.entries()


def test_the_book_holds_no_secret(aws: AwsResources, book: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "dont-tell-anyone")
    aws.s3_bucket()
    aws.ssm_parameter("dont-tell-anyone-either")
    text = book.path.read_text()
    assert "dont-tell" not in text
    assert json.loads(text.splitlines()[1])["facts"]["region"] == REGION
