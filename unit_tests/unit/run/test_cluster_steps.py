"""When the cluster's boot begins: after the first test, unless that takes too long or somebody waits for it."""

import threading
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from sdcm.broker.opener import BrokerSpec
from sdcm.broker.protocol import TESTS_BEGUN_FILE
from sdcm.environment.graph import Graph
from sdcm.journal import Journal
from sdcm.paths import Paths
from sdcm.run import cluster_steps
from sdcm.run.cluster_steps import ClusterSteps
from sdcm.wait import wait_for

#: Longer than this test may take.
LONG = 600.0


def done(value):
    future = Future()
    future.set_result(value)
    return future


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """Give a function that makes the steps of a run whose cluster lets tests go first for so many seconds."""
    places = Paths(*(tmp_path / name for name in ("r", "s", "c", "e")))
    places.run_runtime("0123abcd").mkdir(parents=True)
    monkeypatch.setattr(cluster_steps, "ensure_kind_binary", lambda *_: "kind")
    monkeypatch.setattr(cluster_steps, "create_cluster", lambda *_, **__: "the cluster")
    journal = Journal(tmp_path / "journal.jsonl")
    graphs = []

    def make(tests_first):
        graphs.append(Graph(journal, tmp_path / "logs"))
        images = SimpleNamespace(ensure=lambda *_, **__: "image")
        on = SimpleNamespace(
            engine=lambda: done(SimpleNamespace(private=True)), images=lambda: images, image=lambda _: done("image")
        )
        spec = BrokerSpec(run_id="0123abcd", tests_first=tests_first)
        gate = SimpleNamespace(making=None)
        return ClusterSteps(spec, places, SimpleNamespace(), graphs[-1], gate, on)

    make.begun = places.run_runtime("0123abcd") / TESTS_BEGUN_FILE
    make.graphs = graphs
    yield make
    for graph in graphs:
        graph.close(20)
    journal.close()


def test_the_cluster_waits_for_the_first_test(steps):
    cluster = steps(LONG).cluster()
    kind = steps.graphs[0].step("kind", lambda _: None, deadline=20)
    assert kind.result(20) == "kind"
    assert not cluster.done()
    steps.begun.touch()
    assert cluster.result(20) == "the cluster"


def test_it_waits_for_none_where_none_can_run_without_it_nor_for_ever(steps):
    assert steps(0.0).cluster().result(20) == "the cluster"


def test_whoever_waits_for_it_ends_its_waiting(steps):
    waiting = steps(LONG)
    cluster = waiting.cluster()
    assert waiting.cluster() is cluster
    waiting.hurry()
    assert cluster.result(20) == "the cluster"


def test_the_end_of_the_run_ends_its_waiting_and_leaves_no_thread(steps):
    cluster = steps(LONG).cluster()
    assert steps.graphs[0].close(20) == []
    assert cluster.exception(20) is not None
    wait_for(
        lambda: "tests begun" not in {thread.name for thread in threading.enumerate()},
        step=0.02,
        timeout=20,
        throw_exc=True,
    )
