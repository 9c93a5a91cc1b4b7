import threading
from pathlib import Path

import pytest

from sdcm.environment import progress
from sdcm.environment.progress import Heartbeat
from sdcm.wait import wait_for
from unit_tests.lib.fake_step import FakeStep
from unit_tests.lib.set_clock import SetClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """The time that the heartbeat sees; it looks at it every few milliseconds."""
    clock = SetClock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(progress, "_SILENCE", 2.0)
    monkeypatch.setattr(progress, "_SETTLE", 0.004)
    return clock


def until_said(step: FakeStep, *lines: str) -> None:
    """Wait for these lines, and no others, to have been said."""
    wait_for(lambda: len(step.said) >= len(lines), step=0.005, text=f"{len(lines)} lines", timeout=30)
    assert step.said == list(lines)


def test_a_long_activity_is_repeated(tmp_path: Path, clock: SetClock) -> None:
    step = FakeStep(tmp_path)
    with Heartbeat(step, "building a"):
        clock.leap(2)
        until_said(step, "building a (2 s)")
        clock.leap(1.9)
        clock.leap(0.2)
        until_said(step, "building a (2 s)", "building a (4 s)")
    clock.leap(9)
    assert step.said == ["building a (2 s)", "building a (4 s)"]


def test_an_activity_of_less_than_a_second_is_said_without_its_time(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_SILENCE", 0.5)
    step = FakeStep(tmp_path)
    with Heartbeat(step, "building a"):
        clock.leap(0.6)
        until_said(step, "building a")
        clock.leap(0.6)
        until_said(step, "building a", "building a (1 s)")


def test_a_new_activity_is_said_once_it_has_stood(tmp_path: Path, clock: SetClock) -> None:
    step = FakeStep(tmp_path)
    with Heartbeat(step, "start") as heartbeat:
        clock.leap(0.001)
        for number in range(40):
            heartbeat.now(f"step {number}/40")
        assert heartbeat.text == "step 39/40"
        clock.leap(0.005)
        until_said(step, "step 39/40")
    assert step.said == ["step 39/40"]


def beating() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "heartbeat"]


def test_what_is_over_at_once_says_nothing_and_holds_nobody(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_SETTLE", 600)
    step = FakeStep(tmp_path)
    with Heartbeat(step, "looking"):
        assert len(beating()) == 1
    assert beating() == []
    assert step.said == []


def test_an_error_ends_it(tmp_path: Path, clock: SetClock) -> None:
    step = FakeStep(tmp_path)
    with pytest.raises(ValueError, match="no"), Heartbeat(step, "x"):
        raise ValueError("no")
    assert beating() == []
    assert step.said == []
