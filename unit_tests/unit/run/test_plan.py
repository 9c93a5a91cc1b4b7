import pytest

from sdcm.errors import ServiceUnavailable
from sdcm.run.options import RunOptions
from sdcm.run.plan import make_plan
from sdcm.services.availability import available, cloud_availability
from sdcm.services.selected import NODE_IMAGE, SelectedTest


def docker(name, **more):
    return SelectedTest(f"f.py::{name}", "f.py", services=("docker",), images=(NODE_IMAGE,), nodes=1, **more)


def kubernetes(name):
    return SelectedTest(f"k.py::{name}", "k.py", services=("kubernetes",))


def plan(*tests, environ=None, **options):
    def ask_clouds(labels):
        return {label: cloud_availability(label, environ or {}) for label in labels}

    options_of_run = RunOptions("integration-tests", **options)
    return make_plan(options_of_run, tests, ask_clouds, workers=options.get("workers", 4))


def test_docker_tests_bring_up_no_cluster():
    made = plan(docker("a"), docker("b"))
    assert made.services == {"docker": 2}
    assert made.steps == ("engine", "network", "image scylla or cassandra (--db auto)")
    assert made.to_bring_up == ("docker",)


def test_the_flavour_that_was_asked_for_is_planned():
    assert "image cassandra" in plan(docker("a"), db="cassandra").steps


def test_an_image_is_planned_once_whatever_tests_call_it():
    node, kind = (
        SelectedTest(f"f.py::{name}", "f.py", services=("docker",), images=(name,))
        for name in ("cassandra", "kind-node")
    )
    assert plan(docker("a"), node, kind, kubernetes("k"), db="cassandra").steps == (
        "engine",
        "network",
        "image cassandra",
        "image kind-node",
        "kind",
        "cluster (Kind)",
    )


def test_kubernetes_tests_bring_up_a_kind_cluster_and_no_database_image():
    made = plan(kubernetes("a"))
    assert made.steps == ("engine", "image kind-node", "kind", "cluster (Kind)")
    assert made.to_bring_up == ("kubernetes",)


def test_the_users_cluster_needs_no_engine():
    assert plan(kubernetes("a"), kubeconfig="c.yaml").steps == ("cluster of c.yaml",)


def test_no_service_no_step():
    made = plan(SelectedTest("f.py::t", "f.py"))
    assert made.steps == ()
    assert made.to_bring_up == ()


def test_missing_credentials_are_skips_with_their_reason():
    made = plan(SelectedTest("f.py::t", "f.py", services=("aws",)))
    assert "AWS_ACCESS_KEY_ID" in made.unavailable["aws"]
    assert made.to_record()["skips"]["aws"]["tests"] == 1
    given = plan(SelectedTest("f.py::t", "f.py", services=("aws",)), environ={"AWS_PROFILE": "p"})
    assert given.unavailable == {}
    assert given.to_bring_up == ()
    assert (made.needs_broker, given.needs_broker) == (False, True)


def test_only_the_clouds_that_are_needed_or_required_are_asked():
    asked = []

    def ask_clouds(labels):
        asked.extend(labels)
        return {label: available(label) for label in labels}

    tests = (docker("a"), SelectedTest("f.py::t", "f.py", services=("gce",)))
    made = make_plan(RunOptions("integration-tests", require=("docker", "oci")), tests, ask_clouds, workers=4)
    assert asked == ["gce", "oci"]
    assert made.unavailable == {}


def test_a_required_service_without_credentials_ends_the_run():
    with pytest.raises(ServiceUnavailable, match="AZURE_SUBSCRIPTION_ID"):
        plan(docker("a"), require=("azure",))


def test_never_more_workers_than_units():
    assert plan(docker("a"), docker("b"), workers=8).workers == 2
    assert plan(docker("a", group="g"), docker("b", group="g"), workers=8).workers == 1
    whole = (docker("a", shared_lease=True), docker("b", shared_lease=True), docker("c"))
    assert plan(*whole, workers=8).workers == 1
    assert plan(*whole, kubernetes("d"), workers=8).workers == 2
    joined = (docker("a", group="g", shared_lease=True), docker("b", shared_lease=True))
    assert plan(*joined, workers=8).workers == 1  # a group and a module that share a test
    assert plan(*(docker(str(n)) for n in range(9)), workers=4).workers == 4
    assert plan(docker("a"), workers=0).workers == 0
