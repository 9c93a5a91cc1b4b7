"""The machine's load in a run's journal."""

import threading

from sdcm import journal
from sdcm.run.host_load import PACE, pause_after, sampled


def test_samples_are_written_until_the_block_ends(tmp_path):
    """Each is one record; none comes later."""
    enough, taken = threading.Event(), []

    def measure():
        taken.append(True)
        if len(taken) == 3:
            enough.set()
        return 41.6, 12.4, 4096

    opened = journal.Journal(tmp_path / "journal.jsonl")
    with sampled(opened, measure, pace=0.001):
        assert enough.wait(30)
    count = len(taken)
    records = list(journal.read(opened.path))
    opened.close()
    assert len(records) == count >= 3
    assert {(each["event"], each["cpu"], each["memory"], each["used_mb"]) for each in records} == {
        ("host", 42, 12, 4096)
    }


def test_a_run_that_is_shorter_than_the_pace_measures_nothing(tmp_path):
    """It does not even load what measures."""
    opened = journal.Journal(tmp_path / "journal.jsonl")
    with sampled(opened, lambda: 1 / 0, pace=600):
        pass
    assert list(journal.read(opened.path)) == []
    opened.close()


def test_a_long_run_has_a_bounded_number_of_samples():
    """Four hours make some two thousand."""
    elapsed, count = 0.0, 0
    while elapsed < 4 * 3600:
        elapsed += pause_after(elapsed)
        count += 1
    assert pause_after(0) == PACE
    assert 1500 < count < 3000
