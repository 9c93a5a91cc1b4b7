"""Ctrl-C, SIGTERM and SIGKILL: what runs on, what is reported, how it ends.

External services: none
"""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import psutil
import pytest

from sdcm import stop_flag
from sdcm.wait import wait_for
from unit_tests.acceptance.conftest import SCT

pytestmark = pytest.mark.integration

THREE = """
    import pathlib
    import time

    import pytest

    @pytest.mark.parametrize("n", range(4))
    def test_n(n):
        pathlib.Path(f"started-{n}").touch()
        time.sleep(%s)
        pathlib.Path(f"ended-{n}").touch()
"""
#: Seconds in which an interrupted run must be over: its grace, its teardown and some for a busy machine.
OVER = 180


def summary(project):
    """Return the summary of the project's latest run."""
    run = max((project.state / "runs").iterdir(), key=lambda folder: folder.stat().st_mtime)
    return json.loads((run / "summary.json").read_text())


def outcomes(path):
    """Return the names of the tests in a report, with what they ended as."""
    ended = {}
    for case in ET.parse(path).getroot().iter("testcase"):
        ended[case.get("name")] = next((child.tag for child in case if child.tag in {"failure", "error"}), "passed")
    return ended


def asked_to_stop(project):
    """Return the flags of the runs whose tests have been asked to end."""
    return list((project.state / "runs").glob(f"*/{stop_flag.FILE_NAME}"))


@pytest.mark.parametrize(
    ("workers", "number"),
    [pytest.param("2", signal.SIGINT, id="ctrl-c"), pytest.param("0", signal.SIGTERM, id="sigterm")],
)
def test_once_lets_running_tests_end_and_starts_no_more(project, tmp_path, workers, number):
    project.write("unit_tests/test_n.py", THREE % 4)
    junit = tmp_path / "junit.xml"
    child = project.start("unit-tests", "-n", workers, "-t", "test_n.py", "--junit-xml", str(junit))
    wait_for(lambda: list(project.root.glob("started-*")), step=0.1, timeout=180, text="a test runs")
    child.send_signal(number)
    out, err = child.communicate(timeout=OVER)
    assert child.returncode == 130, out + err
    assert "running ones have 10 s to end" in out
    started = {path.name.partition("-")[2] for path in project.root.glob("started-*")}
    assert started == {path.name.partition("-")[2] for path in project.root.glob("ended-*")}
    assert len(started) <= 2
    assert outcomes(junit) == {f"test_n[{n}]": "passed" for n in started}
    assert summary(project)["not_run"] >= 0


def test_a_test_that_outlasts_its_grace_is_ended_and_reported_and_twice_kills(project, tmp_path):
    project.write("unit_tests/test_n.py", THREE % 300)
    project.write("unit_tests/conftest.py", FIXTURE)
    junit = tmp_path / "junit.xml"
    arguments = ("unit-tests", "-n", "1", "-t", "test_n.py", "--junit-xml", str(junit))
    child = project.start(*arguments)
    wait_for((project.root / "started-0").exists, step=0.1, timeout=180, text="a test runs")
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=OVER)
    assert child.returncode == 130, out + err
    assert outcomes(junit) == {"test_n[0]": "failure"}
    assert "the run was interrupted" in junit.read_text()
    assert 'value="interrupted"' in junit.read_text()
    assert (project.root / "torn-down").exists()

    (project.root / "started-0").unlink()
    (project.root / "torn-down").unlink()
    child = project.start(*arguments)
    wait_for((project.root / "started-0").exists, step=0.1, timeout=180, text="a test runs")
    child.send_signal(signal.SIGINT)
    wait_for(lambda: len(asked_to_stop(project)) == 2, step=0.05, timeout=180, text="the first is taken")
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=OVER)
    assert child.returncode == 130, out + err
    assert outcomes(junit) == {"test_n[0]": "error"}, "it was not ended with its grace, but killed"
    assert not (project.root / "torn-down").exists()


FIXTURE = """
    import pathlib

    import pytest

    @pytest.fixture(autouse=True)
    def torn_down():
        yield
        pathlib.Path("torn-down").touch()
"""


