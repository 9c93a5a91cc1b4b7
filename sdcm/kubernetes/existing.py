"""A cluster that is the user's: given by a kubeconfig, and asked before it is used."""

import shutil
from pathlib import Path

from sdcm.errors import ServiceUnavailable
from sdcm.kubernetes.api import Api, ApiRefused, ApiSilent
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.kubernetes.kubeconfig import read_access

_ANSWER_WITHIN = 10.0


def existing_cluster(kubeconfig: Path, context: str = "") -> ClusterRecord:
    """Return the cluster that a kubeconfig leads to.

    Args:
        kubeconfig: The file.
        context: Context to use; the file's current one when empty.

    Raises:
        UsageProblem: The file cannot be read, or has no such context.
        ServiceUnavailable: The cluster does not answer, or does not let us in.
    """
    access = read_access(kubeconfig, context)
    api = Api(access, timeout=_ANSWER_WITHIN)
    try:
        api.call("GET", "/version")
        api.call("GET", "/api/v1/namespaces", query={"limit": "1"})
    except (ApiSilent, ApiRefused) as exc:
        raise ServiceUnavailable(
            f"kubernetes: context {access.context} of {kubeconfig} cannot be used",
            why=exc.why,
            mend=f"kubectl --kubeconfig {kubeconfig} --context {access.context} get namespaces",
        ) from exc
    finally:
        api.close()
    return ClusterRecord(access.cluster, str(kubeconfig.resolve()), shutil.which("kubectl") or "", access.context)
