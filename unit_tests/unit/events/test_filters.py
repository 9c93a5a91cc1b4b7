from dataclasses import dataclass

import pytest

from sdcm.events.device import EventsDevice
from sdcm.events.event import Event
from sdcm.events.filters import DbEventsFilter, EventsFilter, EventsSeverityChangerFilter
from sdcm.events.kinds import InfoEvent, NodetoolEvent, StressEvent, TestFrameworkEvent
from sdcm.events.severity import Severity


@dataclass(kw_only=True, eq=False)
class LogEvent(Event):
    node: str = ""
    line: str = ""


@pytest.fixture
def device():
    with EventsDevice() as opened:
        yield opened


def messages(device: EventsDevice) -> list[str]:
    return [event["message"] for event in device.published_events]


def test_what_matches_is_left_out_while_the_filter_is_open(device: EventsDevice) -> None:
    with EventsFilter(InfoEvent, regex="refused"):
        InfoEvent(message="connection refused").publish()
        InfoEvent(message="connected").publish()
        StressEvent(message="refused").publish()
    InfoEvent(message="refused again").publish()
    assert messages(device) == ["connected", "refused", "refused again"]
    assert device.events_counter == 3


@pytest.mark.parametrize("kind", [Event, "Event", NodetoolEvent, "NodetoolEvent", None])
def test_a_kind_is_a_class_or_its_name_and_counts_for_what_is_below_it(device: EventsDevice, kind: object) -> None:
    with EventsFilter(kind), NodetoolEvent(node="n1", nodetool_command="flush"):  # type: ignore[arg-type]
        pass
    assert device.published_events == []


def test_a_filter_goes_on_for_its_extra_time(device: EventsDevice) -> None:
    with EventsFilter(InfoEvent, extra_time_to_expiration=60):
        pass
    InfoEvent(message="late").publish()
    assert messages(device) == []
    with EventsFilter(StressEvent):
        pass
    StressEvent(message="after").publish()
    assert messages(device) == ["after"]


def test_severity_is_changed_within_the_kinds_limit(device: EventsDevice) -> None:
    with EventsSeverityChangerFilter(Severity.WARNING, TestFrameworkEvent, regex="known"):
        TestFrameworkEvent(message="known").publish()
        TestFrameworkEvent(message="new").publish()
    with EventsSeverityChangerFilter(Severity.CRITICAL, InfoEvent):
        InfoEvent(message="never worse than normal").publish()
    assert [snapshot.severity for snapshot in device.snapshots] == [Severity.WARNING, Severity.ERROR, Severity.NORMAL]
    assert "(TestFrameworkEvent Severity.WARNING)" in device.snapshots[0].formatted
    assert device.published_events[0]["severity"] == "WARNING"


def test_filters_within_one_another_all_act(device: EventsDevice) -> None:
    with EventsSeverityChangerFilter(Severity.WARNING, TestFrameworkEvent), EventsFilter(regex="Severity.ERROR.*noise"):
        TestFrameworkEvent(message="noise").publish()
        TestFrameworkEvent(message="told").publish()
    assert messages(device) == ["told"]


def test_events_of_a_database_log_by_type_text_and_node(device: EventsDevice) -> None:
    with DbEventsFilter("NO_SPACE_ERROR", line="No space left", node="n1"):
        for kind, node, line in [
            ("NO_SPACE_ERROR", "n1", "No space left on device"),
            ("NO_SPACE_ERROR", "n2", "No space left on device"),
            ("NO_SPACE_ERROR", "n1", "other"),
            ("BACKTRACE", "n1", "No space left on device"),
        ]:
            LogEvent(type=kind, node=node, line=line, severity=Severity.ERROR).publish()
    assert [(event["type"], event["node"], event["line"]) for event in device.published_events] == [
        ("NO_SPACE_ERROR", "n2", "No space left on device"),
        ("NO_SPACE_ERROR", "n1", "other"),
        ("BACKTRACE", "n1", "No space left on device"),
    ]


def test_a_filter_without_an_event_system_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="use the fixture events"), EventsFilter():
        pass


def test_a_filter_acts_on_the_device_it_is_given() -> None:
    with EventsDevice() as outer, EventsDevice() as inner, EventsFilter(device=outer):
        InfoEvent(message="x").publish()
        InfoEvent(message="y").publish(outer)
    assert (inner.events_counter, outer.events_counter) == (1, 0)
