"""`--on kubernetes` on the command line: what goes together, and what pods are then called with."""

import pytest

from sdcm.cli.on_options import taken
from sdcm.errors import UsageProblem
from sdcm.run.on_kubernetes.asked import OnKubernetes
from sdcm.run.on_kubernetes.stage import processors
from sdcm.run.on_kubernetes.target import cluster_of, runner_arguments
from sdcm.run.options import RunOptions

NONE = dict.fromkeys(("on", "shards", "context", "namespace", "image", "registry", "cpu", "memory", "account"))
NONE["load_into_kind"] = False


def test_without_it_nothing_is_asked_for():
    assert taken({**NONE, "keyword": "x"}) == {"keyword": "x", "on": None}


def test_with_it_two_shards_are_asked_for_unless_somebody_says_how_many():
    asked = taken({**NONE, "on": "kubernetes", "registry": "r/p"})["on"]
    assert asked == OnKubernetes(shards=2, registry="r/p")
    assert taken({**NONE, "on": "kubernetes", "registry": "r/p", "shards": 5})["on"].shards == 5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"shards": 3}, "--shards goes with --on kubernetes"),
        ({"account": "a"}, "--service-account goes with --on kubernetes"),
        ({"load_into_kind": True}, "--load-into-kind goes with --on kubernetes"),
        ({"on": "kubernetes"}, "none is given -- --registry"),
        ({"on": "kubernetes", "image": "i:1", "load_into_kind": True}, "several are given"),
        ({"on": "kubernetes", "load_into_kind": True, "shard": "1/2"}, "--shard does not go with"),
        ({"on": "kubernetes", "load_into_kind": True, "keep": True}, "--keep does not go with"),
    ],
)
def test_what_does_not_go_together_is_said(given, said):
    with pytest.raises(UsageProblem, match=said):
        taken({**NONE, **given})


def test_each_pod_is_called_as_the_user_called():
    options = RunOptions("unit-tests", tests=("a.py",), workers=None, keyword="k", marks="m", repeat=2, verbosity=-1)
    argv = runner_arguments(options, ("unit_tests/a.py",), 1)
    assert argv == [
        *("--test", "unit_tests/a.py", "--workers", "1", "-k", "k", "-m", "m", "--repeat", "2"),
        "-q",
    ]
    integration = RunOptions("integration-tests", require=("docker",), fresh_nodes=True)
    argv = runner_arguments(integration, ("unit_tests",), 4)
    assert "--test" not in argv
    assert argv[-8:] == [
        *("--require", "docker", "--db", "auto", "--leaks", "error"),
        *("--allow-all-skipped", "--fresh-nodes"),
    ]


@pytest.mark.parametrize(("text", "number"), [("500m", 0.5), ("2", 2.0), ("1.5", 1.5)])
def test_processors_as_kubernetes_writes_them(text, number):
    assert processors(text) == number


def test_wrong_processors_and_a_missing_cluster_are_said(tmp_path):
    with pytest.raises(UsageProblem, match="--cpu many"):
        processors("many")
    options, on = RunOptions("unit-tests"), OnKubernetes(2, image="i:1")
    with pytest.raises(UsageProblem, match="there is no /nowhere"):
        cluster_of(options, on, {"KUBECONFIG": "/nowhere"})
