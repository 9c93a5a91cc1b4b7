"""What a test makes in Google Cloud, and how it is removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sdcm.cloud.endpoints import is_loopback
from sdcm.cloud.gce import clients
from sdcm.cloud.owned import Book, OwnedResources
from sdcm.cloud.owner import Owner
from sdcm.ownership.ledger import Entry
from sdcm.ownership.removers import Remover


@dataclass(frozen=True)
class GcsBucket:
    """A bucket of the test's own.

    Attributes:
        name: Its name.
        client: A google-cloud-storage client that reaches it.
    """

    name: str
    client: Any

    def put(self, key: str, body: bytes) -> None:
        """Store an object."""
        blob = self.client.bucket(self.name).blob(key)
        blob.upload_from_string(body, content_type="application/octet-stream", timeout=clients.REQUEST_SECONDS)

    def get(self, key: str) -> bytes:
        """Return what an object holds."""
        return bytes(self.client.bucket(self.name).blob(key).download_as_bytes(timeout=clients.REQUEST_SECONDS))

    def keys(self, prefix: str = "") -> list[str]:
        """Return the names of its objects, sorted."""
        found = self.client.list_blobs(self.name, prefix=prefix or None, timeout=clients.REQUEST_SECONDS)
        return sorted(blob.name for blob in found)


def _remove_bucket(entry: Entry, deadline: float) -> None:
    """Delete a bucket with all versions of all objects; returns when it is gone, or was never made."""
    from google.api_core.exceptions import NotFound
    from requests.exceptions import ConnectionError as Unreachable

    endpoint = entry.facts.get("endpoint", "")
    client = clients.storage(entry.facts["credentials"], entry.facts["project"], endpoint)
    timeout = min(deadline, clients.REQUEST_SECONDS)
    bucket = client.bucket(entry.name)
    try:
        for blob in client.list_blobs(entry.name, versions=True, timeout=timeout):
            blob.delete(timeout=timeout)
        bucket.delete(timeout=timeout)
    except NotFound:
        return
    except Unreachable:
        # An emulator on this machine that is gone has taken along all it held.
        if not is_loopback(endpoint):
            raise
    finally:
        client.close()


#: Kind in the ledger -> what removes one.
REMOVERS: Mapping[str, Remover] = {"gcs-bucket": _remove_bucket}


class GceResources(OwnedResources):
    """What a test makes in Google Cloud; all of it is gone at the end of the block, or, after a kill, of the run.

    Everything carries the labels `sct-run`, `sct-host` and `sct-created`. Clients use the key file that
    `GOOGLE_APPLICATION_CREDENTIALS` names, and `STORAGE_EMULATOR_HOST` where it is set.

    Attributes:
        project: Where things are made.
    """

    removers = REMOVERS

    def __init__(self, book: Book, owner: Owner, *, project: str = "") -> None:
        """Work in `project`; in `GOOGLE_CLOUD_PROJECT`, else the key file's, when it is empty."""
        super().__init__(book, owner)
        file = clients.credentials_file()
        self.project = project or clients.load_credentials(file)[1]
        self._facts = {"credentials": file, "project": self.project, "endpoint": clients.emulator()}
        self._storage: Any = None

    @property
    def storage(self) -> Any:
        """A google-cloud-storage client; what is made with it alone is not owned."""
        if self._storage is None:
            self._storage = clients.storage(self._facts["credentials"], self.project, self._facts["endpoint"])
        return self._storage

    def gcs_bucket(self, purpose: str = "test", *, location: str = "US") -> GcsBucket:
        """Make a bucket; it goes with all that is in it.

        Args:
            purpose: Part of its name, for people.
            location: Region or multi-region.
        """
        name = self.owner.new_name(purpose)
        bucket = self.storage.bucket(name)
        bucket.labels = self.owner.tags("-")
        self.own(
            "gcs-bucket",
            name,
            lambda: self.storage.create_bucket(bucket, location=location, timeout=clients.REQUEST_SECONDS),
            **self._facts,
        )
        return GcsBucket(name, self.storage)

    def close(self) -> None:
        """Remove everything that was made, and close the client."""
        try:
            super().close()
        finally:
            if self._storage is not None:
                self._storage.close()
