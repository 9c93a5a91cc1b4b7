from sdcm.reporters.critical_path import critical_path
from sdcm.reporters.outcome import RunResult
from unit_tests.lib.journals import START, HandJournal


def a_test(records, name, worker, started, seconds):
    records.append({"event": "test-start", "at": START + started, "test": name})
    phases = {"setup": 0.0, "call": seconds, "teardown": 0.0}
    records.append({"event": "test-body", "at": START + started, "test": name, "started": START + started})
    records.append(
        {"event": "test-end", "at": START + started + seconds, "test": name, "worker": worker}
        | {"outcome": "passed", "seconds": seconds, "phases": phases}
    )


def test_the_chain_goes_back_along_the_last_worker_and_through_the_steps_it_waited_for():
    records = HandJournal().write("run-start", after=0.0, run="r")
    records.write("step-start", after=1.0, step="engine")
    records.write("step-end", after=4.0, step="engine", status="done", seconds=4.0)
    records.write("step-start", after=0.0, step="cluster")
    a_test(records, "a.py::early", "gw0", 5.1, 3.0)
    a_test(records, "a.py::other", "gw1", 5.1, 9.0)
    records.write("step-end", after=15.0, step="cluster", status="done", seconds=15.0)
    a_test(records, "k.py::pod", "gw0", 20.2, 10.0)
    told = [(link.kind, link.what, round(link.seconds, 1)) for link in critical_path(RunResult.from_journal(records))]
    assert told == [
        ("gap", "pytest starts, collects or waits", 1.0),
        ("step", "engine", 4.0),
        ("test", "a.py::early", 3.0),
        ("step", "cluster", 11.9),
        ("test", "k.py::pod", 10.0),
    ]


def test_short_tests_are_one_stretch():
    records = HandJournal().write("run-start", after=0.0, run="r")
    for place in range(100):
        a_test(records, f"a.py::t{place}", "gw0", place * 0.1, 0.1)
    (link,) = critical_path(RunResult.from_journal(records))
    assert (link.what, link.kind, round(link.seconds, 1)) == ("100 tests on gw0", "tests", 10.0)


def test_a_run_without_tests_has_none():
    assert critical_path(RunResult.from_journal([])) == ()
