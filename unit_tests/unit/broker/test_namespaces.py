"""A cluster that goes with its run waits for no namespace on it; any other does."""

import threading
from types import SimpleNamespace

import pytest

from sdcm import journal, process_identity
from sdcm.broker.admission import Admission
from sdcm.broker.asking import Asking
from sdcm.broker.demand import Demand
from sdcm.broker.desk import BrokerDesk
from sdcm.broker.gate import Gate
from sdcm.journal import Journal
from sdcm.kubernetes import namespaces
from sdcm.kubernetes.api import ApiSilent
from sdcm.ownership.ledger import Ledger
from sdcm.wait import wait_for

RUN = "0123abcd"


class Run:
    """A desk on a cluster whose namespaces go when `let_go` is set, with `error` if there is one."""

    def __init__(self, folder, monkeypatch, *, passing):
        self.let_go, self.removing, self.error = threading.Event(), threading.Event(), None
        self.dismissed = []
        self.journal = Journal(folder / journal.FILE_NAME)
        self.ledger = Ledger(folder / "state", RUN, process_identity.identify())
        cluster = SimpleNamespace(kubeconfig="k", to_record=dict)
        supplies = SimpleNamespace(
            run_id=RUN, runtime=folder, ledger=self.ledger, journal=self.journal, dismiss=self.dismissed.append,
            is_passing=lambda _service: passing, cluster=lambda: cluster,
        )  # fmt: skip
        leaks = SimpleNamespace(is_watched=lambda _service: False)
        monkeypatch.setattr(namespaces, "make_namespace", lambda *_: None)
        monkeypatch.setattr(namespaces, "remove_namespace", self._remove)
        self.desk = BrokerDesk(supplies, Gate(), Admission(100, 1), leaks, demand=Demand(None))

    def _remove(self, *_):
        self.removing.set()
        assert self.let_go.wait(60)
        if self.error:
            raise self.error

    def ask(self, op, **arguments):
        return self.desk.handle("gw0/1", op, arguments, Asking())

    def end_of_last_test(self):
        lease = self.ask("namespace", test="a.py::t")["lease"]
        self.ask("release", lease=lease)
        self.ask("unneeded", service="kubernetes")
        assert self.removing.wait(60)

    def failures(self):
        return [record for record in journal.read(self.journal.path) if record["event"] == "removal-failed"]


@pytest.fixture
def a_run(tmp_path, monkeypatch):
    runs = []

    def make(**options):
        runs.append(Run(tmp_path, monkeypatch, **options))
        return runs[-1]

    yield make
    for run in runs:
        run.let_go.set()
        wait_for(lambda run=run: not run.desk._under_way, text="the removals", timeout=60, step=0.005)
        run.ledger.close()
        run.journal.close()


def test_a_cluster_that_goes_with_its_run_goes_before_its_namespaces(a_run):
    run = a_run(passing=True)
    run.end_of_last_test()
    wait_for(lambda: run.dismissed == ["kubernetes"], text="the dismissal", timeout=60, step=0.005)
    run.desk.close(60)  # while the removal goes on
    assert not run.let_go.is_set()
    run.error = ApiSilent("the cluster is gone")
    run.let_go.set()
    wait_for(lambda: not run.desk._under_way, text="the removal", timeout=60, step=0.005)
    assert run.failures() == []


def test_a_cluster_that_stays_is_waited_for(a_run):
    run = a_run(passing=False)
    run.end_of_last_test()
    assert run.dismissed == []
    closing = threading.Thread(target=run.desk.close, args=(60,))
    closing.start()
    closing.join(0.02)
    assert closing.is_alive()
    run.let_go.set()
    closing.join(60)
    assert (run.dismissed, run.ledger.entries(), run.failures()) == (["kubernetes"], (), [])


def test_a_namespace_that_does_not_go_while_tests_run_is_told(a_run):
    run = a_run(passing=True)
    lease = run.ask("namespace", test="a.py::t")["lease"]
    run.error = ApiSilent("the cluster hangs")
    run.let_go.set()
    run.ask("release", lease=lease)
    wait_for(run.failures, text="the failure", timeout=60, step=0.005)
    assert len(run.ledger.entries()) == 1
