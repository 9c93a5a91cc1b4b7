"""`events` and `events_function_scope`: the test event system in memory."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sdcm.events.device import EventsDevice


@pytest.fixture(scope="module")
def events() -> Iterator["EventsDevice"]:
    """Give the tests of a module one event system; its events stay from test to test."""
    from sdcm.events.device import EventsDevice

    with EventsDevice() as device:
        yield device


@pytest.fixture
def events_function_scope() -> Iterator["EventsDevice"]:
    """Give the test an event system of its own."""
    from sdcm.events.device import EventsDevice

    with EventsDevice() as device:
        yield device
