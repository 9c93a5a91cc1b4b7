"""Places: who waits for whom."""

import threading
from contextlib import ExitStack, contextmanager, nullcontext

import pytest

from sdcm.errors import DeadlinePassed
from sdcm.pytest_plugin import slots as slots_module
from sdcm.pytest_plugin.slots import Slots, Stopped
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
            self.done.wait(300)

    def waits(self):
        self.start()
        return not self.has.wait(0.15)

    def gets_it(self):
        return self.has.wait(60)


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
        free.start()
        assert free.gets_it()
        free.done.set()
    assert waiting.gets_it()
    waiting.done.set()


def test_a_weight_beyond_the_workers_is_all_of_them(slots):
    with slots.held(one_test("a.py::t", weight=99)):
        assert Other(slots).waits()


def test_two_that_want_more_than_half_do_not_wait_for_ever(slots):
    heavy = [Other(slots, weight=2) for _ in range(4)]
    for other in heavy:
        other.done.set()
        other.start()
    wait_for(lambda: all(other.has.is_set() for other in heavy), step=0.05, timeout=60)


def test_names_are_no_paths(slots):
    with slots.held(one_test("a.py::t", limits=(("../x/y", 1),))):
        assert Other(slots, limits=(("../x/y", 1),)).waits()


LIMITS = (("licence", 1),)


def test_a_wait_ends_by_its_deadline_and_names_who_has_the_place(tmp_path):
    slots = Slots(tmp_path / "places", workers=3, deadline=0.0)
    with (
        slots.held(one_test("a.py::holder", limits=LIMITS)),
        pytest.raises(
            DeadlinePassed, match=r"longer than 0 s for concurrency\('licence'\).*held last, by a.py::holder"
        ),
        slots.held(one_test("a.py::waits", limits=LIMITS)),
    ):
        pytest.fail("two have one place")
    with slots.held(one_test("a.py::later", limits=LIMITS)):
        assert "a.py::later" in {file.read_text() for file in (tmp_path / "places").iterdir()}


def test_a_wait_for_ones_turn_ends_by_its_deadline_too(tmp_path, monkeypatch):
    monkeypatch.setattr(slots_module, "_WORTH_TELLING", 0.0)
    waits = threading.Event()
    patient = Slots(tmp_path / "places", workers=2, held_back=lambda: nullcontext(waits.set()))
    first, gathers = Other(patient), Other(patient, alone=True)
    first.start()
    assert first.gets_it()
    gathers.start()
    assert waits.wait(60)
    hasty = Slots(tmp_path / "places", workers=2, deadline=0.0)
    with (
        pytest.raises(DeadlinePassed, match=r"its place among the workers.*a.py::other"),
        hasty.held(one_test("b.py::t")),
    ):
        pytest.fail("it went before its turn")
    first.done.set()
    assert gathers.gets_it()
    gathers.done.set()


def test_a_run_that_stops_ends_the_wait(tmp_path):
    stop = threading.Event()
    slots = Slots(tmp_path / "places", workers=1, stopped=stop.is_set)
    with slots.held(one_test("a.py::t")):
        threading.Timer(0.1, stop.set).start()
        with pytest.raises(Stopped), slots.held(one_test("a.py::waits")):
            pytest.fail("two have one place")


def test_a_wait_that_is_no_short_one_is_told_and_its_end_too(tmp_path, monkeypatch):
    monkeypatch.setattr(slots_module, "_WORTH_TELLING", 0.0)
    waits, over = threading.Event(), threading.Event()

    @contextmanager
    def held_back():
        waits.set()
        yield
        over.set()

    slots = Slots(tmp_path / "places", workers=1, held_back=held_back)
    other = Other(slots)
    with slots.held(one_test("a.py::t")):
        assert not waits.is_set()
        other.start()
        assert waits.wait(60)
        assert not over.is_set()
    assert other.gets_it()
    assert over.is_set()
    other.done.set()
