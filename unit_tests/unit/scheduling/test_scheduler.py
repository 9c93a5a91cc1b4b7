"""The scheduler against recording fake workers."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest

from sdcm.scheduling.scheduler import UnitScheduler
from sdcm.services.selected import SelectedTest
from unit_tests.lib.fake_xdist import FakeSession, FakeWorker


def _tests(count: int, **facts: object) -> list[SelectedTest]:
    return [_test(f"t.py::t{number:02}", **facts) for number in range(count)]


def _test(nodeid: str, **facts: object) -> SelectedTest:
    return SelectedTest(nodeid, file=nodeid.partition("::")[0], **facts)  # type: ignore[arg-type]


def _ids(tests: Iterable[SelectedTest]) -> list[str]:
    return [test.nodeid for test in tests]


class _Reports(list[tuple[str, str]]):
    def __call__(self, worker: str, difference: str) -> None:
        self.append((worker, difference))


def _scheduler(
    workers: int,
    tests: Sequence[SelectedTest] = (),
    *,
    ready: Callable[[str], bool] = bool,
    durations: Mapping[str, float] | None = None,
    reports: _Reports | None = None,
) -> UnitScheduler:
    report = _Reports() if reports is None else reports
    return UnitScheduler(workers, selected=lambda: tests, ready=ready, report=report, durations=durations)


def _started(scheduler: UnitScheduler, nodeids: Sequence[str], workers: int) -> list[FakeWorker]:
    nodes = [FakeWorker(f"gw{number}") for number in range(workers)]
    for node in nodes:
        scheduler.add_node(node)
    for node in nodes:
        scheduler.add_node_collection(node, list(nodeids))
    assert scheduler.collection_is_completed
    scheduler.schedule()
    return nodes


class TestHandingOut:
    """What a worker is sent, and when."""

    def test_one_unit_and_the_shortest_as_look_ahead(self):
        tests = _tests(8)
        seconds = dict(zip(_ids(tests), [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0], strict=True))
        one, two = _started(_scheduler(2, tests, durations=seconds), _ids(tests), 2)
        # The shorter of the two long ones gets the shortest look-ahead.
        assert (one.sent, two.sent) == ([[0, 6]], [[1, 7]])

    def test_the_next_is_sent_when_one_is_left(self):
        tests = _tests(6)
        scheduler = _scheduler(1, tests)
        (node,) = _started(scheduler, _ids(tests), 1)
        assert node.sent == [[0, 1]]
        scheduler.mark_test_complete(node, 0, 0.1)
        assert node.sent == [[0, 1], [2, 3]]
        scheduler.mark_test_complete(node, 1, 0.1)
        assert node.sent == [[0, 1], [2, 3]]

    def test_a_group_is_sent_whole_and_its_last_test_waits_for_the_next_unit(self):
        tests = [_test("a.py::1", group="g"), _test("b.py::1"), _test("a.py::2", group="g"), _test("c.py::1")]
        scheduler = _scheduler(1, tests)
        (node,) = _started(scheduler, _ids(tests), 1)
        assert node.sent == [[0, 2]]
        scheduler.mark_test_complete(node, 0, 0.1)
        assert node.sent == [[0, 2], [1, 3]]

    def test_a_group_takes_along_a_test_shorter_than_its_last(self):
        tests = [_test("a.py::1", group="g"), _test("a.py::2", group="g"), _test("b.py::1"), _test("c.py::1")]
        seconds = {"a.py::1": 5.0, "a.py::2": 5.0, "b.py::1": 0.1, "c.py::1": 6.0}
        (node,) = _started(_scheduler(1, tests, durations=seconds), _ids(tests), 1)
        assert node.sent == [[0, 1, 2]]

    def test_the_last_test_gets_a_shutdown_and_only_then(self):
        tests = _tests(3)
        scheduler = _scheduler(1, tests)
        (node,) = _started(scheduler, _ids(tests), 1)
        scheduler.mark_test_complete(node, 0, 0.1)
        assert node.sent == [[0, 1], [2]]
        assert not node.shutdowns
        scheduler.mark_test_complete(node, 1, 0.1)
        assert node.shutdowns == 1
        assert scheduler.tests_finished
        assert scheduler.has_pending

    def test_as_many_units_as_workers_are_shared_out(self):
        tests = _tests(3)
        nodes = _started(_scheduler(4, tests), _ids(tests), 4)
        assert [node.sent for node in nodes] == [[[0]], [[1]], [[2]], []]
        assert [node.shutdowns for node in nodes] == [1, 1, 1, 1]

    def test_an_empty_selection_ends(self):
        scheduler = _scheduler(2)
        nodes = _started(scheduler, [], 2)
        assert scheduler.tests_finished
        assert not scheduler.has_pending
        assert [node.sent for node in nodes] == [[], []]
        assert FakeSession(_scheduler(2), []).run().started == []

    def test_ready_services_first_then_the_others(self):
        tests = [_test(f"k.py::{n}", services=("kubernetes",)) for n in range(3)]
        tests += [_test(f"d.py::{n}", services=("docker",)) for n in range(3)]
        tests += [_test("plain.py::1")]
        run = FakeSession(_scheduler(2, tests, ready={"docker"}.__contains__), _ids(tests)).run()
        assert [nodeid.partition(".")[0] for nodeid in run.order()[:4]] == ["d", "d", "d", "plain"]
        assert run.counts() == dict.fromkeys(_ids(tests), 1)

    def test_a_service_that_comes_up_later_is_noticed(self):
        up: set[str] = set()
        tests = [_test(f"a.py::{n}", services=("aws",)) for n in range(4)]
        tests += [_test("d.py::1", services=("docker",)), *_tests(4)]
        scheduler = _scheduler(1, tests, ready=up.__contains__)
        (node,) = _started(scheduler, _ids(tests), 1)
        assert node.sent == [[5, 6]]
        up.add("docker")
        scheduler.mark_test_complete(node, 5, 0.1)
        assert node.sent[1:] == [[4, 7]]

    def test_with_exact_durations_the_wall_is_near_its_bound(self):
        rng = random.Random(7)
        tests = [_test(f"t.py::{n}", group=f"g{n % 6}" if n < 30 else "") for n in range(120)]
        seconds = {test.nodeid: rng.lognormvariate(-1.7, 1.2) for test in tests}
        run = FakeSession(_scheduler(4, tests, durations=seconds), _ids(tests), 4, seconds=seconds).run()
        assert run.seconds < 1.05 * sum(seconds.values()) / 4


class TestUnits:
    """Units stay together, whatever the selection says or lacks."""

    def test_groups_from_the_selection_need_no_suffix(self):
        tests = [_test(f"f{n % 3}.py::t{n}", group=f"g{n % 4}") for n in range(24)]
        run = FakeSession(_scheduler(3, tests), _ids(tests), 3).run()
        for group in range(4):
            members = [test.nodeid for test in tests if test.group == f"g{group}"]
            assert len(run.workers_of(members)) == 1
            (worker,) = run.workers_of(members)
            on_worker = [nodeid for _, name, nodeid in run.started if name == worker]
            at = on_worker.index(members[0])
            assert on_worker[at : at + len(members)] == members

    def test_without_a_selection_the_suffix_tells_the_group(self):
        nodeids = [f"f.py::t{n}@g{n % 2}" for n in range(8)] + [f"f.py::s{n}" for n in range(8)]
        run = FakeSession(_scheduler(3), nodeids, 3).run()
        assert len(run.workers_of(nodeids[0:8:2])) == 1
        assert len(run.workers_of(nodeids[1:8:2])) == 1
        assert run.counts() == dict.fromkeys(nodeids, 1)

    def test_a_module_with_a_shared_lease_stays_on_one_worker(self):
        tests = [_test(f"m{n % 3}.py::t{n}", shared_lease=n == 4) for n in range(18)]
        run = FakeSession(_scheduler(3, tests), _ids(tests), 3).run()
        assert len(run.workers_of([test.nodeid for test in tests if test.file == "m1.py"])) == 1
        assert len(run.workers_of([test.nodeid for test in tests if test.file == "m0.py"])) > 1

    def test_the_selection_is_asked_for_once_all_have_collected(self):
        asked: list[int] = []

        def selected() -> list[SelectedTest]:
            asked.append(1)
            return [_test("a.py::1", group="g"), _test("a.py::2", group="g")]

        scheduler = UnitScheduler(2, selected=selected, ready=bool, report=_Reports())
        assert not asked
        nodes = _started(scheduler, ["a.py::1", "a.py::2"], 2)
        assert len(asked) == 1
        assert [node.sent for node in nodes] == [[[0, 1]], []]


class TestDeath:
    """A worker dies."""

    def test_the_killer_is_named_and_the_rest_goes_back(self):
        tests = _tests(6)
        scheduler = _scheduler(2, tests)
        one, two = _started(scheduler, _ids(tests), 2)
        assert one.sent == [[0, 2]]
        one.down = True
        assert scheduler.remove_node(one) == "t.py::t00"
        scheduler.mark_test_complete(two, 1, 0.1)
        assert two.sent == [[1, 3], [2, 4]]

    def test_what_is_left_of_a_group_stays_whole(self):
        tests = [_test(f"a.py::{n}", group="g") for n in range(5)] + _tests(6)
        session = FakeSession(_scheduler(2, tests), _ids(tests), killers=["a.py::1"])
        run = session.run()
        assert run.crashed == ["a.py::1"]
        assert run.counts() == dict.fromkeys(_ids(tests), 1)
        assert run.workers_of(["a.py::0", "a.py::1"]) == {"gw0"}
        assert len(run.workers_of(["a.py::2", "a.py::3", "a.py::4"])) == 1

    def test_a_replaced_worker_is_fed(self):
        tests = [_test(f"a.py::{n}", group="g") for n in range(5)]
        session = FakeSession(_scheduler(2, tests), _ids(tests), killers=["a.py::0"])
        run = session.run()
        assert run.workers_of(["a.py::1", "a.py::4"]) == {"gw2"}
        assert run.counts() == dict.fromkeys(_ids(tests), 1)

    def test_all_workers_may_die_again_and_again(self):
        tests = _tests(12)
        run = FakeSession(_scheduler(3, tests), _ids(tests), 3, killers=_ids(tests)[:8]).run()
        assert sorted(run.crashed) == _ids(tests)[:8]
        assert run.counts() == dict.fromkeys(_ids(tests), 1)

    def test_without_restarts_the_others_end_what_they_hold(self):
        tests = _tests(20)
        session = FakeSession(_scheduler(2, tests), _ids(tests), killers=["t.py::t00"], max_restarts=0)
        run = session.run()
        assert run.crashed == ["t.py::t00"]
        assert max(run.counts().values()) == 1
        assert len(session.workers) == 2

    def test_a_worker_that_dies_while_it_is_sent_to_loses_nothing(self):
        tests = _tests(8)
        scheduler = _scheduler(2, tests)
        one, two = _started(scheduler, _ids(tests), 2)
        one.unreachable = True
        scheduler.mark_test_complete(one, 0, 0.1)
        assert one.sent == [[0, 2]]
        scheduler.mark_test_complete(two, 1, 0.1)
        assert two.sent == [[1, 3], [4, 5]]
        scheduler.mark_test_complete(two, 3, 0.1)
        scheduler.mark_test_complete(two, 4, 0.1)
        assert two.sent[2:] == [[6, 7]]
        assert scheduler.remove_node(one) == "t.py::t02"

    def test_the_end_of_a_worker_that_cannot_be_reached_is_waited_for(self):
        tests = _tests(5)
        scheduler = _scheduler(2, tests)
        one, two = _started(scheduler, _ids(tests), 2)
        one.unreachable = two.unreachable = True
        scheduler.mark_test_complete(one, 0, 0.1)
        scheduler.remove_node(two)
        replaced = FakeWorker("gw2")
        scheduler.add_node(replaced)
        scheduler.add_node_collection(replaced, ["other.py::1"])
        replaced.workeroutput = {"exitstatus": 0}  # type: ignore[attr-defined]
        scheduler.remove_node(replaced)
        assert not scheduler.tests_finished
        scheduler.remove_node(one)
        last = FakeWorker("gw3")
        scheduler.add_node(last)
        scheduler.add_node_collection(last, _ids(tests))
        scheduler.schedule()
        assert last.sent == [[3, 4]]

    def test_a_worker_that_dies_before_it_was_up_is_unknown(self):
        with pytest.raises(KeyError):
            _scheduler(1).remove_node(FakeWorker("gw0"))

    def test_a_worker_that_dies_before_all_have_collected_is_waited_for(self):
        scheduler = _scheduler(2, _tests(4))
        one, two, three = (FakeWorker(f"gw{number}") for number in range(3))
        scheduler.add_node(one)
        scheduler.add_node(two)
        scheduler.add_node_collection(one, _ids(_tests(4)))
        assert scheduler.remove_node(one) is None
        scheduler.add_node_collection(two, _ids(_tests(4)))
        assert not scheduler.collection_is_completed
        scheduler.add_node(three)
        scheduler.add_node_collection(three, _ids(_tests(4)))
        assert scheduler.collection_is_completed
        scheduler.schedule()
        assert two.sent
        assert three.sent

    def test_a_worker_that_leaves_before_all_have_collected_is_not_waited_for(self):
        scheduler = _scheduler(2, _tests(4))
        one, two = FakeWorker("gw0"), FakeWorker("gw1")
        scheduler.add_node(one)
        scheduler.add_node(two)
        scheduler.add_node_collection(two, _ids(_tests(4)))
        one.workeroutput = {"exitstatus": 7}  # type: ignore[attr-defined]
        assert scheduler.remove_node(one) is None
        assert two.sent == [[0, 1]]

    def test_a_retry_plugin_can_give_the_killer_out_again(self):
        tests = _tests(2)
        scheduler = _scheduler(1, tests)
        (one,) = _started(scheduler, _ids(tests), 1)
        killer = scheduler.remove_node(one)
        assert killer == "t.py::t00"
        scheduler.mark_test_pending(killer)
        two = FakeWorker("gw1")
        scheduler.add_node(two)
        scheduler.add_node_collection(two, _ids(tests))
        scheduler.schedule()
        assert two.sent == [[0, 1]]

    def test_tests_that_a_worker_gives_up_go_back(self):
        tests = [_test(f"a.py::{n}", group="g") for n in range(4)]
        scheduler = _scheduler(2, tests)
        one, two = _started(scheduler, _ids(tests), 2)
        assert one.sent == [[0, 1, 2, 3]]
        assert two.shutdowns
        scheduler.remove_pending_tests_from_node(one, [2, 3])
        assert not scheduler.tests_finished
        scheduler.mark_test_complete(one, 0, 0.1)
        assert one.sent == [[0, 1, 2, 3], [2, 3]]


class TestStopping:
    """-x, --maxfail and the end."""

    def test_after_a_shutdown_nothing_is_handed_out(self):
        tests = _tests(30)
        run = FakeSession(_scheduler(2, tests), _ids(tests), stop_after="t.py::t00").run()
        assert 2 <= len(run.started) <= 6
        assert max(run.counts().values()) == 1

    def test_a_worker_that_was_told_to_shut_down_is_passed_over(self):
        tests = _tests(8)
        scheduler = _scheduler(2, tests)
        one, two = _started(scheduler, _ids(tests), 2)
        one.shutdown()
        scheduler.mark_test_complete(one, 0, 0.1)
        scheduler.mark_test_complete(two, 1, 0.1)
        assert one.sent == [[0, 2]]
        assert two.sent == [[1, 3], [4, 5]]


class TestCollections:
    """What workers collect differs."""

    def test_a_difference_is_reported_and_nothing_runs(self):
        reports = _Reports()
        scheduler = _scheduler(3, reports=reports)
        session = FakeSession(scheduler, ["a.py::1", "a.py::2"], 3, collected={"gw1": ["a.py::1"]})
        assert session.run().started == []
        ((worker, difference),) = reports
        assert worker == "gw1"
        assert "Different tests were collected between gw0 and gw1" in difference
        assert "-a.py::2" in difference

    def test_another_order_is_no_difference(self):
        nodeids = ["a.py::1", "a.py::2", "a.py::2", "a.py::3", "a.py::4"]
        reports = _Reports()
        tests = [_test("a.py::1", group="g"), _test("a.py::3", group="g")]
        mixed = {"gw1": nodeids[::-1]}
        run = FakeSession(_scheduler(2, tests, reports=reports), nodeids, collected=mixed, killers=["a.py::4"]).run()
        assert not reports
        assert run.counts() == {"a.py::1": 1, "a.py::2": 2, "a.py::3": 1, "a.py::4": 1}
        assert len(run.workers_of(["a.py::1", "a.py::3"])) == 1

    def test_a_replaced_worker_with_other_tests_gets_none_and_is_reported(self):
        tests = _tests(8)
        reports = _Reports()
        scheduler = _scheduler(2, tests, reports=reports)
        other = {"gw2": ["other.py::1"]}
        session = FakeSession(scheduler, _ids(tests), collected=other, killers=["t.py::t00"])
        run = session.run()
        assert [worker for worker, _ in reports] == ["gw2"]
        assert session.workers["gw2"].sent == []
        assert run.counts() == dict.fromkeys(_ids(tests), 1)

    def test_when_no_worker_can_run_the_rest_the_session_ends(self):
        tests = _tests(8)
        reports = _Reports()
        other = {"gw1": ["other.py::1"]}
        session = FakeSession(
            _scheduler(1, tests, reports=reports), _ids(tests), 1, collected=other, killers=["t.py::t01"]
        )
        run = session.run()
        assert run.order() == ["t.py::t00", "t.py::t01"]
        assert len(reports) == 1


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_every_test_runs_once_and_units_stay_whole(seed):
    rng = random.Random(seed)
    tests = [
        _test(
            f"m{rng.randrange(5)}.py::t{number}",
            group=rng.choice(["", "", "", "g1", "g2"]),
            shared_lease=rng.random() < 0.05,
            services=rng.choice([(), ("docker",), ("kubernetes",), ("aws", "docker")]),
        )
        for number in range(rng.randrange(60))
    ]
    nodeids = _ids(tests)
    seconds = {nodeid: rng.expovariate(1.0) for nodeid in nodeids}
    killers = [nodeid for nodeid in nodeids if rng.random() < 0.08]
    known = {nodeid: taken for nodeid, taken in seconds.items() if rng.random() < 0.5}
    orders = {f"gw{number}": rng.sample(nodeids, len(nodeids)) for number in range(1, 20) if rng.random() < 0.3}
    workers = rng.randrange(1, 6)
    scheduler = _scheduler(workers, tests, ready=lambda _: rng.random() < 0.3, durations=known)
    run = FakeSession(scheduler, nodeids, workers, seconds=seconds, killers=killers, collected=orders).run()
    assert run.counts() == dict.fromkeys(nodeids, 1)
    assert sorted(run.crashed) == sorted(killers)
    if not killers:
        for group in ("g1", "g2"):
            assert len(run.workers_of([test.nodeid for test in tests if test.group == group])) <= 1
