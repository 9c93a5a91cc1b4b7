"""How often pytest runs."""

from contextlib import ExitStack

import pytest

from sdcm.journal import Journal
from sdcm.paths import Paths
from sdcm.run import tests
from sdcm.run.options import RunOptions
from sdcm.run.pipeline import Run
from sdcm.run.pytest_session import PytestOutcome
from sdcm.run.reading_along import ReadingAlong
from sdcm.run.signals import Interrupts
from sdcm.stop_flag import StopFlag


@pytest.fixture
def run(tmp_path):
    places = Paths(*(tmp_path / name for name in ("runtime", "state", "cache", "engine")))
    state = places.run_state("0a1b2c3d")
    state.mkdir(parents=True)
    journal = Journal(state / "journal.jsonl")
    options = RunOptions("unit-tests", workers=0, repeat=3)
    with ExitStack() as stack:
        stack.callback(journal.close)
        reading = ReadingAlong(state)
        yield Run(options, {}, places, "0a1b2c3d", tmp_path, ("unit_tests",), journal, Interrupts(), stack, reading)


@pytest.mark.parametrize(("enough", "status", "times"), [(False, 1, 3), (True, 1, 1), (False, 2, 1)])
def test_repeats_end_with_the_failure_that_was_enough_and_with_ctrl_c(run, monkeypatch, enough, status, times):
    sessions = []

    def session(of, argv, *, own_terminal):
        sessions.append(argv)
        if enough:
            StopFlag(of.state).count_failure(most=1)
        return PytestOutcome(status)

    monkeypatch.setattr(tests, "_session", session)

    assert tests.run_tests(run).outcome.status == status
    assert len(sessions) == times
