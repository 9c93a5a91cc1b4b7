"""Events with a beginning and an end."""

import re

import pytest

from sdcm.events.device import EventsDevice
from sdcm.events.kinds import NodetoolEvent, StressEvent
from sdcm.events.severity import Severity


def test_beginning_and_end_share_an_id_and_the_end_tells_how_long() -> None:
    with EventsDevice() as device, NodetoolEvent(node="n1", nodetool_command="flush ks") as event:
        assert event.is_running
        assert event.duration == ""
        assert event.duration_seconds is None
    begin, end = device.published_events
    assert (begin["period_type"], end["period_type"]) == ("begin", "end")
    assert begin["event_id"] == end["event_id"] == event.event_id
    assert begin["duration"] == ""
    assert re.fullmatch(r"\d+\.\d{3}s", end["duration"])
    assert end["nodetool_command"] == "flush ks"
    assert f"period_type=end event_id={event.event_id} duration={end['duration']}: " in device.snapshots[1].formatted
    assert event.duration_seconds is not None
    assert not event.is_running


def test_no_private_field_is_told() -> None:
    with EventsDevice() as device, NodetoolEvent():
        pass
    assert not [name for told in device.published_events for name in told if name.startswith("_")]


def test_what_escapes_the_body_makes_it_an_error_with_the_traceback() -> None:
    with EventsDevice() as device, pytest.raises(ZeroDivisionError), StressEvent(node="loader"):
        _ = 1 / 0
    begin, end = device.snapshots
    assert (begin.severity, end.severity) == (Severity.NORMAL, Severity.ERROR)
    assert "ZeroDivisionError: division by zero" in end.attrs["errors"][0]
    assert "test_continuous.py" in end.attrs["errors"][0]
    assert "ZeroDivisionError" in end.formatted
    assert begin.attrs["errors"] == []


def test_a_worse_severity_is_not_lowered_by_an_error() -> None:
    with EventsDevice() as device, pytest.raises(KeyboardInterrupt), StressEvent(severity=Severity.CRITICAL):
        raise KeyboardInterrupt
    assert device.snapshots[1].severity is Severity.CRITICAL


def test_errors_gather_while_it_lasts() -> None:
    with EventsDevice() as device, StressEvent() as event:
        event.add_error(["first", "second"])
        event.add_error("third")
        event.add_error(None)
    assert device.published_events[1]["errors"] == ["first", "second", "third"]
    assert "errors=first\nsecond\nthird" in device.get_formatted_event_lines()[1]


def test_it_begins_once_and_ends_once() -> None:
    with EventsDevice() as device:
        event = StressEvent()
        event.end_event()
        event.begin_event()
        with pytest.raises(RuntimeError, match="has begun already"):
            event.begin_event()
        event.end_event()
        event.end_event()
    assert [told["period_type"] for told in device.published_events] == ["begin", "end"]


def test_it_ends_where_it_began() -> None:
    with EventsDevice() as outer:
        event = StressEvent().begin_event()
        with EventsDevice() as inner:
            event.end_event()
    assert outer.events_counter == 2
    assert inner.events_counter == 0


def test_the_device_knows_what_is_running() -> None:
    device = EventsDevice()
    first, second = StressEvent().begin_event(device), StressEvent().begin_event(device)
    assert device.running_events() == (first, second)
    first.publish(device)
    assert device.running_events() == (first, second), "publishing in between ends nothing"
    first.end_event()
    assert device.running_events() == (second,)
    device.clear()
    assert device.running_events() == ()
