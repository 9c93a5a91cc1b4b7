"""Where the time of a run went."""

import pytest

from sdcm.reporters.outcome import RunResult
from sdcm.reporters.time_spent import TimeSpent, time_spent
from sdcm.reporters.timeline import Timeline
from unit_tests.lib.journals import START, HandJournal


def _spent(records: HandJournal) -> TimeSpent | None:
    return time_spent(RunResult.from_journal(records), Timeline.from_journal(records))


def _ended(records: HandJournal, test: str, worker: str, began: float, **phases: float) -> None:
    """Append a test's end; its set-up began `began` seconds after the journal's clock."""
    records.write("test-start", after=0.0, test=test, worker=worker)
    records.write("test-body", after=0.0, test=test, started=START + began + phases["setup"])
    seconds = sum(phases.values())
    records.write("test-end", after=0.0, test=test, outcome="passed", worker=worker, seconds=seconds, phases=phases)


def test_workers_time_is_told_by_what_they_did() -> None:
    records = HandJournal().write("run-start", after=0.0, run="r", command="integration-tests")
    records.write("lease", after=10.0, test="a.py::one", what="node", state="wanted", worker="gw0")
    records.write("lease", after=4.0, test="a.py::one", what="node", state="granted", worker="gw0")
    _ended(records, "a.py::one", "gw0", 10.0, setup=5.0, call=4.0, teardown=1.0)
    records.write("lease", after=2.0, test="a.py::two", what="node", state="wanted", worker="gw1")
    records.write("lease", after=1.0, test="a.py::two", what="node", state="granted", worker="gw1")
    _ended(records, "a.py::two", "gw1", 15.0, setup=0.0, call=5.0, teardown=0.0)
    records.write("run-end", after=8.0, exit_code=0)
    spent = _spent(records)
    assert spent is not None
    assert (spent.before, spent.tests, spent.after, spent.workers) == (10.0, 10.0, 5.0, 2)
    # Of the second test's own code one second was spent on waiting for a node.
    told = {share.kind: (share.seconds, share.percent) for share in spent.shares}
    assert told == {"own": (8.0, 40.0), "around": (2.0, 10.0), "waiting": (5.0, 25.0), "idle": (5.0, 25.0)}
    assert spent.line == "10.0 s before the first test, 10.0 s of tests, 5.0 s after the last one"
    assert spent.host == ""


def test_the_machines_load_counts_while_tests_run() -> None:
    records = HandJournal().write("run-start", after=0.0, run="r")
    records.write("host", after=1.0, cpu=10, memory=90, used_mb=900)
    for cpu in (100, 95, 45):
        records.write("host", after=2.0, cpu=cpu, memory=cpu / 2, used_mb=cpu * 10)
    _ended(records, "a.py::one", "gw0", 2.0, setup=0.0, call=6.0, teardown=0.0)
    spent = _spent(records)
    assert spent is not None
    assert spent.host == (
        "processors 80 % busy on average, 90 % and more for 67 % of the time; memory 50 % in use at most (1000 MiB)"
    )


@pytest.mark.parametrize("tests", ["none", "not collected"])
def test_nothing_is_told_where_no_test_ran(tests: str) -> None:
    records = HandJournal().write("run-start", run="r", command="unit-tests")
    if tests == "not collected":
        records.write("collect-error", test="a.py", text="SyntaxError: bad")
    assert _spent(records) is None
