"""What runs left in clouds whose ledger is lost (a machine thrown away): found by its tags, judged by its age."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sdcm.cloud.aws import clients as aws
from sdcm.cloud.aws.keys import live_keys
from sdcm.cloud.aws.removal import GONE
from sdcm.cloud.azure import clients as azure
from sdcm.cloud.gce import clients as gce
from sdcm.cloud.owner import PREFIX, Owner
from sdcm.cloud.removal import REMOVERS
from sdcm.ownership import labels
from sdcm.ownership.ledger import Entry
from sdcm.ownership.removers import Leftover

#: Seconds for the removal of one resource.
DEADLINE = 300.0


@dataclass(frozen=True)
class Found:
    """A resource of some run's.

    Attributes:
        owner: Whose it is, and since when.
        entry: What a ledger would say of it.
    """

    owner: Owner
    entry: Entry

    @property
    def age(self) -> float:
        """Seconds since its block began."""
        return time.time() - self.owner.created

    def remove(self) -> Leftover | None:
        """Remove it; return it when it is still there. Nothing is raised."""
        try:
            REMOVERS[self.entry.kind](self.entry, DEADLINE)
        except Exception as exc:  # noqa: BLE001 - one resource's failure must not keep the others from being removed
            return Leftover(self.entry.kind, self.entry.name, str(exc) or type(exc).__name__)
        return None


def find(label: str, *, older_than: float, spared: frozenset[str] = frozenset()) -> list[Found]:
    """Return what runs left in a cloud, with the credentials of the environment; stacks and groups come first.

    Objects stored in somebody else's bucket carry no tags and are not found.

    Args:
        label: `aws` (in the environment's region), `gce` or `azure`.
        older_than: Seconds; what is younger may belong to a run under way on another machine.
        spared: Runs whose resources are left alone: those under way here.
    """
    found = [
        Found(owner, Entry(0, kind, name, dict(facts)))
        for kind, name, tags, facts in _LISTINGS[label]()
        if (owner := Owner.from_tags(tags)) is not None
    ]
    old = [each for each in found if each.age > older_than and each.owner.run_id not in spared]
    return sorted(old, key=lambda each: each.entry.kind not in {"cloudformation-stack", "azure-resource-group"})


#: Kind, name, tags and facts of a resource.
_Row = tuple[str, str, Mapping[str, str], Mapping[str, str]]
#: Beginning of what stands behind the account in an ARN -> kind, and what stands before the name proper.
_ARNS = {
    "kms:key/": "kms-key",
    "ec2:instance/": "ec2-instance",
    "ssm:parameter/": "ssm-parameter",
    "cloudformation:stack/": "cloudformation-stack",
    "s3:": "s3-bucket",
}


def _of_aws() -> Iterator[_Row]:
    region = aws.region_in_use()
    facts = aws.facts_of(region)
    keys = dict(_keys(region))
    for key, tags in keys.items():
        yield "kms-key", key, tags, facts
    pages = aws.client("resourcegroupstaggingapi", region).get_paginator("get_resources")
    for page in pages.paginate(TagFilters=[{"Key": labels.RUN}]):
        for each in page["ResourceTagMappingList"]:
            _, _, service, _, _, rest = each["ResourceARN"].split(":", 5)
            text = f"{service}:{rest}"
            start = next((start for start in _ARNS if text.startswith(start)), None)
            if start is None:
                continue
            kind, name = _ARNS[start], text.removeprefix(start)
            if name in keys or _is_gone(kind, name, region):
                continue
            name = {"cloudformation-stack": name.partition("/")[0], "ssm-parameter": f"/{name}"}.get(kind, name)
            yield kind, name, {tag["Key"]: tag["Value"] for tag in each["Tags"]}, facts


def _keys(region: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the tags of each key; none for who may not list keys, but only what the index of all tags knows."""
    from botocore.exceptions import ClientError

    try:
        yield from live_keys(aws.client("kms", region), deadline=DEADLINE)
    except ClientError as exc:
        if exc.response["Error"]["Code"] != "AccessDeniedException":
            raise


def _is_gone(kind: str, name: str, region: str) -> bool:
    """Whether it is gone already, or goes by itself: tags are told of for a while after what carried them."""
    from botocore.exceptions import ClientError

    try:
        return _goes_by_itself(kind, name, region)
    except ClientError as exc:
        if exc.response["Error"]["Code"] in GONE:
            return True
        raise


def _goes_by_itself(kind: str, name: str, region: str) -> bool:
    """Whether a key is to be deleted already, or an instance has ended: AWS lists both for a while."""
    if kind == "kms-key":
        return str(aws.client("kms", region).describe_key(KeyId=name)["KeyMetadata"]["KeyState"]) == "PendingDeletion"
    if kind == "ec2-instance":
        states = aws.client("ec2", region).describe_instances(InstanceIds=[name])["Reservations"]
        return all(
            instance["State"]["Name"] in {"shutting-down", "terminated"}
            for reservation in states
            for instance in reservation["Instances"]
        )
    return False


def _of_gce() -> Iterator[_Row]:
    file = gce.credentials_file()
    project = gce.load_credentials(file)[1]
    facts = {"credentials": file, "project": project, "endpoint": gce.emulator()}
    client = gce.storage(file, project, facts["endpoint"])
    for bucket in client.list_buckets(prefix=PREFIX, timeout=gce.REQUEST_SECONDS):
        yield "gcs-bucket", bucket.name, dict(bucket.labels), facts


def _of_azure() -> Iterator[_Row]:
    if os.environ.get(azure.CONNECTION_STRING) or os.environ.get(azure.ACCOUNT):
        with azure.blobs() as account:
            for each in account.list_containers(name_starts_with=PREFIX, include_metadata=True):
                yield "azure-blob-container", each.name, dict(each.metadata or {}), {"account": str(account.url)}
    if os.environ.get(azure.CONNECTION_STRING):
        return  # an account's key, or an emulator, knows of no subscription
    subscription = os.environ["AZURE_SUBSCRIPTION_ID"]
    with azure.management(subscription) as client:
        for group in client.resource_groups.list(filter=f"tagName eq '{labels.RUN}'"):
            yield "azure-resource-group", group.name, dict(group.tags or {}), {"subscription": subscription}


_LISTINGS: Mapping[str, Callable[[], Iterator[_Row]]] = {"aws": _of_aws, "gce": _of_gce, "azure": _of_azure}
#: Clouds that can be swept.
LABELS = tuple(_LISTINGS)
