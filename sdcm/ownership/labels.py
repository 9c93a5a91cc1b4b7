"""Labels that every Docker and Kubernetes object of ours carries from its creation."""

import os
from collections.abc import Mapping

#: The run that owns the object. What lacks it is not ours and is never touched.
RUN = "sct.run"
#: What the object is for: `node`, `network`, `kind`, `build`, ...
ROLE = "sct.role"
#: Node id of the test the object was made for.
TEST = "sct.test"
#: On built images: digest of the folder and arguments they were built from.
BUILD = "sct.build"
#: On images: node flavour inside (`scylla` or `cassandra`).
FLAVOUR = "sct.flavour"


def new_run_id() -> str:
    """Return a fresh run id: eight hexadecimal digits, fit for names of containers and namespaces."""
    return os.urandom(4).hex()


def of_run(run_id: str, role: str, test: str = "") -> dict[str, str]:
    """Return the labels of one object.

    Args:
        run_id: The owning run.
        role: What the object is for.
        test: Node id of the test it is made for, where there is one.
    """
    labels = {RUN: run_id, ROLE: role}
    if test:
        labels[TEST] = test
    return labels


def is_ours(labels: Mapping[str, str] | None, run_id: str | None = None) -> bool:
    """Whether an object with these labels belongs to us, or to that very run."""
    owner = (labels or {}).get(RUN)
    return owner is not None and (run_id is None or owner == run_id)
