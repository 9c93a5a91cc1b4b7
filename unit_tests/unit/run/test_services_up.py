import threading
from types import SimpleNamespace

import pytest

from sdcm import journal, process_identity
from sdcm.broker.gate import Gate
from sdcm.broker.opener import BrokerSpec
from sdcm.broker.states import ServiceStates
from sdcm.journal import Journal
from sdcm.ownership.ledger import Ledger
from sdcm.paths import Paths
from sdcm.run.services_up import ServicesUp

RUN = "0123abcd"


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """Make an environment whose cluster is up, and counts how often it is taken down."""
    ledger = Ledger(tmp_path / "state", RUN, process_identity.identify())
    notes = Journal(tmp_path / journal.FILE_NAME)
    places = Paths(state=tmp_path / "s", runtime=tmp_path / "r", cache=tmp_path / "c", engine=tmp_path / "e")

    def make(**spec):
        states = ServiceStates(tmp_path / "services.json", notes)
        made = ServicesUp(BrokerSpec(RUN, **spec), places, ledger, notes, states, Gate(), threading.Event())
        taken = []
        monkeypatch.setattr(made._cluster_steps, "remove_early", lambda: taken.append("cluster") or True)
        states.set("kubernetes", "ready")
        return SimpleNamespace(made=made, taken=taken, states=states)

    yield make
    notes.close()
    ledger.close()


def test_a_cluster_that_no_test_to_come_needs_is_taken_down(environment):
    run = environment()
    run.made.dismiss("docker")
    assert run.taken == []
    run.made.dismiss("kubernetes")
    assert (run.taken, run.states.all()["kubernetes"]) == (["cluster"], "dismissed")


@pytest.mark.parametrize("spec", [{"keeps": True}, {"keep_failed": True}, {"kubernetes": "kubeconfig"}])
def test_what_is_to_be_kept_stays(environment, spec):
    run = environment(**spec)
    assert not run.made.is_passing("kubernetes")
    run.made.dismiss("kubernetes")
    assert (run.taken, run.states.all()["kubernetes"]) == ([], "ready")


def test_a_kept_environment_that_a_run_has_joined_stays(environment):
    run = environment()
    run.made.keep(3600)
    run.made.dismiss("kubernetes")
    assert run.taken == []
