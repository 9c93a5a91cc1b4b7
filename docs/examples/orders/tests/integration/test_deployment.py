"""What the shop deploys, on a real Kubernetes cluster.

External services: Kubernetes (local Kind cluster)
"""

import pytest

SETTINGS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "orders"},
    "data": {"keyspace": "shop", "consistency": "LOCAL_QUORUM"},
}


@pytest.mark.integration
def test_the_settings_can_be_applied(k8s_cluster):
    """The cluster takes the settings; they go with the test's namespace.

    External services: Kubernetes (local Kind cluster)
    """
    k8s_cluster.apply(SETTINGS)
    assert k8s_cluster.get("configmap/orders")["data"]["consistency"] == "LOCAL_QUORUM"
