"""What apply labels, shares and refuses."""

import threading

import pytest

from sdcm.errors import UsageProblem
from sdcm.kubernetes.applying import Applying
from unit_tests.lib.fake_kubernetes import FakeCluster
from unit_tests.unit.kubernetes.conftest import Spaces

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "labels": {"app": "x"}}}
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "operator"},
        "rules": [{"verbs": ["get"]}]}  # fmt: skip
WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [{"name": "v1", "served": True}],
    },
}
WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "first"}}
ROLE_PATH = "/apis/rbac.authorization.k8s.io/v1/clusterroles/operator"


def test_an_object_goes_into_the_tests_namespace_with_the_leases_labels(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    (made,) = space.apply(CONFIG_MAP)
    stored = cluster.objects[f"/api/v1/namespaces/{space.name}/configmaps/settings"]
    assert made["metadata"]["name"] == "settings"
    assert stored["metadata"]["namespace"] == space.name
    assert stored["metadata"]["labels"] == {"app": "x", **space.labels}


def test_an_object_outside_namespaces_also_tells_who_holds_it(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    space.apply(ROLE)
    labels = cluster.objects[ROLE_PATH]["metadata"]["labels"]
    assert labels == {**space.labels, f"sct.lease.{space.name}": "held"}


def test_a_definition_and_its_first_object_may_come_in_one_manifest(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    made = space.apply([WIDGET, WIDGETS])
    assert [item["kind"] for item in made] == ["CustomResourceDefinition", "Widget"]
    assert f"/apis/example.com/v1/namespaces/{space.name}/widgets/first" in cluster.objects


def test_what_is_not_the_runs_is_not_touched(spaces: Spaces, cluster: FakeCluster) -> None:
    theirs = cluster.put(ROLE_PATH, kind="ClusterRole", metadata={"labels": {"app": "theirs"}})
    before = dict(theirs["metadata"])
    with pytest.raises(UsageProblem, match="clusterrole/operator is in the cluster already and is not this run's"):
        spaces.make().apply(ROLE)
    assert cluster.objects[ROLE_PATH]["metadata"] == before


def test_what_another_run_made_is_not_touched(spaces: Spaces) -> None:
    spaces.make(1, run="ffffffff").apply(ROLE)
    with pytest.raises(UsageProblem, match="not this run's"):
        spaces.make(1).apply(ROLE)


def test_two_tests_share_an_object_of_the_same_content(spaces: Spaces, cluster: FakeCluster) -> None:
    first, second = spaces.make(1), spaces.make(2)
    first.apply(ROLE)
    second.apply(ROLE)
    labels = cluster.objects[ROLE_PATH]["metadata"]["labels"]
    assert {f"sct.lease.{first.name}", f"sct.lease.{second.name}"} <= set(labels)
    assert labels["sct.lease"] == first.name


def test_two_tests_that_make_an_object_at_once_share_it(
    spaces: Spaces, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = spaces.make(1), spaces.make(2)
    first.apply(ROLE)
    look, blind = Applying._unless_leaving, iter([None])  # the second looked before the first had made it
    monkeypatch.setattr(
        Applying, "_unless_leaving", lambda self, path, item: next(blind, "look") and look(self, path, item)
    )
    second.apply(ROLE)
    labels = cluster.objects[ROLE_PATH]["metadata"]["labels"]
    assert labels["sct.lease"] == first.name
    assert labels[f"sct.lease.{second.name}"] == "held"


def test_two_tests_do_not_overwrite_each_other(spaces: Spaces) -> None:
    spaces.make(1).apply(ROLE)
    with pytest.raises(UsageProblem, match="another running test holds clusterrole/operator with other content"):
        spaces.make(2).apply({**ROLE, "rules": [{"verbs": ["delete"]}]})


def test_a_foreign_namespace_is_refused(spaces: Spaces) -> None:
    item = {**CONFIG_MAP, "metadata": {"name": "settings", "namespace": "kube-system"}}
    space = spaces.make()
    with pytest.raises(UsageProblem, match=f"configmap/settings in kube-system is not in .* namespace {space.name}"):
        space.apply(item)


def test_a_namespace_that_the_test_applied_is_its_own(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    inside = {**CONFIG_MAP, "metadata": {"name": "settings", "namespace": "operator"}}
    space.apply([inside, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "operator"}}])
    assert "/api/v1/namespaces/operator/configmaps/settings" in cluster.objects


def test_a_name_may_be_left_to_the_server(spaces: Spaces, cluster: FakeCluster) -> None:
    space = spaces.make()
    (made,) = space.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "some-"}})
    assert made["metadata"]["name"] == "some-1"


def test_an_unknown_kind_names_what_is_missing(spaces: Spaces) -> None:
    with pytest.raises(UsageProblem, match=r"the cluster knows no Widget in example.com/v1 -- apply its CRD before it"):
        spaces.make().apply(WIDGET)


def test_an_object_read_from_a_cluster_can_be_applied(spaces: Spaces) -> None:
    space = spaces.make()
    (made,) = space.apply(CONFIG_MAP)
    (again,) = space.apply({**made, "data": {"a": "b"}})
    assert again["data"] == {"a": "b"}


def test_an_object_on_its_way_out_is_awaited(spaces: Spaces, cluster: FakeCluster) -> None:
    first, second = spaces.make(1), spaces.make(2)
    first.apply(ROLE)
    leaving = cluster.objects[ROLE_PATH]
    leaving["metadata"]["deletionTimestamp"] = "2024"
    threading.Timer(0.05, lambda: cluster.objects.pop(ROLE_PATH)).start()
    second.apply(ROLE)
    assert cluster.objects[ROLE_PATH] is not leaving
    assert cluster.objects[ROLE_PATH]["metadata"]["labels"]["sct.lease"] == second.name
