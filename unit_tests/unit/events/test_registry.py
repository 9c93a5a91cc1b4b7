"""Where events go that name no device."""

import logging
import threading

import pytest

from sdcm.events import registry
from sdcm.events.device import EventsDevice
from sdcm.events.kinds import InfoEvent, TestFrameworkEvent


def _messages(device: EventsDevice) -> list[str]:
    return [told["message"] for told in device.published_events]


def test_events_go_to_the_innermost_active_device() -> None:
    with EventsDevice() as module:
        InfoEvent(message="1").publish()
        with EventsDevice() as function:
            InfoEvent(message="2").publish()
        InfoEvent(message="3").publish()
    assert (_messages(module), _messages(function)) == (["1", "3"], ["2"])
    assert registry.active() is None


def test_devices_may_end_in_any_order() -> None:
    first, second = EventsDevice(), EventsDevice()
    registry.activate(first)
    registry.activate(second)
    registry.deactivate(first)
    assert registry.active() is second
    registry.deactivate(second)
    registry.deactivate(second)
    assert registry.active() is None


def test_a_device_ends_with_its_block_even_on_an_error() -> None:
    with pytest.raises(ZeroDivisionError), EventsDevice():
        _ = 1 / 0
    assert registry.active() is None


def test_a_thread_that_started_before_reaches_it_too() -> None:
    go = threading.Event()

    def work() -> None:
        go.wait(5)
        InfoEvent(message="from the thread").publish()

    thread = threading.Thread(target=work)
    thread.start()
    with EventsDevice() as device:
        go.set()
        thread.join()
    assert _messages(device) == ["from the thread"]


def test_without_a_device_an_event_is_logged_at_its_level(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        InfoEvent(message="nobody listens").publish()
        TestFrameworkEvent(message="it broke").publish()
    assert [record.levelname for record in caplog.records] == ["INFO", "ERROR"]
    assert "(InfoEvent Severity.NORMAL)" in caplog.text
    assert "message=nobody listens" in caplog.text
