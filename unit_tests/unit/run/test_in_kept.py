import json
import os

import pytest

from sdcm.broker.runs import LiveRun, live_runs
from sdcm.broker.server import Server
from sdcm.errors import EnvironmentFailed, UsageProblem
from sdcm.journal import Journal, read
from sdcm.ownership import ledger
from sdcm.paths import Paths
from sdcm.run.in_kept import InKept
from sdcm.services.selected import SelectedTest

RUN = "0a1b2c3d"


class Desk:
    """Takes what it is asked, but what it refuses."""

    def __init__(self):
        self.asked = []
        self.refuses = set()

    def handle(self, _worker, op, arguments, _asking):
        if op in self.refuses:
            raise UsageProblem(f"unknown request '{op}'")
        self.asked.append((op, dict(arguments)))
        return {}

    def left(self, worker):
        self.asked.append(("left", {}))


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def begin(desk, tmp_path):
    places = Paths(*(tmp_path / name for name in ("runtime", "state", "cache", "engine")))
    places.run_state(RUN).mkdir(parents=True)
    server = Server(tmp_path / "b.sock", desk)
    server.start()
    journal = Journal(places.run_state(RUN) / "journal.jsonl")
    kept = LiveRun("feedbeef", tmp_path / "b.sock", 1e12)
    yield lambda: (InKept(kept, places, RUN, journal), places)
    journal.close()
    server.close()


def test_what_a_run_is_found_by_stands_in_its_ledger_until_it_ends(begin, desk):
    using, places = begin()
    assert ("watch", {"run": RUN}) in desk.asked
    using.adopt(os.getpid())
    (run,) = live_runs(places)
    assert (run.run_id, run.environment, run.kept) == (RUN, "feedbeef", False)
    (entry,) = ledger.read(places.run_state(RUN) / ledger.FILE_NAME).entries
    assert entry.kind == "process"
    assert json.loads(entry.facts["identity"])["pid"] == os.getpid()
    using.end()
    assert ledger.read(places.run_state(RUN) / ledger.FILE_NAME).entries == ()
    told = {record["event"]: record for record in read(places.run_state(RUN) / "journal.jsonl")}
    assert told["teardown-start"]["resources"] == 1
    assert told["teardown-end"]["leftovers"] == []


def test_it_tells_of_the_tests_to_come(begin, desk):
    using, _ = begin()
    test = SelectedTest("a.py::test_a", "a.py", services=("docker",), node_key="k")
    assert using.expect([test], 2)
    assert ("expect", {"tests": {"k": ["a.py::test_a"]}, "times": 2}) in desk.asked
    desk.refuses.add("expect")
    assert not using.expect([test], 1)
    using.end()


def test_an_environment_of_another_version_is_not_used(begin, desk):
    desk.refuses.add("watch")
    with pytest.raises(UsageProblem):
        begin()


def test_an_environment_that_has_ended_is_not_used(tmp_path):
    places = Paths(*(tmp_path / name for name in ("runtime", "state", "cache", "engine")))
    (tmp_path / "broker.pid").write_text(json.dumps({"identity": _nobody(), "log": str(tmp_path / "log")}))
    with pytest.raises(EnvironmentFailed, match="the broker is gone"):
        InKept(LiveRun("feedbeef", tmp_path / "b.sock", 1e12), places, RUN, Journal(tmp_path / "journal.jsonl"))


def _nobody():
    return {"pid": 1, "start_ticks": -1, "start_time": 0.0, "boot_id": "", "host": "", "pid_namespace": 0}


def test_a_failure_at_its_end_is_told_by_name_and_hinders_nothing(begin, monkeypatch):
    using, places = begin()
    using.adopt(os.getpid())

    def full(_self, _entry):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sdcm.ownership.ledger.Ledger.removed", full)
    using.end()
    steps = [record for record in read(places.run_state(RUN) / "journal.jsonl") if record["event"] == "step-end"]
    assert [(step["step"], step["status"]) for step in steps] == [("end: InKept._settle", "failed")]
