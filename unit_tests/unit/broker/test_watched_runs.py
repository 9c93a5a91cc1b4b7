import threading
from dataclasses import replace

import pytest

from sdcm.broker.asking import Asking
from sdcm.broker.watched_runs import WatchedRuns
from sdcm.ownership.ledger import Ledger, read
from sdcm.paths import from_environment
from sdcm.process_identity import identify


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("SCT_STATE_DIR", str(tmp_path))
    return from_environment()


class Watch:
    """Watches in the foreground, or in threads, and records what is cleared up."""

    def __init__(self, **more):
        self.cleared = []
        self.threads = []
        self.runs = WatchedRuns(lambda action, _name: action(), self.cleared.append, **more)

    def begin(self, worker, run_id):
        self.runs.watch(worker, {"run": run_id}, Asking())


def dead():
    return replace(identify(), start_ticks=1)


def ledger_of(places, run_id, owner, *, left=True):
    ledger = Ledger(places.run_state(run_id), run_id, owner)
    if left:
        ledger.will_make("process", "1", identity="{}")
    return ledger


def test_a_runner_that_died_is_cleared_up_after(places):
    watch = Watch()
    watch.begin("runner/1", "aaaaaaaa")
    ledger_of(places, "aaaaaaaa", dead()).close()
    watch.runs.left("runner/1")
    assert watch.cleared == ["aaaaaaaa"]
    watch.runs.left("runner/1")
    assert watch.cleared == ["aaaaaaaa"]


def test_a_runner_that_has_cleared_up_itself_is_not(places):
    watch = Watch()
    watch.begin("runner/1", "aaaaaaaa")
    ledger_of(places, "aaaaaaaa", dead(), left=False).close()
    watch.runs.left("runner/1")
    watch.runs.left("gw0/2")
    assert watch.cleared == []


def test_a_runner_that_lives_is_left_alone(places):
    watch = Watch(patience=0.01)
    watch.begin("runner/1", "aaaaaaaa")
    ledger_of(places, "aaaaaaaa", identify()).close()
    watch.runs.left("runner/1")
    assert watch.cleared == []


def test_a_runner_whose_connection_closes_just_before_its_end_is_awaited(places, monkeypatch):
    looked, ends = threading.Event(), threading.Event()

    def is_alive(_owner):
        looked.set()
        return not ends.is_set()

    monkeypatch.setattr("sdcm.broker.watched_runs.is_alive", is_alive)
    watch = Watch(patience=300)
    watch.begin("runner/1", "aaaaaaaa")
    ledger_of(places, "aaaaaaaa", identify()).close()
    leaving = threading.Thread(target=watch.runs.left, args=("runner/1",))
    leaving.start()
    assert looked.wait(300)
    assert watch.cleared == []
    ends.set()
    leaving.join(300)
    assert watch.cleared == ["aaaaaaaa"]


def test_a_run_is_known_by_its_new_connection(places):
    watch = Watch()
    watch.begin("runner/1", "aaaaaaaa")
    ledger_of(places, "aaaaaaaa", dead()).close()
    watch.runs.move("runner/1", "runner/2")
    watch.runs.move("gw0/3", "gw0/4")
    watch.runs.left("runner/1")
    assert watch.cleared == []
    watch.runs.left("runner/2")
    assert watch.cleared == ["aaaaaaaa"]


def test_a_run_that_begins_has_those_swept_up_that_died_with_their_broker(places):
    ledger_of(places, "aaaaaaaa", dead()).close()
    ledger_of(places, "bbbbbbbb", identify()).close()
    watch = Watch()
    watch.begin("runner/1", "cccccccc")
    assert watch.cleared == ["aaaaaaaa"]
    assert read(places.run_state("bbbbbbbb") / "ledger.jsonl").entries
