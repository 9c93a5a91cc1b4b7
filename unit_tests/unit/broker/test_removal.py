from types import SimpleNamespace

import pytest

from sdcm import journal, process_identity
from sdcm.broker.admission import Admission
from sdcm.broker.asking import Asking
from sdcm.broker.demand import Demand
from sdcm.broker.desk import BrokerDesk
from sdcm.broker.gate import Gate
from sdcm.broker.removal import remove_container
from sdcm.journal import Journal
from sdcm.ownership.ledger import Ledger
from unit_tests.lib.fake_engine import FakeEngine
from unit_tests.lib.set_clock import SetClock

RUN = "0123abcd"


@pytest.fixture
def engine(tmp_path):
    fake = FakeEngine(tmp_path)
    yield fake
    fake.close()


@pytest.fixture
def supplies(tmp_path):
    made = SimpleNamespace(
        run_id=RUN,
        runtime=tmp_path,
        ledger=Ledger(tmp_path / "state", RUN, process_identity.identify()),
        journal=Journal(tmp_path / journal.FILE_NAME),
        dismissed=[],
    )
    made.dismiss = made.dismissed.append
    yield made
    made.ledger.close()
    made.journal.close()


def a_desk(supplies, watched=(), **options):
    leaks = SimpleNamespace(
        is_watched=lambda service: service in watched, take=lambda *_: None, left=lambda *_: None, move=lambda *_: None
    )
    return BrokerDesk(supplies, Gate(), Admission(100, 1), leaks, demand=Demand(None), **options)


def events(supplies, name):
    return [record for record in journal.read(supplies.journal.path) if record["event"] == name]


def test_a_container_that_stays_is_journalled_as_left_and_stays_in_the_ledger(supplies, engine, monkeypatch):
    monkeypatch.setattr("sdcm.ownership.docker_objects.time", SetClock(pace=100))
    engine.add_container("stuck", {})
    engine.refusals["DELETE /containers/stuck"] = [(500, {"message": "driver failed"})] * 50
    for name in ("fine", "stuck"):
        remove_container(supplies, supplies.ledger.will_make("container", name, host=engine.host), "image", "a::b")
    fine, stuck = events(supplies, "container")
    assert (fine["name"], fine["state"]) == ("fine", "removed")
    assert (stuck["name"], stuck["state"]) == ("stuck", "left")
    assert "driver failed" in stuck["reason"]
    assert [entry.name for entry in supplies.ledger.entries()] == ["stuck"]


def test_a_removal_in_the_background_that_fails_is_journalled(supplies):
    desk = a_desk(supplies)

    def refuse():
        raise OSError("the cluster is gone")

    desk._in_background(refuse, "sct-0123abcd-1")
    desk.close(30)
    (record,) = events(supplies, "removal-failed")
    assert (record["name"], record["reason"]) == ("sct-0123abcd-1", "the cluster is gone")


def test_a_service_goes_once_no_test_needs_it_and_none_is_looked_at_any_more(supplies):
    watched = {"kubernetes"}
    desk = a_desk(supplies, watched)
    desk.handle("main/1", "unneeded", {"service": "kubernetes"}, Asking())
    assert supplies.dismissed == []
    watched.clear()
    desk.handle("gw0/2", "span", {"state": "over"}, Asking())
    assert supplies.dismissed == ["kubernetes"]


def test_a_service_goes_too_when_the_worker_that_was_to_look_has_died(supplies):
    watched = {"kubernetes"}
    desk = a_desk(supplies, watched)
    desk.handle("main/1", "unneeded", {"service": "kubernetes"}, Asking())
    watched.clear()
    desk.left("gw0/2")
    assert supplies.dismissed == ["kubernetes"]


def test_with_repetitions_a_service_goes_in_the_last_one(supplies):
    desk = a_desk(supplies, repeat=2)
    desk.handle("main/1", "unneeded", {"service": "kubernetes"}, Asking())
    assert supplies.dismissed == []
    desk.handle("main/2", "unneeded", {"service": "kubernetes"}, Asking())
    assert supplies.dismissed == ["kubernetes"]
