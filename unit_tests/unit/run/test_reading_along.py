"""The journal is read while tests run, and no report is made of less than all of it."""

from pathlib import Path

import pytest

from sdcm.journal import FILE_NAME, Journal
from sdcm.reporters.following import FollowedJournal
from sdcm.run.reading_along import ReadingAlong
from sdcm.wait import wait_for


@pytest.fixture
def written(tmp_path: Path) -> Journal:
    journal = Journal(tmp_path / FILE_NAME)
    journal.write("run-start", run="0a1b2c3d", command="unit-tests")
    return journal


def test_what_comes_after_the_last_look_is_read_at_the_end(tmp_path: Path, written: Journal) -> None:
    reading = ReadingAlong(tmp_path)
    reading.start()
    written.write("run-end", exit_code=0)
    assert reading.journal().result().exit_code == 0


def test_where_pytest_never_ran_all_is_read_at_the_end(tmp_path: Path, written: Journal) -> None:
    assert ReadingAlong(tmp_path).journal().result().run == "0a1b2c3d"


def test_what_fails_beside_the_tests_is_begun_anew(
    tmp_path: Path, written: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def fail(_: FollowedJournal) -> None:
        tried.append(1)
        raise ValueError("a defect")

    monkeypatch.setattr(FollowedJournal, "read", fail)
    reading = ReadingAlong(tmp_path)
    reading.start()
    wait_for(lambda: tried, step=0.02, text="a first look", timeout=20)
    monkeypatch.undo()
    assert reading.journal().result().run == "0a1b2c3d"
