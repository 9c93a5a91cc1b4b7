"""What a user sees of a run, in terminals that are emulated.

External services: none
"""

import os
import re
import signal
import sys

import pytest

from sdcm.wait import wait_for
from unit_tests.acceptance.conftest import SCT
from unit_tests.lib.emulated_terminal import EmulatedTerminal
from unit_tests.lib.journals import records_of

pytestmark = pytest.mark.integration

TESTS = """
    import pathlib
    import time

    import pytest

    def until(name):
        end = time.monotonic() + 100
        while not pathlib.Path(name).exists():
            assert time.monotonic() < end
            time.sleep(0.02)

    @pytest.mark.parametrize("n", range(20))
    def test_quick(n):
        assert n != 7
        if n == 3:
            pytest.skip("not today")

    def test_that_waits():
        until("go")
"""
STATUS = re.compile(r"^ {2}\d+/\d+ done")


def in_terminal(project, *arguments, columns=80, lines=24, **environ):
    """Start `sct.py` in a terminal."""
    project.write("unit_tests/test_n.py", TESTS)
    return EmulatedTerminal(
        [sys.executable, str(SCT), *arguments],
        cwd=project.root,
        environ={**{name: value for name, value in project.environ.items() if name != "NO_COLOR"}, **environ},
        columns=columns,
        lines=lines,
    )


def status(terminal):
    """Return the status line, which is the last on the screen; empty when that is another."""
    (*_, last) = terminal.shown() or [""]
    return last if STATUS.match(last) else ""


def assert_as_before(terminal):
    """Check that nothing of ours is left on the screen, and the terminal is as it was."""
    assert not [line for line in terminal.text().splitlines() if STATUS.match(line)]
    assert terminal.modes() == terminal.modes_before
    assert terminal.screen.cursor.x == 0
    assert terminal.screen.margins is None
    assert not terminal.screen.cursor.hidden


