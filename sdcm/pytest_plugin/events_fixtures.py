"""`events` and `events_function_scope`: the test event system in memory, and in the run's files."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from sdcm import journal
from sdcm.pytest_plugin.session import worker_name

if TYPE_CHECKING:
    from sdcm.events.device import EventsDevice
    from sdcm.events.run_log import RunLog


def run_log(config: pytest.Config) -> "RunLog | None":
    """Return where this process's events are written down for the run; None in a run without a journal."""
    file = journal.of_this_run()
    if file is None:
        return None
    from sdcm.events.run_log import RunLog

    return RunLog(file, worker_name(config))


@pytest.fixture(scope="module")
def events(request: pytest.FixtureRequest) -> Iterator["EventsDevice"]:
    """Give the tests of a module one event system; its events stay from test to test.

    What is published reaches the run's journal and its files of events too, whichever worker the test runs on.
    """
    from sdcm.events.device import EventsDevice

    with EventsDevice(run_log(request.config)) as device:
        yield device


@pytest.fixture
def events_function_scope(request: pytest.FixtureRequest) -> Iterator["EventsDevice"]:
    """Give the test an event system of its own."""
    from sdcm.events.device import EventsDevice

    with EventsDevice(run_log(request.config)) as device:
        yield device


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a test not see the continuous events that one before it left running."""
    registry = sys.modules.get("sdcm.events.registry")
    device = registry.active() if registry is not None else None
    if device is not None:
        device.forget_running()
