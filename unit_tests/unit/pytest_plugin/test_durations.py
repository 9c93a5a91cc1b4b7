"""What becomes of a run whose tests' durations cannot be noted."""

from types import SimpleNamespace

import pytest

from sdcm import journal
from sdcm.pytest_plugin.durations import DurationRecorder
from sdcm.scheduling import durations


@pytest.mark.parametrize(
    ("error", "steps"),
    [(OSError("No space left on device"), []), (RuntimeError("of ours"), ["durations"])],
    ids=["disk full", "defect"],
)
def test_a_full_disk_costs_the_next_runs_order_alone_and_a_defect_is_told_of(tmp_path, monkeypatch, error, steps):
    def note(*_):
        raise error

    monkeypatch.setattr(durations, "note", note)
    file = tmp_path / "journal.jsonl"
    file.touch()
    monkeypatch.setenv(journal.ENVIRONMENT_VARIABLE, str(file))
    recorder = DurationRecorder(tmp_path / "durations.json")
    for when in ("setup", "call", "teardown"):
        recorder.pytest_runtest_logreport(
            SimpleNamespace(nodeid="f.py::a", when=when, duration=1.0, passed=True, user_properties=[])
        )
    recorder.pytest_sessionfinish()
    records = list(journal.read(file))
    assert [str(error) in record["reason"] for record in records if record["event"] == "durations-lost"] == [True]
    assert [record["step"] for record in records if record["event"] == "step-end"] == steps
