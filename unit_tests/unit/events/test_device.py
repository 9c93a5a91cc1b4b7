"""The event system in memory: what it keeps, counts and shows, from any thread."""

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sdcm.events.device import EventsDevice
from sdcm.events.event import Event
from sdcm.events.kinds import InfoEvent, TestFrameworkEvent
from sdcm.events.severity import Severity


@dataclass(kw_only=True, eq=False)
class _NodeEvent(Event):
    node: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True, eq=False)
class _FilterEvent(Event):
    is_system = True


@pytest.fixture
def device() -> EventsDevice:
    return EventsDevice()


def test_an_event_is_kept_at_once_with_what_there_is_to_tell(device: EventsDevice) -> None:
    before = time.time()
    _NodeEvent(message="up", type="boot", subtype="first", node="n1", severity=Severity.WARNING).publish(device)
    (told,) = device.published_events
    assert {name: told[name] for name in ("base", "type", "subtype", "severity", "message", "node")} == {
        "base": "_NodeEvent",
        "type": "boot",
        "subtype": "first",
        "severity": "WARNING",
        "message": "up",
        "node": "n1",
    }
    assert before <= told["event_timestamp"] <= time.time()
    assert told["period_type"] == "one-time"
    assert device.events_counter == 1


def test_a_later_change_of_the_event_does_not_reach_what_was_published(device: EventsDevice) -> None:
    event = _NodeEvent(message="first", details={"tries": [1]})
    event.publish(device)
    event.message = "second"
    event.severity = Severity.CRITICAL
    event.details["tries"].append(2)
    event.publish(device)
    first, second = device.snapshots
    assert (first.attrs["message"], first.severity, first.attrs["details"]) == (
        "first",
        Severity.NORMAL,
        {"tries": [1]},
    )
    assert "message=first" in first.formatted
    assert (second.attrs["message"], second.severity) == ("second", Severity.CRITICAL)
    assert first.attrs["event_id"] == second.attrs["event_id"]


def test_a_change_of_what_was_handed_out_does_not_reach_the_device(device: EventsDevice) -> None:
    InfoEvent(message="kept").publish(device)
    device.published_events[0]["message"] = "changed"
    device.published_events.clear()
    assert [told["message"] for told in device.published_events] == ["kept"]


def test_what_json_does_not_know_is_told_as_text(device: EventsDevice) -> None:
    _NodeEvent(details={"path": Path("/a"), "lock": threading.Lock()}).publish(device)
    told = device.published_events[0]
    assert told["details"]["path"] == "/a"
    assert json.loads(json.dumps(told)) == told


def test_the_line_of_an_event(device: EventsDevice) -> None:
    event = InfoEvent(message="the ring is whole", type="ring")
    event.publish(device)
    (line,) = device.get_formatted_event_lines()
    pattern = (
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}: \(InfoEvent Severity\.NORMAL\) "
        rf"period_type=one-time event_id={event.event_id}: type=ring message=the ring is whole"
    )
    assert re.fullmatch(pattern, line)


def test_a_line_shows_the_time_of_its_source(device: EventsDevice) -> None:
    InfoEvent(source_timestamp=0.5).publish(device)
    (line,) = device.get_formatted_event_lines()
    assert re.match(r"[-\d]+ [:\d]+\.\d{3} <(1970-01-01|1969-12-31) \d\d:\d\d:\d\d\.500>: \(InfoEvent", line)


def test_events_of_the_system_itself_are_not_kept(device: EventsDevice) -> None:
    _FilterEvent().publish(device)
    assert device.events_counter == 0
    assert device.snapshots == ()


def test_a_kind_is_never_worse_than_its_maximum(device: EventsDevice) -> None:
    event = InfoEvent(severity=Severity.CRITICAL)
    event.publish(device)
    _NodeEvent(severity=Severity.CRITICAL).publish(device)
    lowered, kept = device.snapshots
    assert (lowered.severity, lowered.attrs["severity"]) == (Severity.NORMAL, "NORMAL")
    assert "Severity.NORMAL" in lowered.formatted
    assert kept.severity is Severity.CRITICAL
    assert event.severity is Severity.CRITICAL, "the event itself is not changed"


