import threading

import pytest

from sdcm.events import registry
from sdcm.events.device import EventsDevice
from sdcm.events.expectation import UnexpectedEvents, Watch
from sdcm.events.kinds import InfoEvent, NodetoolEvent, StressEvent, TestFrameworkEvent
from sdcm.events.severity import Severity


@pytest.fixture
def device():
    with EventsDevice() as opened:
        yield opened


def test_what_matches_is_there_after_the_block(device: EventsDevice) -> None:
    InfoEvent(message="before").publish()
    with device.expect(NodetoolEvent, regex="flush", count=2, timeout=0) as expected:
        with NodetoolEvent(node="n1", nodetool_command="flush"):
            InfoEvent(message="meanwhile").publish()
        NodetoolEvent(nodetool_command="drain").begin_event()
    assert [snapshot.attrs["period_type"] for snapshot in expected.snapshots] == ["begin", "end"]


def test_an_event_may_come_after_the_body_within_the_time(device: EventsDevice) -> None:
    late = threading.Timer(0.02, InfoEvent(message="late").publish)
    with device.expect(InfoEvent, timeout=60) as expected:
        late.start()
    assert expected.snapshots[0].attrs["message"] == "late"
    late.join()


def test_what_did_not_come_is_an_assertion_that_shows_what_did(device: EventsDevice) -> None:
    message = r"expected 1 StressEvent of Severity.ERROR matching 'timed out' within 0 s; what came:\n  .*only this"
    with (
        pytest.raises(AssertionError, match=message),
        device.expect("StressEvent", severity=Severity.ERROR, regex="timed out", timeout=0),
    ):
        StressEvent(message="only this").publish()


def test_an_error_of_the_body_is_not_waited_on(device: EventsDevice) -> None:
    with pytest.raises(ZeroDivisionError), device.expect(InfoEvent, timeout=60):
        _ = 1 / 0
    InfoEvent(message="x").publish()
    assert not device.is_expected(device.snapshots[0])


def test_a_watch_tells_what_is_bad_and_was_not_expected(device: EventsDevice) -> None:
    watch = Watch()
    with registry.observing(watch.saw):
        InfoEvent(message="harmless").publish()
        watch.raise_unexpected()
        with device.expect(TestFrameworkEvent, timeout=0):
            TestFrameworkEvent(message="expected").publish()
        watch.raise_unexpected()
        TestFrameworkEvent(message="surprise").publish()
        StressEvent(message="worse", severity=Severity.CRITICAL).publish()
        with pytest.raises(UnexpectedEvents, match=r"(?s)2 unexpected event\(s\).*surprise.*worse"):
            watch.raise_unexpected()
        watch.raise_unexpected()
    TestFrameworkEvent(message="after").publish()
    watch.raise_unexpected()


def test_expecting_none_only_lets_them_come(device: EventsDevice) -> None:
    watch = Watch()
    with registry.observing(watch.saw), device.expect(TestFrameworkEvent, count=0, timeout=0):
        TestFrameworkEvent(message="may come").publish()
    watch.raise_unexpected()
