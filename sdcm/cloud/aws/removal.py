"""Removing what tests made in AWS; each function returns when the thing is gone, or was never made."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from sdcm.cloud.aws.clients import AwsPlace
from sdcm.cloud.aws.keys import live_keys
from sdcm.cloud.endpoints import is_loopback
from sdcm.errors import EnvironmentFailed
from sdcm.ownership.ledger import Entry
from sdcm.ownership.removers import Remover

#: Tag that names an EC2 instance or a KMS key before AWS has given it an identity.
NAME_TAG = "sct.name"
#: Fewest days after which AWS deletes a key.
KEY_DAYS = 7
_POLL = 2.0
#: What AWS answers when there is no such thing any more.
GONE = {
    "NoSuchBucket", "NoSuchKey", "404", "ParameterNotFound", "NotFoundException", "InvalidInstanceID.NotFound",
}  # fmt: skip
#: An instance in these states costs nothing any more and is on its way out for good.
_ENDED = ("shutting-down", "terminated")


def _remover(remove: Callable[[AwsPlace, str, float], None]) -> Remover:
    """Make a remover out of a function that works in a place on a name, within seconds."""

    def remover(entry: Entry, deadline: float) -> None:
        from botocore.exceptions import ClientError
        from botocore.exceptions import ConnectionError as Unreachable

        place = AwsPlace(entry.facts)
        try:
            remove(place, entry.name, deadline)
        except ClientError as exc:
            if exc.response["Error"]["Code"] not in GONE:
                raise
        except Unreachable:
            # An emulator on this machine that is gone has taken along all it held.
            if not is_loopback(place.endpoint):
                raise

    return remover


def _bucket(place: AwsPlace, name: str, deadline: float) -> None:
    del deadline
    s3 = place.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            _delete_objects(s3, name, [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found])
    for upload in s3.list_multipart_uploads(Bucket=name).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    s3.delete_bucket(Bucket=name)


def _delete_objects(s3: Any, bucket: str, objects: list[dict[str, str]]) -> None:
    errors = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors", [])
    if errors:
        raise EnvironmentFailed(f"object {errors[0]['Key']} cannot be deleted", why=str(errors[0].get("Message", "")))


def _object(place: AwsPlace, name: str, deadline: float) -> None:
    """Delete an object, all its versions where the bucket keeps them; `name` is `bucket/key`."""
    del deadline
    bucket, _, key = name.partition("/")
    s3 = place.client("s3")
    s3.delete_object(Bucket=bucket, Key=key)
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        versions = [{"Key": key, "VersionId": each["VersionId"]} for each in found if each["Key"] == key]
        if versions:
            _delete_objects(s3, bucket, versions)


def _parameter(place: AwsPlace, name: str, deadline: float) -> None:
    del deadline
    place.client("ssm").delete_parameter(Name=name)


def _key(place: AwsPlace, name: str, deadline: float) -> None:
    """Schedule a key's deletion, the only one there is; `name` is its id, or the value of its `NAME_TAG`.

    A ledger has the name alone where whoever asked for the key died before it could write down the answer.
    """
    kms = place.client("kms")
    if name.startswith("sct-"):
        keys = [key for key, tags in live_keys(kms, deadline=deadline) if tags.get(NAME_TAG) == name]
    else:
        keys = [name] if kms.describe_key(KeyId=name)["KeyMetadata"]["KeyState"] != "PendingDeletion" else []
    for key in keys:
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)


def _instance(place: AwsPlace, name: str, deadline: float) -> None:
    """Terminate an instance; `name` is its id, or the value of its `NAME_TAG`."""
    ec2 = place.client("ec2")
    by_name = [{"Name": f"tag:{NAME_TAG}", "Values": [name]}]
    end = time.monotonic() + deadline
    while True:
        found = ec2.describe_instances(**({"Filters": by_name} if name.startswith("sct-") else {"InstanceIds": [name]}))
        alive = [
            instance["InstanceId"]
            for reservation in found["Reservations"]
            for instance in reservation["Instances"]
            if instance["State"]["Name"] not in _ENDED
        ]
        if not alive:
            return
        if time.monotonic() >= end:
            raise EnvironmentFailed(f"instance {alive[0]} still runs after {deadline:.0f} s")
        ec2.terminate_instances(InstanceIds=alive)
        time.sleep(_POLL / 10)


def _stack(place: AwsPlace, name: str, deadline: float) -> None:
    from botocore.exceptions import ClientError

    api = place.client("cloudformation")
    api.delete_stack(StackName=name)
    end = time.monotonic() + deadline
    while True:
        try:
            stacks = api.describe_stacks(StackName=name)["Stacks"]
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ValidationError":  # "Stack with id ... does not exist"
                return
            raise
        status = stacks[0]["StackStatus"] if stacks else "DELETE_COMPLETE"
        if status == "DELETE_COMPLETE":
            return
        if status == "DELETE_FAILED" or time.monotonic() >= end:
            raise EnvironmentFailed(f"it is in state {status}", why=stacks[0].get("StackStatusReason", ""))
        time.sleep(_POLL)


#: Kind in the ledger -> what removes one.
REMOVERS: Mapping[str, Remover] = {
    "s3-bucket": _remover(_bucket),
    "s3-object": _remover(_object),
    "ssm-parameter": _remover(_parameter),
    "kms-key": _remover(_key),
    "ec2-instance": _remover(_instance),
    "cloudformation-stack": _remover(_stack),
}