def test_events_by_category_have_every_severity(device: EventsDevice) -> None:
    InfoEvent(message="a").publish(device)
    TestFrameworkEvent(message="b", source="fixture").publish(device)
    InfoEvent(message="hidden", save_to_files=False).publish(device)
    categories = device.get_events_by_category()
    assert list(categories) == ["SUPPRESS", "DEBUG", "UNKNOWN", "NORMAL", "WARNING", "ERROR", "CRITICAL"]
    assert {name: len(lines) for name, lines in categories.items() if lines} == {"NORMAL": 1, "ERROR": 1}
    assert device.events_counter == 3


@pytest.mark.parametrize(
    ("limit", "critical", "warning"),
    [
        pytest.param(None, "01234", "01234", id="all"),
        pytest.param(2, "01", "34", id="first critical, last of others"),
        pytest.param(9, "01234", "01234", id="more than there are"),
        pytest.param(0, "", "", id="none"),
    ],
)
def test_a_limit_a_category(device: EventsDevice, limit: int | None, critical: str, warning: str) -> None:
    for severity in (Severity.CRITICAL, Severity.WARNING):
        for number in range(5):
            _NodeEvent(severity=severity, message=str(number)).publish(device)
    categories = device.get_events_by_category(limit)
    assert "".join(line[-1] for line in categories["CRITICAL"]) == critical
    assert "".join(line[-1] for line in categories["WARNING"]) == warning


def test_the_summary_counts_by_severity(device: EventsDevice) -> None:
    for severity in (Severity.NORMAL, Severity.ERROR, Severity.NORMAL):
        _NodeEvent(severity=severity).publish(device)
    assert device.get_event_summary() == {"NORMAL": 2, "ERROR": 1}


def test_clear_forgets(device: EventsDevice) -> None:
    InfoEvent().publish(device)
    device.clear()
    assert device.events_counter == 0
    assert device.get_event_summary() == {}
    assert device.get_formatted_event_lines() == []


def test_waiting_for_events_counts_from_the_beginning_of_the_body(device: EventsDevice) -> None:
    def later() -> None:
        time.sleep(0.05)
        InfoEvent().publish(device)

    InfoEvent().publish(device)
    with ThreadPoolExecutor() as pool, device.wait_for_n_events(device.get_events_logger(), count=2, timeout=60):
        InfoEvent().publish(device)
        pool.submit(later)
    assert device.events_counter == 3


def test_waiting_ends_as_soon_as_they_came(device: EventsDevice) -> None:
    start = time.monotonic()
    with device.wait_for_n_events(device, count=1, timeout=300):
        InfoEvent().publish(device)
    assert time.monotonic() - start < 60


def test_too_few_events_are_an_assertion_that_shows_those_that_came(device: EventsDevice) -> None:
    InfoEvent(message="before").publish(device)
    with (
        pytest.raises(AssertionError, match=r"1 of 2 events came within 0\.05 s") as caught,
        device.wait_for_n_events(device, count=2, timeout=0.05),
    ):
        InfoEvent(message="during").publish(device)
    assert "message=during" in str(caught.value)
    assert "message=before" not in str(caught.value)


def test_an_error_of_the_body_is_not_waited_on(device: EventsDevice) -> None:
    start = time.monotonic()
    with pytest.raises(ZeroDivisionError), device.wait_for_n_events(device, count=1, timeout=300):
        _ = 1 / 0
    assert time.monotonic() - start < 60


def test_threads_lose_no_event(device: EventsDevice) -> None:
    def work(name: int) -> None:
        for number in range(200):
            _NodeEvent(node=str(name), message=str(number)).publish()

    with device, device.wait_for_n_events(device, count=1600, timeout=300), ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    seen: dict[str, list[int]] = {}
    for told in device.published_events:
        seen.setdefault(told["node"], []).append(int(told["message"]))
    assert seen == {str(name): list(range(200)) for name in range(8)}
