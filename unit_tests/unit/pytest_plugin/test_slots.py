"""Places: who waits for whom."""

import threading
import time
from contextlib import ExitStack

import pytest

from sdcm.pytest_plugin.slots import Slots
from sdcm.wait import wait_for
from unit_tests.lib.scheduling_session import one_test


@pytest.fixture
def slots(tmp_path):
    return Slots(tmp_path / "places", workers=3)


class Other(threading.Thread):
    """Another worker that wants a test's places, and keeps them until told."""

    def __init__(self, slots, **facts):
        super().__init__(daemon=True)
        self.slots, self.test = slots, one_test("a.py::other", **facts)
        self.has, self.done = threading.Event(), threading.Event()

    def run(self):
        with self.slots.held(self.test):
            self.has.set()
            self.done.wait(10)

    def waits(self):
        self.start()
        return not self.has.wait(0.15)

    def gets_it(self):
        return self.has.wait(5)


def test_light_tests_fill_all_places(slots):
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(slots.held(one_test("a.py::t")))
        assert Other(slots).waits()


def test_a_heavy_test_leaves_room_for_the_rest(slots):
    with slots.held(one_test("a.py::t", weight=2)), slots.held(one_test("a.py::u")):
        other = Other(slots)
        assert other.waits()
    assert other.gets_it()
    other.done.set()


def test_one_that_runs_alone_waits_for_all_and_lets_nobody_in(slots):
    alone = Other(slots, alone=True)
    with slots.held(one_test("a.py::t")):
        assert alone.waits()
    assert alone.gets_it()
    light = Other(slots)
    assert light.waits()
    alone.done.set()
    assert light.gets_it()
    light.done.set()


def test_a_limit_holds_back_only_those_that_carry_its_name(slots):
    limits = (("licence", 1),)
    with slots.held(one_test("a.py::t", limits=limits)):
        waiting = Other(slots, limits=limits)
        assert waiting.waits()
        free = Other(slots)
        assert not free.waits()
        free.done.set()
    assert waiting.gets_it()
    waiting.done.set()


def test_a_weight_beyond_the_workers_is_all_of_them(slots):
    with slots.held(one_test("a.py::t", weight=99)):
        assert Other(slots).waits()


def test_two_that_want_more_than_half_do_not_wait_for_ever(slots):
    heavy = [Other(slots, weight=2) for _ in range(4)]
    started = time.monotonic()
    for other in heavy:
        other.done.set()
        other.start()
    wait_for(lambda: all(other.has.is_set() for other in heavy), step=0.05, timeout=10)
    assert time.monotonic() - started < 5


def test_names_are_no_paths(slots):
    with slots.held(one_test("a.py::t", limits=(("../x/y", 1),))):
        assert Other(slots, limits=(("../x/y", 1),)).waits()
