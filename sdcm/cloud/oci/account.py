"""What a test reads of an Oracle Cloud account: nothing is made."""

import os
from pathlib import Path
from typing import Any

from sdcm.errors import ServiceUnavailable

EXTRA = "pip install 'sct-runner[oci]'"
#: Seconds for a connection, and for an answer.
TIMEOUTS = (5.0, 30.0)


def library() -> Any:
    """Return the module `oci`.

    Raises:
        ServiceUnavailable: It is not installed.
    """
    try:
        import oci
    except ImportError as exc:
        raise ServiceUnavailable("oci: the library oci is not installed", mend=EXTRA) from exc
    return oci


def configuration() -> dict[str, Any]:
    """Return the configuration that `OCI_CONFIG_FILE` names, its profile `OCI_CONFIG_PROFILE` or `DEFAULT`.

    Raises:
        ServiceUnavailable: The library is not installed.
        oci.exceptions.ClientError: The file is not a whole configuration.
    """
    oci = library()
    file = Path(os.environ.get("OCI_CONFIG_FILE", "")).expanduser().absolute()
    found = oci.config.from_file(str(file), os.environ.get("OCI_CONFIG_PROFILE") or "DEFAULT")
    oci.config.validate_config(found)
    return dict(found)


class OciAccount:
    """An Oracle Cloud account to be read.

    Args:
        endpoint: Address that stands in for all of Oracle's services; empty for their own.

    Attributes:
        tenancy: OCID of the tenancy.
        region: Region of the configuration.
    """

    def __init__(self, endpoint: str = "") -> None:
        self._config = configuration()
        self._endpoint = endpoint
        self.tenancy = str(self._config["tenancy"])
        self.region = str(self._config["region"])

    def regions(self) -> list[str]:
        """Return the names of the regions that the tenancy has subscribed to."""
        return [each.region_name for each in self.identity.list_region_subscriptions(self.tenancy).data]

    def compartments(self) -> dict[str, str]:
        """Return name -> OCID of the active compartments below the tenancy."""
        found = self._all(
            self.identity.list_compartments, self.tenancy, compartment_id_in_subtree=True, lifecycle_state="ACTIVE"
        )
        return {each.name: each.id for each in found}

    def instances(self, compartment: str = "") -> list[Any]:
        """Return the compute instances of a compartment, the tenancy's root when empty."""
        return self._all(self.compute.list_instances, compartment or self.tenancy)

    def networks(self, compartment: str = "") -> list[Any]:
        """Return the virtual cloud networks of a compartment, the tenancy's root when empty."""
        return self._all(self.network.list_vcns, compartment or self.tenancy)

    @property
    def identity(self) -> Any:
        """An OCI `IdentityClient`."""
        return self._client(library().identity.IdentityClient)

    @property
    def compute(self) -> Any:
        """An OCI `ComputeClient`."""
        return self._client(library().core.ComputeClient)

    @property
    def network(self) -> Any:
        """An OCI `VirtualNetworkClient`."""
        return self._client(library().core.VirtualNetworkClient)

    def _client(self, kind: Any) -> Any:
        where = {"service_endpoint": self._endpoint} if self._endpoint else {}
        return kind(self._config, timeout=TIMEOUTS, **where)

    @staticmethod
    def _all(listing: Any, *arguments: Any, **options: Any) -> list[Any]:
        pages = library().pagination.list_call_get_all_results(listing, *arguments, **options)
        return list(pages.data)
