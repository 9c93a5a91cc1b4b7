"""When tests waited, and for how long."""

from sdcm.reporters.outcome import RunResult
from sdcm.reporters.timeline import Timeline
from sdcm.reporters.timeline import test_span as span_of
from unit_tests.lib.journals import START, HandJournal


def _waits(records: HandJournal, test: int = 0) -> list[tuple[float, float]]:
    """Return when a test waited, in seconds since the journal's clock began."""
    result, timeline = RunResult.from_journal(records), Timeline.from_journal(records)
    span = span_of(result.tests[test], result.started + result.seconds)
    found = timeline.waits.of(result.tests[test], (span.started, span.ended))
    return [(round(since - START, 3), round(until - START, 3)) for since, until in found]


def _lease(records: HandJournal, state: str, after: float, what: str = "node") -> HandJournal:
    return records.write("lease", after=after, test="a.py::t", what=what, worker="gw0", state=state)


def test_a_test_that_was_refused_its_node_has_waited_until_its_end() -> None:
    records = _lease(HandJournal().write("test-start", test="a.py::t"), "wanted", 0.1)
    records.write("test-end", after=3.0, test="a.py::t", outcome="skipped", seconds=3.1)
    records.write("run-end", after=60.0, exit_code=0)
    assert _waits(records) == [(0.2, 3.2)]


def test_what_is_waited_for_at_one_time_counts_once() -> None:
    records = _lease(HandJournal().write("test-start", test="a.py::t"), "wanted", 1.0)
    _lease(records, "wanted", 1.0, "container")
    _lease(records, "granted", 2.0)
    _lease(records, "granted", 1.0, "container")
    _lease(_lease(records, "wanted", 1.0), "granted", 0.5)
    records.write("test-end", after=1.0, test="a.py::t", outcome="passed", seconds=7.5)
    assert _waits(records) == [(1.1, 5.1), (6.1, 6.6)]


def test_a_service_is_waited_for_until_it_is_up_and_not_later() -> None:
    records = HandJournal().write("service", service="kubernetes", state="waiting")
    records.write("test-start", test="a.py::t", worker="gw0")
    records.write("service", after=10.0, service="kubernetes", state="ready")
    phases = {"setup": 11.0, "call": 1.0, "teardown": 0.0}
    records.write("test-body", after=1.0, test="a.py::t", started=records.now + 1.0)
    ended = {"outcome": "passed", "seconds": 12.0, "phases": phases, "worker": "gw0", "services": ["kubernetes"]}
    records.write("test-end", after=1.0, test="a.py::t", **ended)
    records.write("service", after=1.0, service="kubernetes", state="dismissed")
    assert _waits(records) == [(0.2, 10.2)]


def test_a_service_that_never_came_up_was_waited_for_until_the_tests_end() -> None:
    records = HandJournal().write("service", service="kubernetes", state="waiting")
    records.write("test-start", test="a.py::t", services=["kubernetes"])
    records.write("test-end", after=9.0, test="a.py::t", outcome="error", seconds=9.0, services=["kubernetes"])
    assert _waits(records) == [(0.2, 9.2)]


def test_a_test_that_ran_twice_waited_each_time_for_itself() -> None:
    records = HandJournal()
    for seconds in (1.0, 2.0):
        records.write("test-start", after=1.0, test="a.py::t")
        _lease(_lease(records, "wanted", 0.5), "granted", seconds)
        records.write("test-end", after=0.5, test="a.py::t", outcome="passed", seconds=seconds + 1.0)
    assert _waits(records, 0) == [(1.5, 2.5)]
    assert _waits(records, 1) == [(4.5, 6.5)]


def test_when_a_service_was_up_is_not_known_of_a_merged_run() -> None:
    """Its record of a service says what became of it on all machines, at the end."""
    records = HandJournal().write("test-start", test="a.py::t", services=["docker"])
    records.write("test-end", after=9.0, test="a.py::t", outcome="passed", seconds=9.0, services=["docker"])
    records.write("service", service="docker", state="ready").write("shard-end", shard="1", state="complete")
    assert _waits(records) == []