def test_pytests_lines_are_whole_and_in_order_above_one_status_line(project):
    with in_terminal(project, "unit-tests", "-n", "2", "-t", "test_n.py") as terminal:
        terminal.wait_for(lambda: "20/21 done  1 failed  1 skipped" in status(terminal))
        assert "| test_that_waits " in status(terminal)
        assert len([line for line in terminal.shown() if STATUS.match(line)]) == 1
        terminal.resize(60, 24)
        terminal.wait_for(lambda: status(terminal) and len(status(terminal)) < 60)
        (project.root / "go").touch()
        code = terminal.wait()
        assert code == 1, terminal.text()
        text = terminal.text()
        reported = re.findall(r"^\[gw[01]\] \[ *(\d+)%\] (\w+) (\S+)$", text, re.MULTILINE)
        assert [int(percent) for percent, _, _ in reported] == sorted(100 * (n + 1) // 21 for n in range(21))
        assert {name for _, _, name in reported} == {
            "unit_tests/test_n.py::test_that_waits",
            *(f"unit_tests/test_n.py::test_quick[{n}]" for n in range(20)),
        }
        assert re.search(r"^=+ test session starts =+$", text, re.MULTILINE)
        # The width that the terminal has by then reaches pytest, and so do colours.
        (failures,) = re.findall(r"^=+ FAILURES =+$", text, re.MULTILINE)
        assert len(failures) == 60
        assert b"\x1b[32mPASSED\x1b[0m" in terminal.raw
        assert text.index("FAILURES") < text.index("short test summary") < text.index("  tests  ")
        assert_as_before(terminal)


def test_ctrl_c_in_a_narrow_terminal_without_colours(project):
    arguments = ("unit-tests", "-n", "1", "-t", "test_n.py", "-k", "waits or 13")
    with in_terminal(project, *arguments, columns=40, NO_COLOR="1") as terminal:
        terminal.wait_for(lambda: re.match("  1/2 done.* test_that", "".join(terminal.shown()[-1:])))
        assert len(terminal.shown()[-1]) < 40
        terminal.type(b"\x03")
        terminal.wait_for(lambda: "interrupted: no test starts" in terminal.text())
        terminal.type(b"\x03")
        assert terminal.wait() == 130
        assert b"\x1b" not in terminal.raw
        assert_as_before(terminal)


def test_a_terminal_is_as_before_when_pytest_is_killed(project):
    with in_terminal(project, "unit-tests", "-n", "1", "-t", "test_n.py") as terminal:
        terminal.wait_for(lambda: "test_that_waits" in status(terminal))
        (run,) = (project.state / "runs").iterdir()
        records = records_of(run / "journal.jsonl")
        (pid,) = (record["pid"] for record in records if record["event"] == "pytest-start")
        os.kill(pid, signal.SIGKILL)
        assert terminal.wait() == 1, terminal.text()  # a test had failed before
        assert_as_before(terminal)


def test_where_pytest_keeps_the_terminal_there_is_no_live_row(project):
    (project.root / "go").touch()
    with in_terminal(project, "unit-tests", "-n", "0", "-t", "test_n.py", "--", "-s", "-k", "waits") as terminal:
        assert terminal.wait() == 0, terminal.text()
        drawn = terminal.raw.partition(b"test session starts")[2]
        assert b"\x1b[J" not in drawn
        assert b"\x1b[K" not in drawn
        assert_as_before(terminal)


def test_a_dumb_terminal_gets_plain_lines(project):
    (project.root / "go").touch()
    with in_terminal(project, "unit-tests", "-n", "1", "-t", "test_n.py", TERM="dumb") as terminal:
        assert terminal.wait() == 1, terminal.text()
        assert b"\x1b" not in terminal.raw
        assert "done |" not in terminal.text()


def test_quiet_is_failures_and_summary_alone(project):
    (project.root / "go").touch()
    project.write("unit_tests/test_n.py", TESTS)
    ended = project.sct("unit-tests", "-q", "-n", "2", "-t", "test_n.py")
    assert ended.code == 1, ended.text
    lines = [line for line in ended.out.splitlines() if line.strip()]
    assert "= FAILURES =" in lines[0]
    assert "19 passed, 1 skipped, 1 failed" in ended.out
    assert "PASSED" not in ended.out
    assert "test session starts" not in ended.out


def test_colours_are_forced_through_a_pipe(project):
    (project.root / "go").touch()
    project.write("unit_tests/test_n.py", TESTS)
    ended = project.sct("unit-tests", "-n", "1", "-t", "test_n.py", FORCE_COLOR="1", COLUMNS="93")
    assert "\x1b[32mPASSED" in ended.out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", ended.out)
    (failures,) = re.findall(r"^=+ FAILURES =+$", plain, re.MULTILINE)
    assert len(failures) == 93
    assert wait_for(project.nothing_left, step=0.1, timeout=20)


def test_sigusr1_tells_what_every_worker_does_and_disturbs_nothing(project):
    with in_terminal(project, "unit-tests", "-n", "2", "-t", "test_n.py", lines=50) as terminal:
        terminal.wait_for(lambda: "20/21 done" in status(terminal))
        os.kill(terminal.child.pid, signal.SIGUSR1)
        terminal.wait_for(lambda: re.search(r"^ +until\(\"go\"\)$", terminal.text(), re.MULTILINE))
        terminal.wait_for(lambda: re.search(r"^  controller +pid \d+: no test$", terminal.text(), re.MULTILINE))
        text = terminal.text()
        assert "20 of 21 tests done, 1 failed, 1 skipped" in text
        assert re.search(r"^  gw[01] +pid \d+: unit_tests/test_n.py::test_that_waits \(call\)$", text, re.MULTILINE)
        assert "thread MainThread" in text
        assert status(terminal)
        (project.root / "go").touch()
        assert terminal.wait() == 1
        assert "19 passed, 1 skipped, 1 failed" in terminal.text()
        assert_as_before(terminal)
