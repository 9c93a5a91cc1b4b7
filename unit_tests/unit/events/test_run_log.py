from collections.abc import Callable
from pathlib import Path

import pytest

from sdcm import journal
from sdcm.events.device import EventsDevice
from sdcm.events.kinds import InfoEvent, TestFrameworkEvent
from sdcm.events.run_log import RunLog


@pytest.fixture
def log_of(tmp_path: Path) -> Callable[[str], RunLog]:
    return lambda worker: RunLog(tmp_path / "journal.jsonl", worker)


def records(folder: Path) -> list[tuple[str, ...]]:
    return [
        (record["worker"], record["test"], record["base"], record["severity"])
        for record in journal.read(folder / "journal.jsonl")
        if record["event"] == "test-event"
    ]


def test_workers_write_into_one_journal_and_one_set_of_files(
    log_of: Callable[[str], RunLog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "unit_tests/unit/test_a.py::test_b[x (y)] (call)")
    with EventsDevice(log_of("gw0")) as first, EventsDevice(log_of("gw1")) as second:
        InfoEvent(message="up").publish(first)
        TestFrameworkEvent(message="down\nfor good", source="loader").publish(second)
        InfoEvent(message="not by category", save_to_files=False).publish(second)
        assert second.get_event_log_file() == tmp_path / "events" / "events.log"
        errors = second.get_event_log_file("error.log")
    test = "unit_tests/unit/test_a.py::test_b[x (y)]"
    assert records(tmp_path) == [
        ("gw0", test, "InfoEvent", "NORMAL"),
        ("gw1", test, "TestFrameworkEvent", "ERROR"),
        ("gw1", test, "InfoEvent", "NORMAL"),
    ]
    everything = (tmp_path / "events" / "events.log").read_text()
    assert f"message=up worker=gw0 test={test}\n" in everything
    assert everything.count("\n") == 4
    assert errors.read_text().startswith(everything.splitlines()[1])
    assert "not by category" not in (tmp_path / "events" / "normal.log").read_text()


def test_secrets_stay_out_of_files_and_journal(
    log_of: Callable[[str], RunLog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "hush-hush-hush")
    with EventsDevice(log_of("main")) as device:
        InfoEvent(message="cqlsh -p s3cretive --password=s3cretive hush-hush-hush").publish()
        assert "hush-hush" in device.snapshots[0].formatted
    written = [(tmp_path / "events" / "events.log").read_text(), (tmp_path / "journal.jsonl").read_text()]
    assert not any("hush-hush" in text or "password=s3cretive" in text for text in written)


def test_what_comes_after_the_end_is_kept_in_memory_alone(log_of: Callable[[str], RunLog], tmp_path: Path) -> None:
    with EventsDevice(log_of("main")) as device:
        pass
    InfoEvent(message="late").publish(device)
    assert device.events_counter == 1
    assert records(tmp_path) == []
    with pytest.raises(RuntimeError, match="no file of events"):
        device.get_event_log_file()
