"""What a run is doing, in words."""

import pytest

from sdcm.reporters.live import LiveRun
from sdcm.reporters.live_words import clock, now_line, short_name
from unit_tests.lib.journals import START, HandJournal


@pytest.mark.parametrize(
    ("test", "short"),
    [
        ("a/b.py::test_one", "test_one"),
        ("a/b.py::TestOne::test_two[x-1]", "test_two[x-1]"),
        ("a/b.py::test_one[a::b]", "test_one[a::b]"),
        ("a/b.py", "a/b.py"),
    ],
)
def test_short_names(test: str, short: str) -> None:
    assert short_name(test) == short


@pytest.mark.parametrize(
    ("seconds", "told"), [(-1, "0 s"), (0.9, "0 s"), (99, "99 s"), (100, "1:40"), (3725, "1:02:05")]
)
def test_durations_in_short(seconds: float, told: str) -> None:
    assert clock(seconds) == told


def _live(records: HandJournal) -> LiveRun:
    live = LiveRun()
    for record in records:
        live.feed(record)
    return live


def _begun() -> HandJournal:
    records = HandJournal().write("run-start", after=0).write("selection", tests=4).write("pytest-start")
    return records.write("worker", worker="gw0", state="up").write("collected", tests=4)


def test_one_line_tells_what_runs_now() -> None:
    records = _begun().write("step-start", after=0, step="cluster")
    records.write("test-start", after=0, test="a.py::one", worker="gw0").test("a.py::two", "failed", seconds=40.0)
    live = _live(records)
    at = live.running["a.py::one"].started + 50
    assert now_line(live, at) == "gw0 one set-up 50 s, cluster 50 s, 1 of 4 tests done, 1 failed"
    assert now_line(_live(HandJournal().write("run-start", after=0)), START + 31) == "collecting 31 s"
    assert now_line(_live(_begun().write("pytest-end", status=0)), START + 90) == ""
