"""Plain lines, where there is no terminal."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sdcm.reporters.live import LiveRun
from sdcm.run import display, report
from sdcm.run.display import JournalDisplay
from unit_tests.lib.journals import HandJournal


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal of a run in which one test has begun, and pytest says nothing."""
    records = HandJournal().write("run-start", run="r").write("pytest-start").write("collected", tests=2)
    return records.write("test-start", test="a.py::test_long", worker="gw0").save(tmp_path / "journal.jsonl")


def test_what_runs_is_told_after_silence(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said, told = [], threading.Event()

    def say(line: str) -> None:
        said.append(line)
        if line.startswith("  still "):
            told.set()

    monkeypatch.setattr(report, "say", say)
    monkeypatch.setattr(display, "HEARTBEAT", 0.0)
    monkeypatch.setattr(display, "_TICK", 0.02)
    with JournalDisplay(journal, {"TERM": "xterm"}):
        assert told.wait(20)
    assert any("gw0 test_long set-up " in line and line.endswith(", 0 of 2 tests done") for line in said)


def shown(journal: HandJournal, tmp_path: Path, said: list[str], *, keeps_terminal: bool = False) -> list[str]:
    """Return what is printed of a journal beside what `said` has by then."""
    with JournalDisplay(journal.save(tmp_path / "journal.jsonl"), {}) as display:
        with display.for_pytest(keeps_terminal=keeps_terminal):
            pass
        # Nothing is read before the block ends.
        said.clear()
    return said


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is printed."""
    lines: list[str] = []
    monkeypatch.setattr(report, "say", lines.append)
    monkeypatch.setattr(display, "_TICK", 600.0)
    return lines


def running() -> HandJournal:
    """A journal of a run whose first test has begun."""
    journal = HandJournal().write("run-start", run="r").write("pytest-start").write("collected", tests=2)
    return journal.write("test-start", test="a.py::test_one", worker="gw0")


def network_up(journal: HandJournal) -> HandJournal:
    """Have the network be up."""
    journal.write("step-start", step="network", needs=[])
    return journal.write("step-end", step="network", status="done", seconds=0.2, error=None, log="", detail="")


@pytest.mark.parametrize("ended", [False, True])
def test_lines_of_set_up_come_below_the_line_that_pytest_has_not_finished(
    ended: bool, said: list[str], tmp_path: Path
) -> None:
    """The line of a test is ended by xdist when it prints the next."""
    journal = running()
    if ended:
        journal.write("test-end", test="a.py::test_one", worker="gw0", outcome="passed")
    lines = shown(network_up(network_up(journal)), tmp_path, said)
    assert lines[0] == ""
    assert len(lines) == 3
    assert all("network" in line for line in lines[1:]), "one empty line is enough"


def test_before_and_after_pytest_no_line_is_unfinished(said: list[str], tmp_path: Path) -> None:
    """Nor where one process has ended the line of its test."""
    assert "" not in shown(network_up(HandJournal().write("run-start", run="r")), tmp_path, said)
    over = running().write("test-end", test="a.py::test_one", worker="gw0", outcome="passed")
    assert "" not in shown(network_up(over), tmp_path, said, keeps_terminal=True)
    over.write("pytest-end", status=0)
    assert "" not in shown(network_up(over), tmp_path, said)


def test_quiet_says_nothing(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    looked = threading.Event()
    monkeypatch.setattr(report, "say", said.append)
    monkeypatch.setattr(display, "HEARTBEAT", 0.0)
    monkeypatch.setattr(display, "_TICK", 0.02)
    looks: list[LiveRun] = []

    def look(now: Callable[[], LiveRun]) -> None:
        looks.append(now())
        if len(looks) == 2:
            looked.set()

    with JournalDisplay(journal, {}, verbosity=-1, asked=look):
        assert looked.wait(20)
    assert said == []
    assert list(looks[-1].running) == ["a.py::test_long"], "who asks is answered all the same"


@pytest.mark.parametrize("term", ["dumb", "", "unknown", None])
def test_a_terminal_that_can_do_nothing_has_no_live_rows(term: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert not display.wants_live(0, {} if term is None else {"TERM": term})
    assert display.wants_live(0, {"TERM": "xterm"})
    assert not display.wants_live(-1, {"TERM": "xterm"})
