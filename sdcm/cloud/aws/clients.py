"""Clients of AWS: their time limits, where they go, and whose account they work in."""

import os
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sdcm.errors import EnvironmentFailed

#: Where to go when nothing says; STS and S3 answer there for every account.
DEFAULT_REGION = "us-east-1"
#: Seconds for a connection, and for an answer; tries in all.
CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 30, 3


def region_in_use(region: str = "") -> str:
    """Return the region to work in: the given one, else what the environment or its profile says."""
    import boto3

    return region or str(boto3.session.Session().region_name or DEFAULT_REGION)


def endpoint_in_use(environ: Mapping[str, str] = os.environ) -> str:
    """Return the address that stands in for AWS, empty for AWS itself."""
    return environ.get("AWS_ENDPOINT_URL", "")


def client(service: str, region: str, endpoint: str = "", *, tries: int = TRIES) -> Any:
    """Return a client with the environment's credentials; the same one for the same wishes, safe in several threads.

    Args:
        service: As boto3 calls it.
        region: Where.
        endpoint: Address of what stands in for AWS; empty for what the environment says.
        tries: How often a request is tried.
    """
    with _MAKING:
        return _client(service, region, endpoint or endpoint_in_use(), tries, _identity())


def _identity() -> tuple[str, ...]:
    return tuple(os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_PROFILE"))


#: boto3 can use a client in several threads, but not make several at a time.
_MAKING = threading.Lock()


@lru_cache(maxsize=32)
def _client(service: str, region: str, endpoint: str, tries: int, identity: tuple[str, ...]) -> Any:
    """Make a client: reading a service's description takes 0.1 s and more, so it is kept."""
    from botocore.config import Config

    config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"total_max_attempts": tries})
    return _session(identity).client(service, region_name=region, endpoint_url=endpoint or None, config=config)


def account(region: str, endpoint: str = "") -> str:
    """Return the number of the account that the environment's credentials belong to; asked once."""
    return _account(region, endpoint or endpoint_in_use(), _identity())


@lru_cache(maxsize=4)
def _session(_identity: tuple[str, ...]) -> Any:
    """Make a session: it looks for credentials once, so each identity has one of its own."""
    import boto3

    return boto3.session.Session()


@lru_cache(maxsize=8)
def _account(region: str, endpoint: str, _identity: tuple[str, ...]) -> str:
    return str(client("sts", region, endpoint).get_caller_identity()["Account"])


class AwsPlace:
    """Where a resource is: account, region and endpoint, as its ledger entry tells."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        """Read an entry's facts; see `facts_of`."""
        self.region = facts["region"]
        self.endpoint = facts.get("endpoint", "")
        self._account = facts.get("account", "")

    def client(self, service: str) -> Any:
        """Return a client that works there.

        Raises:
            EnvironmentFailed: The credentials at hand are another account's, to which the resource seems not to exist.
        """
        here = account(self.region, self.endpoint)
        if self._account and here != self._account:
            raise EnvironmentFailed(
                f"it is in AWS account {self._account}", why=f"the credentials at hand are those of {here}"
            )
        return client(service, self.region, self.endpoint)


def facts_of(region: str) -> dict[str, str]:
    """Return the facts by which a remover finds the place of a resource again."""
    return {"region": region, "endpoint": endpoint_in_use(), "account": account(region)}
