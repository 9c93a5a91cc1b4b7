"""Events in whole runs: every worker's reach the run's journal and files, and `strict_events` fails what it should.

External services: none
"""

from collections import Counter

import pytest

from unit_tests.lib.journals import records_of

pytestmark = pytest.mark.integration

_TESTS = """
import time
import pytest
from sdcm.events.kinds import InfoEvent, TestFrameworkEvent

@pytest.mark.parametrize("number", range(4))
def test_told(events, number):
    time.sleep(0.3)  # long enough for the other worker to take one too
    InfoEvent(message=f"told {number}").publish()

def test_bad(events_function_scope):
    TestFrameworkEvent(message="surprise").publish()

def test_expected(events):
    with events.expect(TestFrameworkEvent, timeout=0):
        TestFrameworkEvent(message="foreseen").publish()

@pytest.mark.strict_events(False)
def test_opted_out(events):
    TestFrameworkEvent(message="whatever").publish()

@pytest.fixture
def noisy(events):
    yield
    TestFrameworkEvent(message="at the end").publish()

def test_noisy_teardown(noisy):
    pass

def test_fails_once():
    TestFrameworkEvent(message="said already").publish()
    assert False, "for a reason of its own"
"""


def test_events_of_every_worker_reach_the_run_and_strict_ones_fail_their_test(project, tmp_path):
    """Without the option the same tests pass, but for the one that fails by itself."""
    project.write("unit_tests/test_events.py", _TESTS)
    lenient = project.sct("unit-tests", "-n", "2", "-t", "test_events.py", "--report-dir", str(tmp_path / "lenient"))
    assert lenient.code == 1
    assert "1 failed" in lenient.out
    assert "error" not in lenient.out.splitlines()[-1]

    folder = tmp_path / "strict"
    strict = project.sct(
        "unit-tests", "-n", "2", "-t", "test_events.py", "--report-dir", str(folder), "--", "--strict-events"
    )
    assert strict.code == 1
    (journal,) = [file for file in project.state.rglob("journal.jsonl") if "strict-events" in file.read_text()]
    records = records_of(journal)
    ends = {
        record["test"].rpartition("::")[2]: (record["outcome"], record["phase"], record["text"])
        for record in records
        if record["event"] == "test-end"
    }
    assert {name: end[:2] for name, end in ends.items() if end[0] != "passed"} == {
        "test_bad": ("failed", "call"),
        "test_noisy_teardown": ("error", "teardown"),
        "test_fails_once": ("failed", "call"),
    }
    assert "1 unexpected event(s)" in ends["test_bad"][2]
    assert "surprise" in ends["test_bad"][2]
    assert "for a reason of its own" in ends["test_fails_once"][2]
    assert "unexpected" not in ends["test_fails_once"][2]

    told = [record for record in records if record["event"] == "test-event"]
    assert Counter(record["base"] for record in told) == {"InfoEvent": 4, "TestFrameworkEvent": 5}
    assert {record["worker"] for record in told} == {"gw0", "gw1"}
    assert all(record["test"].startswith("unit_tests/test_events.py::test_") for record in told)
    lines = (journal.parent / "events" / "events.log").read_text().splitlines()
    assert len(lines) == 9
    assert (journal.parent / "events" / "error.log").read_text().count("Severity.ERROR") == 5
