"""`k8s_cluster`: a namespace of the test's own on the run's cluster."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from sdcm.pytest_plugin.leasing import leased, watched
from sdcm.pytest_plugin.session import context_of

if TYPE_CHECKING:
    from sdcm.kubernetes.namespace import KubernetesNamespace


@pytest.fixture
def k8s_cluster(request: pytest.FixtureRequest) -> Iterator["KubernetesNamespace"]:
    """Give the test a namespace of its own on the run's Kubernetes cluster.

    Under `sct.py integration-tests` the cluster is a local Kind cluster of the run's own; in plain
    pytest it is the one that KUBECONFIG names, or that of a kept environment. Namespaces let tests
    of several workers share the cluster; the namespace and every cluster-scoped object that
    `apply` made are gone after the test.

    External services: Kubernetes
    """
    from sdcm.kubernetes.cluster import ClusterRecord
    from sdcm.kubernetes.namespace import KubernetesNamespace

    client = context_of(request.config).client()
    with leased(request, "namespace") as answer:
        namespace = KubernetesNamespace(
            cluster=ClusterRecord.from_record(answer["cluster"]),
            name=answer["namespace"],
            labels=answer["labels"],
            loader=lambda image: str(client.ask("load-image", image=image)["reference"]),
        )
        with watched(request, namespace), namespace:
            yield namespace
