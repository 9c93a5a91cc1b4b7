from pathlib import Path

from sdcm.reporters.critical_path import critical_path, folded
from sdcm.reporters.critical_path_text import critical_path_line, critical_path_record
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.summary import summary_lines, summary_record
from sdcm.services.selected import NODE_IMAGE, SelectedTest
from unit_tests.lib.journals import START, HandJournal


class Times(HandJournal):
    """Records at seconds of the run, in any order."""

    def put(self, event, at, **data):
        self.append({"event": event, "at": START + at, **data})
        return self

    def step(self, name, started, ended, *needs):
        self.put("step-start", started, step=name, needs=list(needs))
        return self.put("step-end", ended, step=name, status="done", seconds=ended - started)

    def ran(self, name, worker, started, ended, *services, waited=0.0):
        self.put("test-start", started, test=name)
        phases = {"setup": waited, "call": ended - started - waited, "teardown": 0.0}
        self.put("test-body", started + waited, test=name, started=START + started + waited)
        told = {"worker": worker, "outcome": "passed", "seconds": ended - started, "phases": phases}
        return self.put("test-end", ended, test=name, services=list(services), **told)

    def result(self, *selected):
        return RunResult.from_journal(sorted(self, key=lambda record: record["at"]), selected)

    def path(self, *selected):
        return [
            (link.kind, link.what, round(link.started - START, 1), round(link.seconds, 1))
            for link in critical_path(self.result(*selected))
        ]


def a_run_with_a_cluster():
    """A run whose last tests waited for a cluster, and that for the image of its node."""
    times = Times().put("run-start", 0.0, run="r").put("selection", 1.0, tests=4, seconds=1.0)
    times.put("pytest-start", 1.2, pid=1)
    times.step("engine", 1.0, 2.0).step("image kind-node", 2.0, 40.0, "engine").step("kind", 2.0, 4.0, "engine")
    times.step("cluster", 40.0, 61.0, "kind", "image kind-node").step("network", 2.0, 2.2, "engine")
    times.put("service", 1.0, service="docker", state="waiting", steps=["engine", "network"])
    times.put("service", 1.0, service="kubernetes", state="waiting", steps=["cluster"])
    times.put("service", 61.0, service="kubernetes", state="ready", steps=[])
    times.ran("d.py::query", "gw0", 3.0, 8.0, "docker").ran("d.py::long", "gw1", 3.0, 50.0, "docker")
    # Given out while the cluster came up: it waits in its set-up.
    times.ran("k.py::pod", "gw0", 8.1, 70.0, "docker", "kubernetes", waited=53.0)
    times.ran("k.py::job", "gw0", 70.1, 82.0, "docker", "kubernetes")
    times.ran("k.py::late", "gw1", 50.2, 75.0, "docker", "kubernetes", waited=11.0)
    times.put("pytest-end", 83.0, status=0).put("teardown-start", 83.0).put("teardown-end", 86.0, seconds=3.0)
    return times.put("run-end", 86.1, exit_code=0)


def test_the_path_leaves_the_worker_for_the_service_that_its_test_waited_for():
    assert a_run_with_a_cluster().path() == [
        ("stage", "collecting", 0.0, 1.0),
        ("step", "engine", 1.0, 1.0),
        ("step", "image kind-node", 2.0, 38.0),
        ("step", "cluster", 40.0, 21.0),
        ("test", "k.py::pod", 61.0, 9.0),
        ("test", "k.py::job", 70.1, 11.9),
        ("stage", "pytest ending", 82.0, 1.0),
        ("stage", "teardown", 83.0, 3.0),
    ]


def test_one_line_names_it():
    line = critical_path_line(critical_path(a_run_with_a_cluster().result()))
    assert line == (
        "collecting 1.0 s, then engine 1.0 s, then image kind-node 38 s, then cluster 21 s, "
        "then 2 docker and kubernetes tests 21 s (longest: job 11.9 s), then pytest ending 1.0 s, then teardown 3.0 s"
    )


def test_summary_and_record_tell_the_same():
    result = a_run_with_a_cluster().result()
    record = critical_path_record(result)
    assert record["text"] == critical_path_line(critical_path(result))
    assert record["links"][2] == {"what": "image kind-node", "kind": "step", "after": 2.0, "seconds": 38.0}
    assert summary_record(result, Path("r"))["critical_path"] == record
    assert f"  critical path    {record['text']}" in summary_lines(result, "r")


def test_a_service_that_was_up_before_leaves_the_path_on_the_worker():
    times = a_run_with_a_cluster()
    # Of the two workers the other one is the last now, and its long test ended after the cluster was up.
    times.ran("d.py::longer", "gw2", 3.0, 62.0, "docker").ran("k.py::last", "gw2", 62.3, 82.9, "kubernetes")
    assert times.path()[1:4] == [
        ("stage", "pytest starting", 1.2, 1.8),
        ("test", "d.py::longer", 3.0, 59.0),
        ("test", "k.py::last", 62.3, 20.6),
    ]