def test_the_next_run_writes_what_a_killed_one_could_not(project, tmp_path):
    project.write("unit_tests/test_n.py", THREE % 300)
    junit = tmp_path / "junit.xml"
    child = project.start("unit-tests", "-n", "0", "-t", "test_n.py", "--junit-xml", str(junit))
    wait_for((project.root / "started-0").exists, step=0.1, timeout=180, text="a test runs")
    child.kill()
    child.communicate()
    assert not junit.exists()
    (run,) = (project.state / "runs").iterdir()
    assert project.sct("unit-tests", "-n", "0", "-t", "test_sums.py").code == 0
    shown = project.sct("report", run.name)
    assert shown.code == 0, shown.text
    assert "test_n[0]: did not finish" in shown.out
    assert outcomes(junit) == {"test_n[0]": "error"}


def test_minus_x_under_xdist_exits_as_the_failed_test(project):
    project.write("unit_tests/test_n.py", THREE.replace("time.sleep(%s)", "assert n > 9"))
    ended = project.sct("unit-tests", "-n", "2", "-t", "test_n.py", "--", "-x")
    assert ended.code == 1, ended.text


class Terminal:
    """A run that has a terminal of its own."""

    def __init__(self, project, *arguments):
        self._ours, theirs = pty.openpty()
        self.child = subprocess.Popen(
            [sys.executable, "-c", _WITH_TERMINAL, str(SCT), *arguments],
            cwd=project.root, env=project.environ, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.said = ""

    def type(self, keys):
        """Press keys."""
        os.write(self._ours, keys.encode())

    def until(self, text, count=1):
        """Read until a text has come so often."""
        end = time.monotonic() + 180
        while self.said.count(text) < count:
            assert time.monotonic() < end, self.said
            self._read()

    def until_prompt(self, count=1):
        """Read until the debugger has asked for a command so often, and waits for it.

        It asks a moment before it waits: an interrupt in between is seen with the next key only.
        """
        self.until("(Pdb)", count)
        runner = psutil.Process(self.child.pid)
        wait_for(
            lambda: all(each.status() == psutil.STATUS_SLEEPING for each in (runner, *runner.children(recursive=True))),
            step=0.05, timeout=180, text="the debugger waits for a key",
        )  # fmt: skip

    def ended(self):
        """Read to the end and return the exit status."""
        end = time.monotonic() + OVER
        while self.child.poll() is None:
            assert time.monotonic() < end, self.said
            self._read()
        self._read()
        os.close(self._ours)
        return self.child.returncode

    def _read(self):
        if select.select([self._ours], [], [], 0.2)[0]:
            try:
                self.said += os.read(self._ours, 65536).decode(errors="replace")
            except OSError:
                return


#: Makes the terminal the controlling one, so that Ctrl-C is a signal to its foreground group.
_WITH_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

FAILING = "def test_wrong():\n    assert 1 == 2, 'sums are off'\n"


def test_ctrl_c_at_a_debuggers_prompt_is_the_debuggers_and_q_keeps_the_failure(project):
    project.write("unit_tests/test_wrong.py", FAILING)
    terminal = Terminal(project, "unit-tests", "-n", "0", "-t", "test_wrong.py", "--", "--pdb")
    terminal.until_prompt()
    terminal.type("\x03")
    terminal.until_prompt(2)
    terminal.type("p 40 + 2\n")
    terminal.until("42")
    terminal.type("q\n")
    assert terminal.ended() == 2, terminal.said
    assert "sums are off" in terminal.said.rpartition("reports")[0].rpartition("tests  ")[2]
    assert list(summary(project)["failures"]) == ["test"]


def test_sigterm_ends_a_run_that_waits_at_a_debuggers_prompt(project):
    project.write("unit_tests/test_wrong.py", FAILING)
    terminal = Terminal(project, "unit-tests", "-n", "0", "-t", "test_wrong.py", "--", "--pdb")
    terminal.until_prompt()
    terminal.child.send_signal(signal.SIGTERM)
    assert terminal.ended() == 130, terminal.said
    assert list(summary(project)["failures"]) == ["test"]


def test_twice_kills_workers_too_where_pytest_has_the_terminal(project):
    """They share the runner's process group, so that they are found by their descent."""
    project.write("unit_tests/test_n.py", THREE % 300)
    child = project.start("unit-tests", "-n", "2", "-t", "test_n.py", "--", "-s")
    wait_for((project.root / "started-0").exists, step=0.1, timeout=180, text="a test runs")
    child.send_signal(signal.SIGTERM)
    wait_for(lambda: asked_to_stop(project), step=0.05, timeout=180, text="the first is taken")
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=OVER)
    assert child.returncode == 130
    mine = project.environ["SCT_STATE_DIR"]
    environs = [process.info["environ"] or {} for process in psutil.process_iter(["environ"])]
    assert not [environ for environ in environs if environ.get("SCT_STATE_DIR") == mine]
