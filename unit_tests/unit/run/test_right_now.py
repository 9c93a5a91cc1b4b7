"""The answer to SIGUSR1."""

import threading
from pathlib import Path

from sdcm.broker.under_way import UnderWay
from sdcm.pytest_plugin.right_now import Answerer, what_it_does
from sdcm.reporters.live import LiveRun
from sdcm.right_now import RightNow
from sdcm.run.right_now import Answering, broker_lines
from sdcm.wait import wait_for


def test_questions_are_numbered_and_answers_kept_apart(tmp_path: Path) -> None:
    questions = RightNow(tmp_path)
    assert questions.asked() == 0
    assert (questions.ask(), questions.ask(), questions.asked()) == (1, 2, 2)
    questions.answer(1, "gw0", "early")
    questions.answer(2, "gw0", "late")
    questions.answer(2, "main", "so")
    assert questions.answers(2) == {"gw0": "late", "main": "so"}
    RightNow(tmp_path / "gone").answer(1, "gw0", "nobody reads it")


def test_a_process_answers_each_question_once_and_none_from_before_it_was_there(tmp_path: Path) -> None:
    questions = RightNow(tmp_path)
    questions.ask()
    answerer = Answerer(questions, "gw0", every=0.01)
    number = questions.ask()
    wait_for(lambda: "gw0" in questions.answers(number), step=0.01, timeout=20, text="an answer")
    answerer.close()
    assert questions.answers(1) == {}
    assert "test_a_process_answers_each_question_once" in questions.answers(number)["gw0"]


def test_all_threads_but_the_asking_one_are_told_the_main_one_first() -> None:
    told: list[str] = []
    thread = threading.Thread(target=lambda: told.append(what_it_does()), name="asks")
    thread.start()
    thread.join()
    threads = [line for line in told[0].splitlines() if line.startswith("thread ")]
    assert threads[0] == "thread MainThread"
    assert "thread asks" not in threads
    assert "unit_tests/unit/run/test_right_now.py::" in told[0].splitlines()[0]


def test_who_does_not_answer_in_time_is_named(tmp_path: Path) -> None:
    asked, said, done = [0], [], threading.Event()

    def say(line: str) -> None:
        said.append(line)
        if "no answer" in line:
            done.set()

    live = LiveRun()
    live.feed({"event": "worker", "at": 1.0, "worker": "gw0", "state": "up"})
    answering = Answering(tmp_path, lambda: asked[0], lambda: tmp_path / "no.sock", say, patience=0.0)
    answering.look(lambda: live)
    assert said == []
    asked[0] = 1
    answering.look(lambda: live)
    assert done.wait(20)
    assert said[0].split()[:2] == ["right", "now"]
    assert any(line.startswith("  broker ") for line in said)
    assert any(line.startswith(("  controller ", "  gw0 ")) and "no answer" in line for line in said)


def test_what_the_broker_says() -> None:
    status = {
        "services": {"docker": "ready"},
        "nodes": {"standing": 2, "ready": 1, "coming": 0},
        "leases": [{"what": "sct-1-scylla-1", "worker": "gw0/connection-2", "test": "a.py::one", "kept": False}],
        "waits": [{"what": "node", "worker": "gw1/connection-3", "test": "a.py::two", "seconds": 61.0}],
    }
    assert broker_lines(status) == [
        "  broker           docker ready; nodes: 2 standing, 1 ready, 0 coming",
        "  lease            sct-1-scylla-1 to gw0/connection-2 for a.py::one",
        "  wait             gw1/connection-3 waits for node, 61 s: a.py::two",
    ]


def test_requests_are_remembered_while_they_are_answered() -> None:
    waits = UnderWay()
    with (
        waits.answering("gw0", "node", {"test": "a.py::one"}),
        waits.answering("gw1", "wait", {"service": "docker"}),
        waits.answering("gw2", "status", {}),
    ):
        told = waits.told()
    assert [(wait["worker"], wait["what"], wait["test"]) for wait in told] == [
        ("gw0", "node", "a.py::one"),
        ("gw1", "docker", ""),
    ]
    assert waits.told() == []