def test_a_test_waits_for_its_own_images_and_for_no_other():
    own = SelectedTest("a.py::node", "a.py", services=("docker",), images=(NODE_IMAGE,))
    other = SelectedTest("a.py::plain", "a.py", services=("docker",))
    times = Times().put("run-start", 0.0).step("engine", 0.0, 1.0).step("image cassandra", 1.0, 30.0, "engine")
    times.put("service", 30.0, service="docker", state="ready", steps=["engine", "image cassandra"])
    times.ran("a.py::node", "gw0", 2.0, 32.0, "docker", waited=28.0)
    assert times.path(own, other) == [
        ("step", "engine", 0.0, 1.0),
        ("step", "image cassandra", 1.0, 29.0),
        ("test", "a.py::node", 30.0, 2.0),
    ]
    times.ran("a.py::plain", "gw2", 2.0, 33.0, "docker")
    assert ("test", "a.py::plain", 2.0, 31.0) in times.path(own, other)


def test_a_service_that_a_test_asked_for_itself_is_followed_back_to_that_test():
    times = Times().put("run-start", 0.0).step("engine", 5.0, 9.0)
    times.put("service", 5.0, service="docker", state="waiting", steps=["engine"])
    times.ran("a.py::early", "main", 1.0, 4.0).ran("a.py::asks", "main", 4.1, 12.0, "docker")
    assert times.path() == [
        ("gap", "idle, or not recorded", 0.0, 1.0),
        ("test", "a.py::early", 1.0, 3.0),
        ("test", "a.py::asks", 4.1, 0.9),
        ("step", "engine", 5.0, 4.0),
        ("test", "a.py::asks", 9.0, 3.0),
    ]


def test_a_test_that_was_held_back_waited_for_the_tests_of_others():
    times = Times().put("run-start", 0.0).ran("a.py::quick", "gw0", 0.1, 1.0).ran("a.py::slow", "gw1", 0.1, 9.0)
    times.put("held-back", 9.05, test="a.py::alone", seconds=8.0).ran("a.py::alone", "gw0", 9.1, 10.0)
    assert [what for _, what, _, _ in times.path()] == ["a.py::slow", "a.py::alone"]


def test_idle_time_is_told_as_such():
    times = Times().put("run-start", 0.0).ran("a.py::one", "gw0", 0.1, 1.0).ran("a.py::two", "gw0", 5.0, 9.0)
    assert times.path()[1] == ("gap", "idle, or not recorded", 1.0, 4.0)
    assert (
        critical_path_line(critical_path(times.result()))
        == "one 0.90 s, then idle, or not recorded 4.0 s, then two 4.0 s"
    )


def test_a_step_that_never_ended_and_tests_of_no_length_end_the_walk():
    times = Times().put("run-start", 0.0).put("step-start", 0.0, step="engine", needs=[])
    times.put("service", 0.0, service="docker", state="waiting", steps=["engine"])
    for place in range(3):
        times.put("held-back", 1.0, test=f"a.py::t{place}", seconds=1.0)
        times.ran(f"a.py::t{place}", f"gw{place}", 1.0, 1.0, "docker")
    assert times.path()[-1][:2] in {("test", f"a.py::t{place}") for place in range(3)}


def test_short_tests_are_one_stretch():
    times = Times().put("run-start", 0.0, run="r")
    for place in range(100):
        times.ran(f"a.py::t{place}", "gw0", place * 0.1, place * 0.1 + 0.1)
    (link,) = folded(critical_path(times.result()))
    assert (link.what, link.kind, round(link.seconds, 1)) == ("100 tests on gw0", "tests", 10.0)
    assert critical_path_line(critical_path(times.result())) == "100 tests 10.0 s"


def test_what_tests_waited_for_their_nodes_is_told():
    times = Times().put("run-start", 0.0).ran("a.py::one", "gw0", 0.1, 9.0, "docker", waited=6.0)
    times.put("lease", 6.0, test="a.py::one", what="node", worker="gw0", state="granted", seconds=5.9)
    times.put("lease", 9.5, test="a.py::one", what="node", worker="gw0", state="ended")
    assert critical_path_line(critical_path(times.result())) == "one 8.9 s (5.9 s of it waiting for leases)"


def test_a_line_stays_short_where_tests_of_many_kinds_take_turns():
    times = Times().put("run-start", 0.0)
    for place in range(40):
        services = ("docker",) if place % 2 else ("kubernetes",)
        times.ran(f"a.py::t{place}", "gw0", place * 5.0, place * 5.0 + 5.0, *services)
    assert critical_path_line(critical_path(times.result())) == "40 tests 3 min 20 s"


def test_many_short_tests_on_workers_in_turns_are_told_by_worker():
    times = Times().put("run-start", 0.0)
    for place in range(6):
        times.put("held-back", place * 0.25, test=f"a.py::t{place}", seconds=9.0)
        times.ran(f"a.py::t{place}", f"gw{place // 3}", place * 0.25, place * 0.25 + 0.25)
    assert [link.what for link in folded(critical_path(times.result()))] == ["3 tests on gw0", "3 tests on gw1"]


def test_a_run_without_tests_has_none():
    assert critical_path(RunResult.from_journal([])) == ()
    assert critical_path_line(critical_path(RunResult.from_journal([]))) == ""
