"""What kind is told: one configuration for the pulled node image, one for the node that is built here."""

import json
from typing import Any

#: Label of our own node image, which has its CNI settings in it.
OWN_NODE_LABEL = "sct.kind-node"

#: A test cluster of one node lives minutes: etcd need not wait for the disk, RSA keys would cost seconds to make, and
#: nobody competes to be the leader. The controller manager starts its forty controllers one after the other and asks
#: the API server some three times for each: at its usual 20 requests a second the last ones start, and the first pods
#: are made, 5 s later than need be; a namespace takes as many seconds to go.
_CLUSTER_PATCH = """\
kind: ClusterConfiguration
etcd:
  local:
    extraArgs:
      unsafe-no-fsync: "true"
controllerManager:
  extraArgs:
    leader-elect: "false"
    kube-api-qps: "300"
    kube-api-burst: "600"
scheduler:
  extraArgs:
    leader-elect: "false"
featureGates:
  PublicKeysECDSA: true
"""
#: A container that crashed is tried again after 1, 2, 4 s instead of 10, 20, 40.
_KUBELET_PATCH = """\
kind: KubeletConfiguration
featureGates:
  ReduceDefaultCrashLoopBackOffDecay: true
"""


def kind_config(*, own_node: bool, address: str) -> str:
    """Return the configuration of a cluster of one node.

    Args:
        own_node: The node image is the one built here; else it is kindest/node.
        address: Where the API server is published: 127.0.0.1, or the engine's own address.

    Returns:
        JSON, which kind reads as the YAML that it is.
    """
    networking: dict[str, Any] = {
        "apiServerAddress": address,
        "apiServerPort": -1,  # the engine picks a free one, so two clusters never race for it
        "podSubnet": "10.244.0.0/16",
        "serviceSubnet": "10.96.0.0/16",
    }
    if own_node:
        networking["disableDefaultCNI"] = True
    return json.dumps(
        {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "networking": networking,
            "nodes": [{"role": "control-plane"}],
            "kubeadmConfigPatches": [_CLUSTER_PATCH, _KUBELET_PATCH],
        },
        indent=2,
    )
