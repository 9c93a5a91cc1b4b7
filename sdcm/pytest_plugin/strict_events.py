"""`strict_events`: an event of severity ERROR or worse that the test did not expect fails it. Off by default."""

from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import pytest

from sdcm.pytest_plugin import markers
from sdcm.pytest_plugin.events_fixtures import run_log

MARKER = "strict_events"
OPTION = "--strict-events"

#: The test's `Watch`, and what ends with the test.
_WATCH = pytest.StashKey[tuple[Any, ExitStack]]()


def add_options(parser: pytest.Parser) -> None:
    """Declare the option."""
    parser.getgroup("sct").addoption(
        OPTION,
        action="store_true",
        help="fail every test with an unexpected event of severity ERROR or worse, as the marker strict_events does",
    )


def _is_strict(item: pytest.Item) -> bool:
    marker = item.get_closest_marker(MARKER)
    if marker is None:
        return bool(item.config.getoption(OPTION))
    return bool(marker.args[0] if marker.args else marker.kwargs.get("on", True))


class StrictEvents:
    """Watches the events of strict tests."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        """Watch the events of a strict test from before its first fixture."""
        if _is_strict(item):
            from sdcm.events import registry
            from sdcm.events.device import EventsDevice
            from sdcm.events.expectation import Watch

            watch, stack = Watch(), ExitStack()
            item.stash[_WATCH] = watch, stack
            if registry.active() is None:
                # Without one, events of fixtures that come before `events` would go to the log alone.
                stack.enter_context(EventsDevice(run_log(item.config)))
            stack.enter_context(registry.observing(watch.saw))
        try:
            return (yield)
        except BaseException:
            # A set-up that failed, or skips, has said its part.
            if _WATCH in item.stash:
                item.stash[_WATCH][0].forget()
            raise

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        """Fail a strict test that passed otherwise.

        Raises:
            UnexpectedEvents: It was told of something bad that it did not expect.
        """
        __tracebackhide__ = True
        try:
            result = yield
        except BaseException:
            if _WATCH in item.stash:
                item.stash[_WATCH][0].forget()
            raise
        if _WATCH in item.stash:
            item.stash[_WATCH][0].raise_unexpected()
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None]:
        """Look once more, at what the end of the fixtures brought.

        Raises:
            UnexpectedEvents: Something bad came that was not expected.
        """
        __tracebackhide__ = True
        try:
            result = yield
            if _WATCH in item.stash:
                item.stash[_WATCH][0].raise_unexpected()
            return result
        finally:
            if _WATCH in item.stash:
                item.stash[_WATCH][1].close()
                del item.stash[_WATCH]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Watch where a test is strict: a process without one is asked for nothing at each of its tests."""
    config = session.config
    if config.getoption(OPTION) or markers.carried(session, MARKER):
        config.pluginmanager.register(StrictEvents(), "sct-strict-events-watch")
