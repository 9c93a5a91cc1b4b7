"""What a run is doing, by its journal."""

import pytest

from sdcm.reporters.live import LiveRun, NodeCounts
from unit_tests.lib.journals import START, HandJournal


def _live(records: HandJournal) -> LiveRun:
    live = LiveRun()
    for record in records:
        live.feed(record)
    return live


def _begun(*workers: str, tests: int = 4) -> HandJournal:
    records = HandJournal().write("run-start", after=0).write("selection", tests=tests).write("pytest-start")
    for worker in workers:
        records.write("worker", worker=worker, state="up")
    return records.write("collected", tests=tests)


def test_a_run_goes_through_its_stages() -> None:
    live, stages = LiveRun(), []
    records = _begun("gw0").test("a.py::one", worker="gw0").write("pytest-end", status=0)
    for record in records.write("teardown-start").write("teardown-end", seconds=1.0).write("run-end", exit_code=0):
        live.feed(record)
        stages.append(live.stage)
    assert list(dict.fromkeys(stages)) == [
        "collecting", "setting-up", "starting", "tests", "ending", "teardown", "over",
    ]  # fmt: skip


def test_tests_are_counted_once_each() -> None:
    records = _begun("gw0", "gw1").test("a.py::one").test("a.py::two", "failed").test("a.py::three", "skipped")
    records.write("test-end", test="a.py::one", outcome="failed", phase="???")
    live = _live(records)
    assert (live.done, live.failed, live.skipped, live.total) == (3, 2, 1, 4)


def test_a_test_tells_its_worker_its_phase_and_what_it_waits_for() -> None:
    records = _begun("gw0").write("test-start", test="a.py::one", worker="gw0")
    live = _live(records)
    live.know({"a.py::one": ("docker",)}, {})
    test = live.running["a.py::one"]
    assert (test.worker, test.phase, live.waits_for(test)) == ("gw0", "set-up", "docker")
    live.feed({"event": "service", "at": START + 1, "service": "docker", "state": "ready"})
    assert live.waits_for(test) == ""
    live.feed({"event": "lease", "at": START + 2, "test": "a.py::one", "what": "node", "state": "wanted"})
    assert live.waits_for(test) == "node"
    live.feed({"event": "test-body", "at": START + 3, "test": "a.py::one", "worker": "gw0"})
    assert (test.phase, live.waits_for(test)) == ("", "")
    live.feed({"event": "test-teardown", "at": START + 4, "test": "a.py::one"})
    assert test.phase == "tear-down"


def test_nodes_are_booting_leased_or_ready() -> None:
    records = _begun("gw0").write("test-start", test="a.py::one")
    for name in ("n-1", "n-2", "n-3"):
        records.write("container", name=name, state="starting")
    records.write("container", name="n-1", state="ready").write("container", name="n-2", state="ready")
    records.write("lease", what="node", test="a.py::one", state="granted", lease="1")
    records.write("lease", what="namespace", test="a.py::one", state="granted", lease="2")
    assert _live(records).nodes == NodeCounts(booting=1, leased=1, ready=1)
    records.write("lease", what="node", test="a.py::one", state="ended", lease="1")
    records.write("container", name="n-1", state="removed")
    assert _live(records).nodes == NodeCounts(booting=1, leased=0, ready=1)


def test_what_is_left_is_told_from_earlier_runs() -> None:
    live = _live(_begun("gw0", "gw1"))
    live.know({"a::1": (), "a::2": (), "a::3": (), "a::4": ()}, {"a::1": 10.0, "a::2": 4.0, "a::3": 6.0, "b": 99.0})
    live.feed({"event": "test-start", "at": START + 1, "test": "a::1", "worker": "gw0"})
    # 7 s of the first are left; the others take 4, 6 and their median, 6: 23 s for two workers.
    assert live.remaining(START + 4) == pytest.approx(11.5)


def test_one_long_test_is_what_is_left() -> None:
    live = _live(_begun("gw0", "gw1"))
    live.know({"a::1": (), "a::2": ()}, {"a::1": 60.0, "a::2": 1.0})
    live.feed({"event": "test-start", "at": START + 1, "test": "a::2", "worker": "gw0"})
    assert live.remaining(START + 1) == pytest.approx(60.0)


def test_without_earlier_runs_the_pace_tells_once_there_is_one() -> None:
    records = _begun("gw0", tests=20)
    for number in range(4):
        records.test(f"a::{number}", seconds=1.0)
    live = _live(records)
    assert live.remaining(records.now) is None
    live = _live(records.test("a::4", seconds=1.0))
    assert live.remaining(live.since + 5.0) == pytest.approx(15.0)


def test_a_repetition_counts_anew() -> None:
    live = _live(_begun("gw0").test("a.py::one", "failed").write("pytest-end", status=1).write("pytest-start"))
    assert (live.done, live.failed, live.stage) == (0, 0, "starting")
