"""A cluster that is not ours, as its kubeconfig names it."""

import shutil
from contextlib import closing
from pathlib import Path

from sdcm.errors import SctError, ServiceUnavailable
from sdcm.kubernetes.api import Api
from sdcm.kubernetes.cluster import ClusterRecord
from sdcm.kubernetes.kubeconfig import read_access

#: Seconds for the cluster to answer.
_ANSWER = 10.0


def existing_cluster(kubeconfig: Path) -> ClusterRecord:
    """Return the cluster of a kubeconfig's current context, once it has answered.

    Args:
        kubeconfig: The file.

    Raises:
        UsageProblem: The file is not a kubeconfig.
        ServiceUnavailable: The cluster does not answer.
    """
    access = read_access(kubeconfig)
    try:
        with closing(Api(access, _ANSWER)) as api:
            api.get("/version")
    except SctError as exc:
        raise ServiceUnavailable(
            f"kubernetes: the cluster of {kubeconfig} does not answer", why=str(exc), mend="check it with kubectl"
        ) from exc
    return ClusterRecord(
        name=access.context, kubeconfig=str(kubeconfig), kubectl=shutil.which("kubectl") or "", context=access.context
    )
