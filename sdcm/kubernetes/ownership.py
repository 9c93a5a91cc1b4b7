"""Which objects of a cluster belong to a test: told by labels alone.

Everything that `apply` makes carries the labels of the test's lease. Objects outside namespaces (CRDs,
cluster roles, webhooks, ...) may be wanted by two tests at a time, so each of these also carries one label
for each lease that holds it, and goes with the last.
"""

from collections.abc import Mapping
from typing import Any

from sdcm.ownership import labels

#: Label whose value is the lease: the name of the namespace that the test was given.
LEASE = "sct.lease"
#: Field manager of what we apply.
MANAGER = "sct"


def lease_of(own: Mapping[str, str]) -> str:
    """Return the lease that a set of labels names."""
    return own[LEASE]


def holder_label(lease: str) -> str:
    """Return the label by which a lease holds an object outside namespaces."""
    return f"{LEASE}.{lease}"


def holders(item: Mapping[str, Any]) -> set[str]:
    """Return the leases that hold an object."""
    found = item.get("metadata", {}).get("labels") or {}
    return {key.removeprefix(f"{LEASE}.") for key in found if key.startswith(f"{LEASE}.")}


def is_of_run(item: Mapping[str, Any], own: Mapping[str, str]) -> bool:
    """Whether an object was made by the run that these labels name."""
    found = item.get("metadata", {}).get("labels") or {}
    return found.get(labels.RUN) == own.get(labels.RUN)


def describe(item: Mapping[str, Any], kind: str = "") -> str:
    """Return `kind/name`, with the namespace where there is one."""
    metadata = item.get("metadata", {})
    name = f"{(kind or str(item.get('kind', 'object'))).lower()}/{metadata.get('name', '?')}"
    return f"{name} in {metadata['namespace']}" if metadata.get("namespace") else name
