"""The cluster's early removal, on a graph of real steps and an engine that only remembers."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from sdcm import journal, process_identity
from sdcm.broker.gate import Gate
from sdcm.broker.opener import BrokerSpec
from sdcm.environment.graph import Graph
from sdcm.journal import Journal
from sdcm.ownership.ledger import Ledger
from sdcm.run import cluster_steps
from sdcm.run.cluster_steps import ClusterSteps
from unit_tests.lib.fake_engine import FakeEngine

RUN = "0123abcd"
CLUSTER = f"sct-{RUN}"
KIND_LABEL = "io.x-k8s.kind.cluster"


def at_once(value):
    future = Future()
    future.set_result(value)
    return future


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run whose clusters are a container and a network; `made` counts them."""
    engine = FakeEngine(tmp_path)
    ledger = Ledger(tmp_path / "state", RUN, process_identity.identify())
    notes = Journal(tmp_path / journal.FILE_NAME)
    made = []

    def create(*_arguments, **_more):
        ledger.will_make("network", f"{CLUSTER}-kind", host=engine.host)
        ledger.will_make("kind-cluster", CLUSTER, host=engine.host)
        ledger.will_make("namespace", f"{CLUSTER}-1", kubeconfig="k")
        engine.add_container(f"{CLUSTER}-control-plane", {KIND_LABEL: CLUSTER})
        made.append(CLUSTER)
        return SimpleNamespace(name=CLUSTER)

    monkeypatch.setattr(cluster_steps, "create_cluster", create)
    monkeypatch.setattr(cluster_steps, "ensure_kind_binary", lambda *_: tmp_path / "kind")
    on = SimpleNamespace(
        engine=lambda: at_once(SimpleNamespace(private=True, host=engine.host)),
        images=lambda: SimpleNamespace(ensure=lambda *_, **__: None),
        image=lambda _name: at_once(SimpleNamespace(reference="r")),
    )
    graph = Graph(notes, tmp_path / "logs")

    def steps(**spec):
        return ClusterSteps(BrokerSpec(RUN, **spec), SimpleNamespace(run_runtime=lambda _: tmp_path),
                            ledger, graph, Gate(), on)  # fmt: skip

    yield SimpleNamespace(engine=engine, ledger=ledger, graph=graph, steps=steps, made=made, journal=notes)
    graph.close(20)
    notes.close()
    ledger.close()
    engine.close()


def removal(run):
    """Wait for the removal and return how it ended."""
    run.graph.step("cluster removal", lambda _: None, deadline=1.0).result(20)
    ends = [r for r in journal.read(run.journal.path) if r["event"] == "step-end" and r["step"] == "cluster removal"]
    return ends[0]


def test_a_cluster_is_removed_with_all_that_stood_on_it_and_the_journal_tells(run):
    steps = run.steps()
    assert not steps.remove_early(), "there is none yet"
    steps.cluster().result(20)
    assert steps.remove_early()
    assert removal(run)["detail"] == "no test to come needs it"
    assert run.engine.containers == []
    assert run.ledger.entries() == ()
    assert not steps.remove_early(), "it went once"


def test_a_test_that_asks_for_it_after_all_gets_a_new_one_when_the_old_one_is_gone(run):
    steps = run.steps()
    steps.cluster().result(20)
    steps.remove_early()
    steps.cluster().result(20)
    assert run.made == [CLUSTER, CLUSTER]
    starts = [r for r in journal.read(run.journal.path) if r["event"] == "step-start" and r["step"] == "cluster"]
    assert "cluster removal" in starts[1]["needs"]
    assert len(run.engine.containers) == 1


def test_what_cannot_be_removed_is_left_for_teardown_and_fails_nothing(run, monkeypatch):
    monkeypatch.setattr(cluster_steps, "_REMOVAL_DEADLINE", 0.2)
    steps = run.steps()
    steps.cluster().result(20)
    run.engine.refusals[f"DELETE /containers/{run.engine.containers[0]['Id']}"] = [(500, {"message": "stuck"})] * 99
    assert steps.remove_early()
    ended = removal(run)
    assert ended["status"] == "done"
    assert ended["detail"].startswith("left for teardown: kind-cluster")
    assert "kind-cluster" in {entry.kind for entry in run.ledger.entries()}


def test_a_cluster_of_the_users_stays(run, monkeypatch):
    monkeypatch.setattr("sdcm.kubernetes.existing.existing_cluster", lambda _: SimpleNamespace(name="theirs"))
    steps = run.steps(kubernetes="kubeconfig", kubeconfig="k")
    steps.cluster().result(20)
    assert not steps.remove_early()
