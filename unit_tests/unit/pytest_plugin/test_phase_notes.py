"""The phases of tests are told of where they last."""

from pathlib import Path

import pytest

from sdcm.pytest_plugin.phase_notes import PhaseNotes
from sdcm.wait import wait_for
from unit_tests.lib.journals import records_of

ENDLESS = 3600.0


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "journal.jsonl"
    file.touch()
    monkeypatch.setenv("SCT_JOURNAL", str(file))
    return file


def test_phase_that_lasts_is_told_while_it_does(journal: Path) -> None:
    phases = PhaseNotes(patience=0.01)
    phases.begins("test-body", "a.py::one", worker="gw0", started=5.0)
    wait_for(lambda: records_of(journal), step=0.01, timeout=20)
    phases.begins("test-teardown", "a.py::one")
    wait_for(lambda: len(records_of(journal)) == 2, step=0.01, timeout=20)
    phases.close()
    told = [(record["event"], record["test"], record.get("started")) for record in records_of(journal)]
    assert told == [("test-body", "a.py::one", 5.0), ("test-teardown", "a.py::one", None)]


def test_test_that_is_over_is_told_no_more_of(journal: Path) -> None:
    phases = PhaseNotes(ENDLESS)
    phases.begins("test-body", "a.py::one")
    phases.begins("test-body", "a.py::two")
    phases.over("a.py::one")
    phases.over("a.py::unknown")
    phases.close()
    assert [record["test"] for record in records_of(journal)] == ["a.py::two"]


def test_nothing_is_watched_where_no_test_runs(journal: Path) -> None:
    PhaseNotes(ENDLESS).close()
    assert records_of(journal) == []
