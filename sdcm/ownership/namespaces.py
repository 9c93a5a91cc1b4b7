"""Removing a Kubernetes namespace that a dead run has left.

A live broker removes the namespaces of its leases with all that was made outside them; this is for the ledger of one
that died, and knows no more than the namespace's name and its cluster.
"""

import time
from pathlib import Path
from typing import Any

from sdcm.errors import EnvironmentFailed
from sdcm.ownership import labels
from sdcm.ownership.ledger import Entry

_POLL = 0.25


def remove_namespace(entry: Entry, deadline: float, runtime: Path) -> None:
    """Remove a namespace; returns when it is gone.

    Args:
        entry: Of kind `namespace`, with the fact `kubeconfig`.
        deadline: Seconds for it.
        runtime: Runtime directory. A cluster whose kubeconfig lies below is a run's own: when it does not answer it
            is gone, and its namespaces with it.

    Raises:
        EnvironmentFailed: The namespace is still there, or a user's cluster does not answer.
    """
    kubeconfig = Path(entry.facts["kubeconfig"])
    is_own_cluster = runtime.resolve() in kubeconfig.resolve().parents
    if not kubeconfig.is_file() and is_own_cluster:
        return
    from kubernetes import client, config
    from urllib3.exceptions import HTTPError

    try:
        connection = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]
        api = client.CoreV1Api(connection)
        _delete(api, entry.name, deadline)
    except (HTTPError, OSError, config.ConfigException) as exc:
        if not is_own_cluster:
            raise EnvironmentFailed(
                f"namespace {entry.name} may be left",
                why=f"its cluster does not answer ({type(exc).__name__})",
                mend=f"kubectl --kubeconfig {kubeconfig} delete namespace {entry.name}",
            ) from exc


def _delete(api: Any, name: str, deadline: float) -> None:
    from kubernetes.client.exceptions import ApiException

    end = time.monotonic() + deadline
    timeout = min(deadline, 15.0)
    try:
        found = api.read_namespace(name, _request_timeout=timeout)
        if not labels.is_ours(found.metadata.labels):
            raise EnvironmentFailed(f"namespace {name} does not carry our label and is left alone")
        api.delete_namespace(name, _request_timeout=timeout)
        while time.monotonic() < end:
            api.read_namespace(name, _request_timeout=timeout)
            time.sleep(_POLL)
    except ApiException as exc:
        if exc.status == 404:
            return
        raise EnvironmentFailed(f"namespace {name} cannot be removed", why=f"HTTP status {exc.status}") from exc
    raise EnvironmentFailed(f"namespace {name} is still being removed after {deadline:.0f} s")
