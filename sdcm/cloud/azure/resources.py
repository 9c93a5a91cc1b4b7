"""What a test makes in Azure, and how it is removed."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdcm.cloud.azure import clients
from sdcm.cloud.endpoints import is_loopback
from sdcm.cloud.owned import OwnedResources
from sdcm.errors import EnvironmentFailed
from sdcm.ownership.ledger import Entry
from sdcm.ownership.removers import Remover


@dataclass(frozen=True)
class BlobContainer:
    """A container of blobs, the test's own.

    Attributes:
        name: Its name.
        client: An azure-storage-blob `ContainerClient` for it.
    """

    name: str
    client: Any

    def put(self, key: str, body: bytes) -> None:
        """Store a blob."""
        self.client.upload_blob(key, body, overwrite=True)

    def get(self, key: str) -> bytes:
        """Return what a blob holds."""
        return bytes(self.client.download_blob(key).readall())

    def keys(self, prefix: str = "") -> list[str]:
        """Return the names of its blobs, sorted."""
        return sorted(self.client.list_blob_names(name_starts_with=prefix or None))


def _remove_container(entry: Entry, deadline: float) -> None:
    """Delete a container with its blobs; returns when Azure lists it no more."""
    del deadline  # each request has its own
    from azure.core.exceptions import ResourceNotFoundError, ServiceRequestError

    with clients.blobs(entry.facts["account"]) as client:
        try:
            client.delete_container(entry.name)
        except ResourceNotFoundError:
            return
        except ServiceRequestError:
            # An emulator on this machine that is gone has taken along all it held.
            if not is_loopback(entry.facts["account"]):
                raise


def _remove_group(entry: Entry, deadline: float) -> None:
    """Delete a resource group with everything in it; returns when it is gone, which may take minutes."""
    from azure.core.exceptions import ResourceNotFoundError

    with clients.management(entry.facts["subscription"]) as client:
        try:
            poller = client.resource_groups.begin_delete(entry.name)
        except ResourceNotFoundError:
            return
        poller.wait(deadline)
        if not poller.done():
            raise EnvironmentFailed(f"resource group {entry.name} is still being deleted after {deadline:.0f} s")


#: Kind in the ledger -> what removes one.
REMOVERS: Mapping[str, Remover] = {
    "azure-blob-container": _remove_container,
    "azure-resource-group": _remove_group,
}


class AzureResources(OwnedResources):
    """What a test makes in Azure; all of it is gone at the end of the block, or, after a kill, of the run.

    Everything carries the tags `sct.run`, `sct.host` and `sct.created`, as metadata with `_` in place of the dot. Blobs
    are reached through `AZURE_STORAGE_CONNECTION_STRING` (an emulator's too) or in the account `AZURE_STORAGE_ACCOUNT`.
    """

    removers = REMOVERS

    def blob_container(self, purpose: str = "test") -> BlobContainer:
        """Make a container of blobs; it goes with all that is in it.

        Args:
            purpose: Part of its name, for people.

        Raises:
            ServiceUnavailable: No storage account is known.
        """
        name = self.owner.new_name(purpose)
        service = clients.blobs()
        made = self.own(
            "azure-blob-container",
            name,
            lambda: service.create_container(name, metadata=self.owner.tags("_")),
            account=str(service.url),
        )
        return BlobContainer(name, made)

    def resource_group(self, location: str = "eastus", purpose: str = "test") -> str:
        """Make a resource group; it goes with all that is in it.

        Args:
            location: Where its description is kept.
            purpose: Part of its name, for people.

        Returns:
            Its name.
        """
        name = self.owner.new_name(purpose)
        subscription = os.environ["AZURE_SUBSCRIPTION_ID"]
        described = {"location": location, "tags": self.owner.tags()}

        def make() -> None:
            with clients.management(subscription) as client:
                client.resource_groups.create_or_update(name, described)

        self.own("azure-resource-group", name, make, subscription=subscription)
        return name
