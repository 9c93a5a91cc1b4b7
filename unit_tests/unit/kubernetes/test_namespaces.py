"""Namespaces of tests: made ready for use, removed with all that was made for the test."""

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from sdcm.errors import DeadlinePassed
from sdcm.kubernetes import namespaces
from sdcm.kubernetes.api import ApiRefused
from unit_tests.lib.fake_kubernetes import FakeCluster
from unit_tests.unit.kubernetes.conftest import Spaces, labels_of
from unit_tests.unit.kubernetes.test_applying import CONFIG_MAP, ROLE, ROLE_PATH, WIDGET, WIDGETS

NAME = "sct-0a1b2c3d-1"
PATH = f"/api/v1/namespaces/{NAME}"


def test_a_namespace_is_labelled_and_has_its_account(cluster: FakeCluster, kubeconfig: Path) -> None:
    namespaces.make_namespace(kubeconfig, NAME, labels_of(NAME))
    assert cluster.objects[PATH]["metadata"]["labels"] == labels_of(NAME)
    assert f"{PATH}/serviceaccounts/default" in cluster.objects


def test_a_namespace_is_handed_out_only_when_its_account_is_there(cluster: FakeCluster, kubeconfig: Path) -> None:
    given: list[float] = []

    def late(path: str) -> None:
        import threading

        def give() -> None:
            given.append(time.monotonic())
            cluster.put(f"{path}/serviceaccounts/default", kind="ServiceAccount")

        threading.Timer(0.05, give).start()

    cluster.on_namespace = late
    namespaces.make_namespace(kubeconfig, NAME, labels_of(NAME))
    assert given
    assert time.monotonic() >= given[0]


def test_a_namespace_that_exists_is_not_taken_over(cluster: FakeCluster, kubeconfig: Path) -> None:
    cluster.put(PATH, kind="Namespace")
    with pytest.raises(ApiRefused, match="AlreadyExists"):
        namespaces.make_namespace(kubeconfig, NAME, labels_of(NAME))


def test_everything_goes(spaces: Spaces, cluster: FakeCluster) -> None:
    before = set(cluster.objects)
    space = spaces.make()
    space.apply(
        [CONFIG_MAP, ROLE, WIDGETS, WIDGET, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "op"}}]
    )
    spaces.remove(space)
    assert set(cluster.objects) == before


def test_removing_what_is_gone_is_no_error(kubeconfig: Path) -> None:
    namespaces.remove_namespace(kubeconfig, NAME, labels_of(NAME), 60)


def test_objects_of_others_stay(spaces: Spaces, cluster: FakeCluster) -> None:
    cluster.put("/apis/rbac.authorization.k8s.io/v1/clusterroles/theirs", kind="ClusterRole")
    cluster.put("/api/v1/namespaces/theirs", kind="Namespace")
    other, space = spaces.make(2), spaces.make(1)
    other.apply(CONFIG_MAP)
    before = set(cluster.objects)
    space.apply(ROLE)
    spaces.remove(space)
    gone = {PATH, f"{PATH}/serviceaccounts/default"}
    assert set(cluster.objects) == before - gone


def test_a_shared_object_goes_with_its_last_holder(spaces: Spaces, cluster: FakeCluster) -> None:
    first, second = spaces.make(1), spaces.make(2)
    first.apply(ROLE)
    second.apply(ROLE)
    spaces.remove(first)
    labels = cluster.objects[ROLE_PATH]["metadata"]["labels"]
    assert f"sct.lease.{first.name}" not in labels
    assert f"sct.lease.{second.name}" in labels
    spaces.remove(second)
    assert ROLE_PATH not in cluster.objects


def test_a_controller_may_finish_its_objects_before_it_goes(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    space.apply([WIDGETS, {**WIDGET, "metadata": {"name": "first", "finalizers": ["example.com/clean"]}}, CONFIG_MAP])
    alive: list[bool] = []

    def controller(item: dict[str, Any]) -> None:
        if item["metadata"].get("finalizers"):
            alive.append(f"{PATH}/configmaps/settings" in cluster.objects)
            item["metadata"]["finalizers"] = []

    cluster.finalize = controller
    spaces.remove(space)
    assert alive == [True]
    assert PATH not in cluster.objects


@pytest.mark.usefixtures("set_clock")
def test_an_object_that_nobody_finishes_hangs_nobody(
    spaces: Spaces, cluster: FakeCluster, caplog: pytest.LogCaptureFixture
) -> None:
    space = spaces.make()
    space.apply([WIDGETS, {**WIDGET, "metadata": {"name": "first", "finalizers": ["example.com/never"]}}])
    with caplog.at_level(logging.WARNING):
        spaces.remove(space, deadline=60)
    assert PATH not in cluster.objects
    assert f"widget/first in {NAME} was not finished in 30 s and loses its finalizers" in caplog.text


@pytest.mark.usefixtures("set_clock")
def test_what_hangs_all_the_same_is_named(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    space.apply({**CONFIG_MAP, "metadata": {"name": "settings", "finalizers": ["example.com/never"]}})
    with pytest.raises(DeadlinePassed, match=r"namespace sct-0a1b2c3d-1 was not gone after 60 s") as caught:
        spaces.remove(space, deadline=60)
    assert "Some content has finalizers" in caught.value.why


@pytest.mark.usefixtures("set_clock")
def test_volumes_of_the_namespaces_claims_are_awaited(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    spec = {"claimRef": {"namespace": NAME, "name": "data"}, "persistentVolumeReclaimPolicy": "Delete"}
    cluster.put("/api/v1/persistentvolumes/pvc-1", kind="PersistentVolume", spec=spec)
    with pytest.raises(DeadlinePassed, match="persistentvolume/pvc-1"):
        spaces.remove(space, deadline=60)


def test_pods_get_no_long_grace(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    cluster.put(f"{PATH}/pods/slow", kind="Pod")
    spaces.remove(space)
    assert f"DELETE {PATH}/pods" in cluster.requests
