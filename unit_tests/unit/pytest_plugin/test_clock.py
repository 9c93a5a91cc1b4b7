import json
import threading
import time

import pytest

from sdcm.pytest_plugin.clock import DeadlineClock
from sdcm.stop_flag import StopFlag


class Ended(BaseException):
    """Raised in the test."""


def end(message):
    raise Ended(message)


@pytest.fixture
def clock():
    made = []

    def make(**options):
        made.append(DeadlineClock(end, **{"grace": 0.05, **options}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_sleep_ends_at_the_deadline_with_the_stacks(clock):
    started = time.monotonic()
    with (
        pytest.raises(Ended, match=r"the test did not end within its deadline of 0\.05 s"),
        clock().phase("f::t", "the test", 0.05) as phase,
    ):
        time.sleep(9)
    assert time.monotonic() - started < 1
    assert "time.sleep(9)" in phase.stacks
    assert "thread MainThread" in phase.stacks


def test_what_ends_in_time_is_left_alone_and_so_is_what_has_no_deadline(clock):
    one = clock()
    with one.phase("f::t", "the test", 0.05):
        pass
    with one.phase("f::t", "its teardown", None):
        time.sleep(0.1)


def test_the_clock_stands_still_while_it_is_paused_and_goes_on(clock):
    one = clock()

    def wait_twice():
        with one.paused():
            time.sleep(0.08)
        paused.append("over")
        time.sleep(9)

    paused = []
    with pytest.raises(Ended), one.phase("f::t", "the test", 0.05):
        wait_twice()
    assert paused == ["over"]


def test_a_test_that_swallows_the_first_is_ended_again(clock):
    def swallow():
        try:
            time.sleep(9)
        except Ended:
            time.sleep(9)

    with pytest.raises(Ended), clock().phase("f::t", "the test", 0.02) as phase:
        swallow()
    assert phase.stage == 2


def test_one_that_cannot_be_ended_ends_its_process_with_last_words(clock, tmp_path):
    died = threading.Event()
    words = tmp_path / "last-words" / "gw0.txt"
    one = clock(last_words=words, last_resort=False, evidence=lambda: "its log", die=lambda _status: died.set())
    with one.phase("f::t", "the test", 0.02):
        while not died.is_set():
            try:
                died.wait(9)
            except Ended:
                continue
    head, _, told = words.read_text().partition("\n")
    assert json.loads(head)["test"] == "f::t"
    assert "died.wait(9)" in told
    assert "its log" in told


def test_a_request_to_stop_ends_the_test_when_its_grace_is_over(clock, tmp_path, monkeypatch):
    monkeypatch.setattr("sdcm.pytest_plugin.clock._LOOK_EVERY", 0.02)
    flag = StopFlag(tmp_path)
    flag.put_up(time.time() + 0.05, "the user asked the run to stop", StopFlag.INTERRUPTED)
    with (
        pytest.raises(Ended, match="the test was ended: the user asked"),
        clock(stop=flag).phase("f::t", "the test", 600),
    ):
        time.sleep(9)


def test_a_request_to_stop_ends_set_up_at_once_and_gives_the_test_its_time(clock, tmp_path, monkeypatch):
    monkeypatch.setattr("sdcm.pytest_plugin.clock._LOOK_EVERY", 0.02)
    flag = StopFlag(tmp_path)
    flag.put_up(time.time() + 60, "the run was interrupted", StopFlag.INTERRUPTED)
    one = clock(stop=flag)
    with (
        pytest.raises(Ended, match="its set-up was ended: the run was interrupted"),
        one.phase("t", "its set-up", None),
    ):
        time.sleep(9)
    with one.phase("t", "the test", 600):
        time.sleep(0.08)


def test_a_thread_of_the_tests_own_is_not_timed(clock):
    one, said = clock(), []

    def elsewhere():
        with one.phase("f::t", "the test", 0.01):
            time.sleep(0.03)
        said.append("done")

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(5)
    assert said == ["done"]
