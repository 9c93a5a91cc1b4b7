import time
from pathlib import Path

import pytest

from sdcm.environment import progress
from sdcm.environment.progress import Heartbeat
from unit_tests.lib.fake_step import FakeStep


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SILENCE", 0.3)
    monkeypatch.setattr(progress, "_SETTLE", 0.1)


def test_a_long_activity_is_repeated(tmp_path: Path) -> None:
    step = FakeStep(tmp_path)
    with Heartbeat(step, "building a"):
        time.sleep(1.3)
    assert 3 <= len(step.said) <= 5
    assert step.said[0] == "building a"
    assert step.said[-1] == "building a (1 s)"


def test_a_new_activity_is_said_once_it_has_stood(tmp_path: Path) -> None:
    step = FakeStep(tmp_path)
    with Heartbeat(step, "start") as heartbeat:
        for number in range(40):
            heartbeat.now(f"step {number}/40")
        time.sleep(0.25)
        assert heartbeat.text == "step 39/40"
    assert step.said == ["step 39/40"]


def test_what_is_over_at_once_says_nothing(tmp_path: Path) -> None:
    step = FakeStep(tmp_path)
    started = time.monotonic()
    with Heartbeat(step, "looking"):
        pass
    assert step.said == []
    assert time.monotonic() - started < 0.1


def test_an_error_ends_it(tmp_path: Path) -> None:
    step = FakeStep(tmp_path)
    with pytest.raises(ValueError, match="no"), Heartbeat(step, "x"):
        raise ValueError("no")
    time.sleep(0.4)
    assert step.said == []
