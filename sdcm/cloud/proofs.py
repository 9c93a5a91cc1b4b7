"""One cheap call for each cloud that proves that its credentials work."""

import os
from collections.abc import Callable, Mapping

from sdcm.cloud.aws import clients as aws
from sdcm.cloud.azure import clients as azure
from sdcm.cloud.gce import clients as gce
from sdcm.errors import ServiceUnavailable

_ACCEPTED = 200


def _prove_aws() -> None:
    """Ask who we are: the one request that every identity may make."""
    region = aws.region_in_use()
    aws.client("sts", region, tries=1).get_caller_identity()


def _prove_gce() -> None:
    """Turn the key into a token, which Google grants only for a live one."""
    credentials, project = gce.load_credentials(gce.credentials_file())
    from google.auth.transport.requests import Request

    credentials.refresh(Request())
    if not project:
        raise ServiceUnavailable("the key names no project", mend="set GOOGLE_CLOUD_PROJECT")


def _prove_azure() -> None:
    """Look at the subscription; where only a storage account's key is given, at that account."""
    subscription = os.environ["AZURE_SUBSCRIPTION_ID"].strip()
    if os.environ.get(azure.CONNECTION_STRING):
        with azure.blobs() as account:
            account.get_account_information()
        return
    credential = azure.login()
    from azure.core import PipelineClient
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy
    from azure.core.rest import HttpRequest

    policies = [RetryPolicy(retry_total=0), BearerTokenCredentialPolicy(credential, azure.SCOPE)]
    request = HttpRequest(
        "GET", f"{azure.MANAGEMENT}/subscriptions/{subscription}", params={"api-version": "2022-12-01"}
    )
    with PipelineClient(azure.MANAGEMENT, policies=policies) as client:
        answer = client.send_request(request)
        if answer.status_code != _ACCEPTED:
            raise ServiceUnavailable(f"subscription {subscription} cannot be read: HTTP status {answer.status_code}")


def _prove_oci() -> None:
    """Look at the tenancy's regions."""
    from sdcm.cloud.oci.account import OciAccount

    OciAccount().regions()


#: Label -> its proof, which raises when the credentials do not work.
PROOFS: Mapping[str, Callable[[], None]] = {
    "aws": _prove_aws,
    "gce": _prove_gce,
    "azure": _prove_azure,
    "oci": _prove_oci,
}
