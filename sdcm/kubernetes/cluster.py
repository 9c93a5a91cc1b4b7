"""A Kubernetes cluster as it is written down and handed from the broker to the workers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class ClusterRecord:
    """How to reach a cluster.

    Attributes:
        name: The cluster's name; for one that is not ours, the name its kubeconfig gives it.
        kubeconfig: Path of the kubeconfig file.
        kubectl: Path of the kubectl program, empty where there is none.
        context: Context in the kubeconfig.
        network: Docker network of the nodes (empty for a cluster that is not ours).
        node_image: Image that the nodes were made of (empty for a cluster that is not ours).
        control_plane: Container of the control plane (empty for a cluster that is not ours).
    """

    name: str
    kubeconfig: str
    kubectl: str
    context: str
    network: str = ""
    node_image: str = ""
    control_plane: str = ""

    def to_record(self) -> dict[str, str]:
        """Return the record as JSON values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "ClusterRecord":
        """Rebuild a record from `to_record`; unknown fields are left out."""
        return cls(**{field.name: str(record.get(field.name, "")) for field in fields(cls)})
