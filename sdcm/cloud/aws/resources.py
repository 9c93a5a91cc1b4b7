"""What a test makes in AWS."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdcm.cloud.aws import clients
from sdcm.cloud.aws.removal import NAME_TAG, REMOVERS
from sdcm.cloud.owned import Book, OwnedResources
from sdcm.cloud.owner import Owner
from sdcm.errors import DeadlinePassed, EnvironmentFailed

_POLL = 2.0


@dataclass(frozen=True)
class S3Bucket:
    """A bucket of the test's own.

    Attributes:
        name: Its name.
        region: Where it is.
        client: A boto3 client for S3 that reaches it.
    """

    name: str
    region: str
    client: Any

    def put(self, key: str, body: bytes) -> None:
        """Store an object."""
        self.client.put_object(Bucket=self.name, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        """Return what an object holds."""
        return bytes(self.client.get_object(Bucket=self.name, Key=key)["Body"].read())

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys of its objects, sorted."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]


class AwsResources(OwnedResources):
    """What a test makes in AWS; all of it is gone at the end of the block, or, after a kill, of the run.

    Everything carries the tags `sct.run`, `sct.host` and `sct.created`. Clients use the environment's credentials, and
    `AWS_ENDPOINT_URL` where it is set.

    Attributes:
        region: Where things are made.
        account: Number of the account.
    """

    removers = REMOVERS

    def __init__(self, book: Book, owner: Owner, *, region: str = "") -> None:
        """Work in `region`; in the environment's, else in us-east-1, when it is empty."""
        super().__init__(book, owner)
        self.region = clients.region_in_use(region)
        self._facts = clients.facts_of(self.region)
        self.account = self._facts["account"]

    def client(self, service: str) -> Any:
        """Return a boto3 client of a service, in this region; what is made with it alone is not owned."""
        return clients.client(service, self.region)

    def s3_bucket(self, purpose: str = "test") -> S3Bucket:
        """Make a bucket; it goes with all that is in it.

        Args:
            purpose: Part of its name, for people.
        """
        s3 = self.client("s3")
        name = self.owner.new_name(purpose)

        def make() -> None:
            # us-east-1 is the one region that may not be named.
            where = {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
            s3.create_bucket(Bucket=name, **({} if self.region == clients.DEFAULT_REGION else where))
            s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": self._tags()})

        self.own("s3-bucket", name, make, **self._facts)
        return S3Bucket(name, self.region, s3)

    def s3_object(self, bucket: str, body: bytes, *, prefix: str = "") -> str:
        """Store an object in a bucket of somebody else's.

        Args:
            bucket: The bucket.
            body: What it holds.
            prefix: What its key begins with.

        Returns:
            Its key.
        """
        key = f"{prefix}{self.owner.new_name('object')}"
        s3 = self.client("s3")
        self.own(
            "s3-object",
            f"{bucket}/{key}",
            lambda: s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata=self.owner.tags("-")),
            **self._facts,
        )
        return key

    def ssm_parameter(self, value: str, *, type: str = "String") -> str:
        """Make a parameter of Systems Manager.

        Args:
            value: What it holds.
            type: `String`, `StringList` or `SecureString`.

        Returns:
            Its name.
        """
        name = f"/{self.owner.new_name('parameter')}"
        ssm = self.client("ssm")
        self.own(
            "ssm-parameter",
            name,
            lambda: ssm.put_parameter(Name=name, Value=value, Type=type, Tags=self._tags()),
            **self._facts,
        )
        return name

    def kms_key(self, description: str = "") -> str:
        """Make a symmetric key; AWS deletes it 7 days after the end of the block, its shortest term.

        Returns:
            Its id.
        """
        name = self.owner.new_name("key")
        kms = self.client("kms")
        tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in self._tags(name)]
        made = self.own("kms-key", name, lambda: kms.create_key(Description=description, Tags=tags), **self._facts)
        key = str(made["KeyMetadata"]["KeyId"])
        self.known_by("kms-key", name, key, **self._facts)
        return key

    def ec2_instance(self, image_id: str, instance_type: str = "t3.micro", **options: Any) -> str:
        """Start an instance.

        Args:
            image_id: The image to boot.
            instance_type: Its size.
            **options: Further arguments of `run_instances`.

        Returns:
            Its id; it may not run yet.
        """
        name = self.owner.new_name("instance")
        ec2 = self.client("ec2")
        tags = [{"ResourceType": "instance", "Tags": [*self._tags(name), {"Key": "Name", "Value": name}]}]
        made = self.own(
            "ec2-instance",
            name,
            lambda: ec2.run_instances(
                **{"MinCount": 1, "MaxCount": 1, "ClientToken": name, "TagSpecifications": tags, **options},
                ImageId=image_id,
                InstanceType=instance_type,
            ),
            **self._facts,
        )
        instance = str(made["Instances"][0]["InstanceId"])
        self.known_by("ec2-instance", name, instance, **self._facts)
        return instance

    def cloudformation_stack(
        self,
        template: str | Mapping[str, Any],
        *,
        parameters: Mapping[str, str] | None = None,
        deadline: float = 600.0,
        **options: Any,
    ) -> dict[str, str]:
        """Make a stack and wait until it is complete.

        Args:
            template: Its template.
            parameters: The template's parameters.
            deadline: Seconds.
            **options: Further arguments of `create_stack`.

        Returns:
            Its outputs, and `StackName`.

        Raises:
            EnvironmentFailed: It failed.
            DeadlinePassed: It was not complete in time.
        """
        name = self.owner.new_name("stack")
        api = self.client("cloudformation")
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()]
        body = template if isinstance(template, str) else json.dumps(template)

        def make() -> dict[str, str]:
            api.create_stack(StackName=name, TemplateBody=body, Parameters=given, Tags=self._tags(), **options)
            return _outputs_of(api, name, deadline)

        return self.own("cloudformation-stack", name, make, **self._facts)

    def _tags(self, name: str = "") -> list[dict[str, str]]:
        tags = {**self.owner.tags(), **({NAME_TAG: name} if name else {})}
        return [{"Key": key, "Value": value} for key, value in tags.items()]


def _outputs_of(api: Any, name: str, deadline: float) -> dict[str, str]:
    end = time.monotonic() + deadline
    while True:
        stack = api.describe_stacks(StackName=name)["Stacks"][0]
        status = stack["StackStatus"]
        if status == "CREATE_COMPLETE":
            return {"StackName": name} | {out["OutputKey"]: out["OutputValue"] for out in stack.get("Outputs", [])}
        if status != "CREATE_IN_PROGRESS":
            raise EnvironmentFailed(f"stack {name} ended in {status}", why=stack.get("StackStatusReason", ""))
        if time.monotonic() >= end:
            raise DeadlinePassed(f"stack {name} is not complete after {deadline:g} s", why=f"last state {status}")
        time.sleep(_POLL)
