import json
import signal
import threading
import time
from types import BuiltinFunctionType

import pytest

from sdcm.pytest_plugin import clock as clock_module
from sdcm.pytest_plugin.clock import DeadlineClock
from sdcm.stop_flag import StopFlag
from unit_tests.lib.set_clock import SetClock

HOUR = 3600.0


class Ended(BaseException):
    """Raised in the test."""


def end(message):
    raise Ended(message)


class Looks(StopFlag):
    """A stop flag that counts how often the clock looks at it, which it does every few milliseconds here."""

    def __init__(self, folder):
        super().__init__(folder)
        self._count, self._looked = 0, threading.Condition()

    def read(self):
        with self._looked:
            self._count += 1
            self._looked.notify_all()
        return super().read()

    def some(self):
        """Wait until the clock has looked a few times more; what it ends, it ends after one look."""
        with self._looked:
            wanted = self._count + 3
            assert self._looked.wait_for(lambda: self._count >= wanted, 30)


@pytest.fixture
def flag(tmp_path, monkeypatch):
    monkeypatch.setattr("sdcm.pytest_plugin.clock._LOOK_EVERY", 0.005)
    return Looks(tmp_path)


@pytest.fixture
def clock():
    made = []

    def make(raise_in_test=end, kind=DeadlineClock, **options):
        made.append(kind(raise_in_test, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def real_time(monkeypatch):
    """What the clocks take for the real time: it goes on when the test says so."""
    real_time = SetClock()
    monkeypatch.setattr("sdcm.pytest_plugin.clock.RealTime", real_time)
    return real_time


def test_a_sleep_ends_at_the_deadline_with_the_stacks(clock):
    started = time.monotonic()
    with (
        pytest.raises(Ended, match=r"the test did not end within its deadline of 0\.1 s"),
        clock().phase("f::t", "the test", 0.1) as phase,
    ):
        time.sleep(99)
    assert 0.1 <= time.monotonic() - started < 60
    assert phase.stage == 1
    assert "thread MainThread" in phase.stacks


def test_a_signal_that_came_just_before_a_sleep_is_sent_again(clock, monkeypatch):
    sent, really = [], signal.pthread_kill

    def kill(thread, number):
        sent.append(number)
        if len(sent) > 1:
            really(thread, number)

    monkeypatch.setattr("sdcm.pytest_plugin.clock.signal.pthread_kill", kill)
    with pytest.raises(Ended), clock(grace=HOUR).phase("f::t", "the test", 0.05) as phase:
        time.sleep(99)
    assert (phase.stage, phase.heard) == (1, 1)


def test_the_stacks_show_where_the_test_was(clock, real_time, flag):
    one, here = clock(stop=flag), threading.Event()

    def leap():
        here.wait(30)
        flag.some()
        real_time.leap(61)

    def sleep():
        here.set()
        time.sleep(99)

    threading.Thread(target=leap).start()
    with pytest.raises(Ended), one.phase("f::t", "the test", 60) as phase:
        sleep()
    assert "in sleep\n" in phase.stacks


def test_what_ends_in_time_is_left_alone_and_so_is_what_has_no_deadline(clock, real_time, flag):
    one = clock(stop=flag)
    with one.phase("f::t", "the test", 60):
        flag.some()
    with one.phase("f::t", "its teardown", None):
        real_time.leap(61)
        flag.some()


def test_the_clock_stands_still_while_it_is_paused_and_goes_on(clock, real_time, flag):
    one, passed = clock(stop=flag), []

    def take(seconds):
        real_time.leap(seconds)
        flag.some()

    def pause_and_go_on():
        take(40)
        with one.paused():
            take(40)
        passed.append("a pause")
        take(10)
        passed.append("50 s of 60")
        real_time.leap(11)
        time.sleep(99)

    with pytest.raises(Ended), one.phase("f::t", "the test", 60):
        pause_and_go_on()
    assert passed == ["a pause", "50 s of 60"]


class TwoStages(DeadlineClock):
    """Its third stage, which would end this process, never comes."""

    def _end(self, phase):
        super()._end(phase)
        if phase.stage == 2:
            with self._change:
                phase.due = None


def test_a_test_that_swallows_the_first_is_ended_again(clock):
    def swallow():
        try:
            time.sleep(99)
        except Ended:
            time.sleep(99)

    one = clock(kind=TwoStages, grace=0.05)
    with pytest.raises(Ended), one.phase("f::t", "the test", 0.05) as phase:
        swallow()
    assert phase.stage == 2


def test_one_that_cannot_be_ended_ends_its_process_with_last_words(clock, tmp_path):
    died = threading.Event()
    words = tmp_path / "last-words" / "gw0.txt"
    one = clock(
        lambda _message: None,  # as in code that no exception reaches
        grace=0.05, last_words=words, last_resort=False, evidence=lambda: "its log", die=lambda _status: died.set(),
    )  # fmt: skip
    with one.phase("f::t", "the test", 0.05):
        assert died.wait(99)
    head, _, told = words.read_text().partition("\n")
    assert json.loads(head)["test"] == "f::t"
    assert "thread MainThread" in told
    assert "its log" in told


def test_a_request_to_stop_ends_the_test_when_its_grace_is_over(clock, real_time, flag):
    flag.put_up(real_time.time() + 30, "the user asked the run to stop", StopFlag.INTERRUPTED)
    in_time = []

    def work():
        flag.some()
        in_time.append(True)
        real_time.leap(31)
        time.sleep(99)

    with (
        pytest.raises(Ended, match="the test was ended: the user asked"),
        clock(stop=flag).phase("f::t", "the test", HOUR),
    ):
        work()
    assert in_time == [True]


def test_a_request_to_stop_ends_set_up_at_once_and_gives_the_test_its_time(clock, flag):
    flag.put_up(time.time() + HOUR, "the run was interrupted", StopFlag.INTERRUPTED)
    one = clock(stop=flag)
    with (
        pytest.raises(Ended, match="its set-up was ended: the run was interrupted"),
        one.phase("t", "its set-up", None),
    ):
        time.sleep(99)
    with one.phase("t", "the test", HOUR):
        flag.some()


def test_a_thread_of_the_tests_own_is_not_timed(clock):
    one, said = clock(), []

    def elsewhere():
        with one.phase("f::t", "the test", 0.01):
            time.sleep(0.03)
        said.append("done")

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(30)
    assert said == ["done"]


def test_a_test_that_sets_the_modules_clock_keeps_its_time(clock, flag, monkeypatch):
    one = clock(stop=flag)
    with monkeypatch.context() as patches:
        with one.phase("f::t", "the test", HOUR):
            patches.setattr(time, "monotonic", lambda: 1e9)
            patches.setattr(time, "time", lambda: 1e12)
            flag.some()
        with one.phase("f::t", "its teardown", HOUR):
            patches.undo()
            flag.some()


def test_its_handler_is_asked_of_the_interpreter_itself():
    """What `signal.getsignal` adds, a name that no handler of ours has, costs an exception in each phase of a test."""
    assert isinstance(clock_module._handler_of, BuiltinFunctionType)
