"""Azure's credentials and clients.

Blobs are reached with a connection string (`AZURE_STORAGE_CONNECTION_STRING`, also an emulator's) or, with the login of
the environment, in the account `AZURE_STORAGE_ACCOUNT`; everything else in the subscription `AZURE_SUBSCRIPTION_ID`.
"""

import os
from collections.abc import Mapping
from typing import Any

from sdcm.errors import ServiceUnavailable

EXTRA = "pip install 'sct-runner[azure]'"
CONNECTION_STRING, ACCOUNT = "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT"
#: Address of Azure Resource Manager, and what a token for it is asked for.
MANAGEMENT = "https://management.azure.com"
SCOPE = f"{MANAGEMENT}/.default"
#: Seconds for a connection, and for an answer; further tries after a failure.
CONNECT_SECONDS, READ_SECONDS, RETRIES = 5, 30, 2
_LIMITS = {"connection_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS, "retry_total": RETRIES}


def missing(library: str) -> ServiceUnavailable:
    """Return the error for a library that is not installed."""
    return ServiceUnavailable(f"azure: {library} is not installed", mend=EXTRA)


def login() -> Any:
    """Return the login of the environment: a service principal's variables, a workload's, or that of the `az` program.

    Raises:
        ServiceUnavailable: azure-identity is not installed.
    """
    try:
        from azure.identity import DefaultAzureCredential
    except ImportError as exc:
        raise missing("azure-identity") from exc
    return DefaultAzureCredential(
        exclude_interactive_browser_credential=True,
        exclude_managed_identity_credential="IDENTITY_ENDPOINT" not in os.environ,
    )


def blobs(account_url: str = "", environ: Mapping[str, str] = os.environ) -> Any:
    """Return a client of a storage account's blobs.

    Args:
        account_url: The account; the environment's when empty.
        environ: Environment variables.

    Raises:
        ServiceUnavailable: azure-storage-blob is not installed, or nothing names an account.
    """
    try:
        from azure.storage.blob import BlobServiceClient
    except ImportError as exc:
        raise missing("azure-storage-blob") from exc
    if text := environ.get(CONNECTION_STRING, ""):
        client = BlobServiceClient.from_connection_string(text, **_LIMITS)
        if not account_url or client.url.rstrip("/") == account_url.rstrip("/"):
            return client
    if not account_url and (account := environ.get(ACCOUNT, "")):
        account_url = f"https://{account}.blob.core.windows.net"
    if not account_url:
        raise ServiceUnavailable("azure: no storage account is known", mend=f"set {CONNECTION_STRING} or {ACCOUNT}")
    return BlobServiceClient(account_url, credential=login(), **_LIMITS)


def management(subscription: str, **options: Any) -> Any:
    """Return a client of Azure Resource Manager for a subscription.

    Args:
        subscription: Its id.
        **options: Further settings of the client; `credential` in place of the environment's login.

    Raises:
        ServiceUnavailable: azure-mgmt-resource is not installed.
    """
    try:
        from azure.mgmt.resource.resources import ResourceManagementClient
    except ImportError as exc:
        raise missing("azure-mgmt-resource") from exc
    credential = options.pop("credential", None) or login()
    return ResourceManagementClient(credential, subscription, **{**_LIMITS, **options})
