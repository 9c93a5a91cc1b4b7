import errno
import threading
import time

import pytest

from sdcm import journal
from sdcm.environment.graph import Graph, StepCancelled
from sdcm.errors import DeadlinePassed, EnvironmentFailed, ServiceUnavailable
from sdcm.wait import wait_for
from unit_tests.lib.set_clock import SetClock


@pytest.fixture
def graph(tmp_path):
    writer = journal.Journal(tmp_path / "journal.jsonl")
    graph = Graph(writer, tmp_path / "logs")
    yield graph
    graph.close(30)
    writer.close()


def events(tmp_path, event):
    return [record for record in journal.read(tmp_path / "journal.jsonl") if record["event"] == event]


def test_a_step_runs_once_and_gives_every_asker_its_result(graph):
    calls = []
    first = graph.step("one", lambda step: calls.append(step.name) or 7, deadline=60)
    again = graph.step("one", lambda step: 8, deadline=60)
    assert first is again
    assert first.result(30) == 7
    assert calls == ["one"]


def test_a_step_waits_for_what_it_needs(graph):
    order = []
    release = threading.Event()
    need = graph.step("need", lambda _: release.wait(30) and order.append("need"), deadline=60)
    after = graph.step("after", lambda _: order.append("after"), needs=[need], deadline=60)
    assert not after.done()
    release.set()
    after.result(30)
    assert order == ["need", "after"]


def test_independent_steps_run_at_the_same_time(graph):
    meeting = threading.Barrier(2)
    steps = [graph.step(name, lambda _: meeting.wait(30), deadline=60) for name in ("a", "b")]
    assert sorted(step.result(30) for step in steps) == [0, 1]


def test_a_failed_need_fails_what_needs_it_with_the_same_error_and_nothing_else(graph):
    def fail(_step):
        raise ServiceUnavailable("no engine")

    need = graph.step("need", fail, deadline=60)
    after = graph.step("after", lambda _: pytest.fail("must not run"), needs=[need], deadline=60)
    other = graph.step("other", lambda _: "fine", deadline=60)
    assert isinstance(after.exception(30), ServiceUnavailable)
    assert other.result(30) == "fine"
    assert graph.state() == {"need": "failed", "after": "failed", "other": "done"}


def test_a_defect_in_a_step_becomes_an_error_with_its_traceback(graph, tmp_path):
    error = graph.step("odd", lambda _: 1 / 0, deadline=60).exception(30)
    assert isinstance(error, EnvironmentFailed)
    assert "ZeroDivisionError" in error.evidence
    assert [end["status"] for end in events(tmp_path, "step-end")] == ["failed"]


def test_an_overdue_step_stops_at_its_next_line(graph, monkeypatch):
    clock = SetClock()
    monkeypatch.setattr("sdcm.environment.graph.time", clock)

    def slow(step):
        step.say("in time")
        clock.leap(61)
        step.say("still going")
        pytest.fail("must not get here")

    error = graph.step("slow", slow, deadline=60).exception(30)
    assert isinstance(error, DeadlinePassed)
    assert "still going" in str(error)


def test_closing_cancels_what_runs_and_names_what_does_not_stop(graph):
    begun, muted, release = threading.Event(), threading.Event(), threading.Event()

    def talks(step):
        begun.set()
        while True:
            time.sleep(0.01)
            step.say("working")

    talking = graph.step("talks", talks, deadline=60)
    graph.step("mute", lambda _: muted.set() or release.wait(120), deadline=60)
    assert begun.wait(30)
    assert muted.wait(30)
    wait_for(lambda: graph.close(0.05) == ["mute"], step=0.01, timeout=30)
    assert isinstance(talking.exception(30), StepCancelled)
    release.set()


def test_what_fails_because_the_run_ends_was_cancelled(graph, tmp_path):
    begun, ended = threading.Event(), threading.Event()

    def bootstraps(_step):
        begun.set()
        assert ended.wait(30)
        raise ServiceUnavailable("the image can be neither pulled nor built", why="mmdebstrap ended with status -15")

    step = graph.step("image base", bootstraps, deadline=60)
    assert begun.wait(30)
    graph.closing.set()
    ended.set()
    assert isinstance(step.exception(30), StepCancelled)
    assert [end["status"] for end in events(tmp_path, "step-end")] == ["cancelled"]


def test_the_journal_has_start_lines_and_end_of_each_step(graph, tmp_path):
    graph.step("image x", lambda step: step.say("half way"), deadline=60).result(30)
    graph.close(30)
    kinds = [record["event"] for record in journal.read(tmp_path / "journal.jsonl")]
    assert kinds == ["step-start", "step-say", "step-say", "step-end"]
    (end,) = events(tmp_path, "step-end")
    assert (end["step"], end["status"], end["error"]) == ("image x", "done", None)
    assert end["seconds"] >= 0


def test_what_may_pass_is_tried_again_and_says_so(graph, tmp_path, monkeypatch):
    monkeypatch.setattr("sdcm.environment.passing.PAUSES", (0.0, 0.0))
    failures = [EnvironmentFailed("no cluster", why="address already in use")] * 2

    def act(_step):
        if failures:
            raise failures.pop()
        return "up"

    assert graph.step("cluster", act, deadline=60).result(30) == "up"
    said = [record["text"] for record in events(tmp_path, "step-say")]
    assert said[1].startswith("failed, which may pass (address already in use)")
    (end,) = events(tmp_path, "step-end")
    assert end["status"] == "done"


def test_a_step_that_hangs_without_a_word_ends_by_its_deadline(graph, tmp_path, monkeypatch):
    monkeypatch.setattr("sdcm.environment.graph._SILENT", 0.0)
    release = threading.Event()
    step = graph.step("mute", lambda _: release.wait(120), deadline=0.05)
    assert isinstance(step.exception(30), DeadlinePassed)
    release.set()
    graph.close(30)
    assert [end["status"] for end in events(tmp_path, "step-end")] == ["failed"]


@pytest.mark.parametrize("full", ["logs", "journal"])
def test_a_disk_that_is_full_fails_a_step_and_lets_nobody_wait_for_it(graph, tmp_path, monkeypatch, full):
    def no_room(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    if full == "logs":
        (tmp_path / "logs").touch()
    else:
        monkeypatch.setattr(graph._journal, "write", no_room)
    step = graph.step("one", lambda _: 7, deadline=60)
    assert isinstance(step.exception(30), EnvironmentFailed)
