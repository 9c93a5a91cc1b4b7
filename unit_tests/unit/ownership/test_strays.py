"""Threads and processes that a test leaves."""

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from sdcm.ownership import strays
from sdcm.wait import wait_for

#: Of this process alone: processes are looked for on the whole machine, where another worker runs these tests, too.
RUN = f"{os.getpid():08x}"
SERVER = "python -c from multiprocessing.forkserver import main; main()"


@pytest.fixture
def sleeper():
    """Start processes that end with the test, whatever becomes of them in it."""
    children = []

    def start(seconds, called="sleep", **environ):
        quiet = {name: value for name, value in os.environ.items() if name not in {"SCT_RUN", strays.CURRENT_TEST}}
        argv, env = [called, seconds], {**quiet, **environ}
        children.append(subprocess.Popen(argv, executable=shutil.which("sleep"), env=env, start_new_session=True))
        # A program has begun a moment before its command line can be read.
        line = Path(f"/proc/{children[-1].pid}/cmdline")
        wait_for(line.read_bytes, timeout=60, step=0.005)
        return children[-1]

    yield start
    for child in children:
        child.kill()
        child.wait()


def test_a_thread_is_a_stray_unless_it_ends_or_is_a_librarys_own():
    before, stop = strays.look(), threading.Event()
    names = ("lone", "pytest_timeout x", "event_loop")
    threads = [threading.Thread(target=stop.wait, name=name, daemon=True) for name in names]
    over = threading.Event()
    short = threading.Thread(target=over.wait, name="short")
    for thread in (*threads, short):
        thread.start()
    try:
        found = strays.strays_since(before, RUN)
        assert [stray.name for stray in found] == ["lone", "short"]
        lone, ending = found
        threading.Timer(0.02, over.set).start()
        assert strays.outlasting([ending], 60) == []
        assert strays.outlasting(found, 0.02) == [lone]
        assert found[0].end() == "a thread cannot be ended from outside"
    finally:
        stop.set()
        over.set()
        for thread in threads:
            thread.join()


def test_a_child_process_is_a_stray_and_is_ended(sleeper):
    before = strays.look()
    child = sleeper("71.5")
    (stray,) = strays.strays_since(before, RUN)
    assert stray.name == f"sleep 71.5 (pid {child.pid})"
    assert stray.lives()
    assert stray.end() == ""
    assert not stray.lives()
    assert strays.strays_since(before, RUN) == []


def test_processes_of_a_run_are_known_by_their_environment(sleeper):
    sleeper("72.5")
    sleeper("73.5", SCT_RUN=RUN)
    sleeper("74.5", SCT_RUN="ffffffff", PYTEST_CURRENT_TEST="a.py::one (call)")
    sleeper("75.5", SCT_RUN=RUN, PYTEST_CURRENT_TEST="a.py::two[x y] (call)", PYTEST_XDIST_WORKER="gw7")
    (stray,) = strays.processes_of_run(RUN)
    assert stray.name.startswith("sleep 75.5 ")
    assert stray.test == "a.py::two[x y]"


def test_what_was_found_before_it_became_multiprocessings_own_is_none():
    """A process that was just forked still goes by the name of the one that forked it."""
    before = strays.look()
    becomes = ["bash", "-c", 'read; exec -a "$BECOMES" sleep 78.5']
    environ = {**os.environ, "BECOMES": SERVER}
    child = subprocess.Popen(becomes, env=environ, stdin=subprocess.PIPE, start_new_session=True)
    try:
        wait_for(lambda: strays.strays_since(before, RUN), timeout=20, step=0.02)
        (stray,) = strays.strays_since(before, RUN)
        assert stray.lives()
        child.stdin.write(b"\n")
        child.stdin.flush()
        wait_for(lambda: strays._FORK_SERVER in stray.called(), timeout=20, step=0.02)
        assert not stray.lives()
    finally:
        child.kill()
        child.communicate()


def test_a_fork_server_may_take_a_moment_to_notice_that_its_worker_is_gone(sleeper):
    server = sleeper("79.5", SERVER, SCT_RUN=RUN, PYTEST_CURRENT_TEST="a.py::first (call)")
    ends = threading.Timer(0.02, server.kill)
    ends.start()
    assert strays.processes_of_run(RUN, patience=60.0) == []
    ends.join()


def test_what_a_fork_server_forks_goes_by_its_name_and_does_not_tell_whose_it_is(sleeper):
    left = sleeper("80.5", SERVER, SCT_RUN=RUN, PYTEST_CURRENT_TEST="a.py::first (call)")
    (stray,) = strays.processes_of_run(RUN, patience=0.0)
    assert (stray.called(), stray.test) == (f"{SERVER} 80.5 (pid {left.pid})", "")


def test_multiprocessings_own_servers_are_no_strays(sleeper):
    before = strays.look()
    sleeper("76.5", SERVER)
    sleeper("77.5", "python -c from multiprocessing.resource_tracker import main; main()")
    assert strays.strays_since(before, RUN) == []
