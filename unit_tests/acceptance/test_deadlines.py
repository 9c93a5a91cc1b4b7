"""Tests that hang, each in its own way: they end by their deadline, with evidence, and the others run on.

External services: none
"""

import json
import xml.etree.ElementTree as ET

import pytest

pytestmark = pytest.mark.integration

HANGING = """
    import threading
    import time

    import pytest

    def helper_of_the_test():
        time.sleep(900)

    @pytest.mark.timeout(1)
    def test_body():
        threading.Thread(target=helper_of_the_test, daemon=True, name="its-helper").start()
        threading.Event().wait()

    @pytest.fixture
    def slow_set_up():
        time.sleep(900)

    def test_set_up(slow_set_up):
        pass

    @pytest.fixture
    def slow_teardown():
        yield
        time.sleep(900)

    def test_teardown(slow_teardown):
        pass

    def test_after():
        pass
"""
#: Holds the interpreter's lock in C code: no signal, no thread of Python's gets a turn.
STUCK = """
    import re

    import pytest

    @pytest.mark.timeout(0.5)
    def test_stuck():
        re.match(r"(a|aa)+$", "a" * 200 + "b")

    def test_after():
        pass
"""
#: With -x, what a worker holds besides its test is left out: the fixture stays for a test that never comes.
STANDING = """
    import os
    import pathlib
    import time

    import pytest

    ENOUGH = pathlib.Path(os.environ["SCT_JOURNAL"]).parent / "enough"
    BEGUN = pathlib.Path(__file__).with_name("begun")

    def wait_for(file):
        end = time.monotonic() + 60
        while not file.exists() and time.monotonic() < end:
            time.sleep(0.02)

    @pytest.fixture(scope="module")
    def slow_teardown():
        BEGUN.touch()
        yield
        time.sleep(900)

    def test_that_fails():
        wait_for(BEGUN)
        assert False, "of its own"

    @pytest.mark.parametrize("number", range(3))
    def test_that_waits(slow_teardown, number):
        wait_for(ENOUGH)
"""
ONLY_TEARDOWN_IS_SHORT = """
    from sdcm.pytest_plugin import deadlines

    deadlines._limit = lambda _item, what: 1.0 if "teardown" in what else 60.0
"""


def cases(path):
    """Return the test cases of a report by name."""
    return {case.get("name"): case for case in ET.parse(path).getroot().iter("testcase")}


def said(case):
    """Return all that a test case says."""
    return ET.tostring(case, encoding="unicode")


@pytest.mark.parametrize("workers", ["0", "1"])
def test_body_set_up_and_teardown_end_with_the_stacks_and_the_worker_survives(project, workers, tmp_path):
    project.write("unit_tests/test_hanging.py", HANGING)
    project.write("conftest.py", "from sdcm.pytest_plugin import deadlines\n\ndeadlines.FIXTURES = 1.0\n")
    junit = tmp_path / "junit.xml"
    ended = project.sct(
        "unit-tests", "-n", workers, "--test-timeout", "1", "-t", "test_hanging.py", "--junit-xml", str(junit)
    )
    assert ended.code == 1, ended.text
    found = cases(junit)
    body = said(found["test_body"])
    assert "the test did not end within its deadline of 1 s" in body
    assert "thread its-helper" in body
    assert "in helper_of_the_test" in body
    assert 'name="failure_class" value="test"' in body
    assert "its set-up did not end within its deadline of 1 s" in said(found["test_set_up"])
    assert "its teardown did not end within its deadline of 1 s" in said(found["test_teardown"])
    assert len(found["test_after"]) <= 1
    assert "2 passed" in ended.out
    assert "crashed" not in ended.text


@pytest.mark.parametrize("workers", ["0", "1"])
def test_one_stuck_in_c_code_costs_its_process_and_leaves_its_last_words(project, workers, tmp_path):
    project.write("unit_tests/test_stuck.py", STUCK)
    project.write("conftest.py", "from sdcm.pytest_plugin import clock\n\nclock.DeadlineClock.GRACE = 0.5\n")
    junit = tmp_path / "junit.xml"
    ended = project.sct("unit-tests", "-n", workers, "-t", "test_stuck.py", "--junit-xml", str(junit))
    assert ended.code == 1, ended.text
    stuck = said(cases(junit)["test_stuck"])
    assert "did not end within its deadline of 0.5 s, nor when it was interrupted" in stuck
    assert "test_stuck.py" in stuck
    if workers == "1":
        assert "test_after" in cases(junit)
    (run,) = (project.state / "runs").iterdir()
    assert json.loads((run / "summary.json").read_text())["failures"] or workers == "0"


def test_what_is_left_standing_for_tests_that_never_come_is_torn_down_by_a_deadline(project, tmp_path):
    project.write("unit_tests/test_standing.py", STANDING)
    project.write("conftest.py", ONLY_TEARDOWN_IS_SHORT)
    junit = tmp_path / "junit.xml"
    arguments = ("unit-tests", "-n", "2", "-t", "test_standing.py", "--junit-xml", str(junit))
    ended = project.sct(*arguments, "--", "-x", timeout=300)
    assert ended.code == 1, ended.text
    assert "crashed" not in ended.text
    (waited,) = [case for name, case in cases(junit).items() if name.startswith("test_that_waits")]
    assert "its teardown did not end within its deadline of 1 s" in said(waited)
    assert 'name="worker" value="gw' in said(waited)
