"""The scheduler against recording fake workers."""

import random
from statistics import mean

import pytest

from sdcm.scheduling.scheduler import UnitScheduler
from sdcm.services.selected import SelectedTest
from unit_tests.lib.fake_xdist import FakeSession
from unit_tests.lib.scheduling_session import Reports, ids_of, one_test, scheduler_for, some_tests, started


class TestHandingOut:
    """What a worker is sent, and when."""

    def test_one_unit_and_the_shortest_as_look_ahead(self) -> None:
        tests = some_tests(8)
        seconds = dict(zip(ids_of(tests), [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0], strict=True))
        one, two = started(scheduler_for(2, tests, durations=seconds), ids_of(tests), 2)
        # The shorter of the two long ones gets the shortest look-ahead.
        assert (one.sent, two.sent) == ([[0, 6]], [[1, 7]])

    def test_while_much_is_left_a_long_one_waits_and_the_short_ones_are_kept(self) -> None:
        tests = some_tests(30)
        seconds = {test.nodeid: 30.0 - place for place, test in enumerate(tests)}
        one, two = started(scheduler_for(2, tests, durations=seconds), ids_of(tests), 2)
        # 435 s less the two first: two thirds of what a worker's share of that is are 137 s.
        assert (one.sent, two.sent) == ([[0, 3]], [[1, 2]])

    def test_what_waits_is_short_enough_for_what_is_left(self) -> None:
        tests = some_tests(8)
        seconds = dict(zip(ids_of(tests), [9.0, 8.0, 7.0, 7.0, 7.0, 7.0, 1.0, 0.5], strict=True))
        one, two = started(scheduler_for(2, tests, durations=seconds), ids_of(tests), 2)
        # 29.5 s are left, two thirds of a share are 9.8: 1.8 s after the one of 8 s, then 0.5 after the other.
        assert (one.sent, two.sent) == ([[0, 7]], [[1, 6]])

    @pytest.mark.parametrize("each", [0.0, 0.002])
    def test_short_tests_go_by_the_message_while_there_are_enough_for_all(self, each: float) -> None:
        tests = some_tests(1000)
        seconds = dict.fromkeys(ids_of(tests), each)
        one, two = started(scheduler_for(2, tests, durations=seconds), ids_of(tests), 2)
        assert [len(node.sent[0]) for node in (one, two)] == pytest.approx([0.05 / (each + 0.001)] * 2, abs=1)
        few = started(scheduler_for(2, tests[:5], durations=seconds), ids_of(tests[:5]), 2)
        assert [len(node.sent[0]) for node in few] == [2, 2]

    def test_short_tests_are_kept_while_longer_ones_are_left_and_where_services_are_awaited(self) -> None:
        tests = some_tests(100)
        seconds = dict.fromkeys(ids_of(tests), 0.002)
        longest = {**seconds, tests[50].nodeid: 1.0}
        one, _ = started(scheduler_for(2, tests, durations=longest), ids_of(tests), 2)
        assert len(one.sent[0]) == 2
        needy = some_tests(100, services=("docker",))
        one, _ = started(scheduler_for(2, needy, durations=seconds), ids_of(needy), 2)
        assert len(one.sent[0]) == 2

    def test_the_next_is_sent_when_one_is_left(self) -> None:
        tests = some_tests(6)
        scheduler = scheduler_for(1, tests)
        (node,) = started(scheduler, ids_of(tests), 1)
        assert node.sent == [[0, 1]]
        scheduler.mark_test_complete(node, 0, 0.1)
        assert node.sent == [[0, 1], [2, 3]]
        scheduler.mark_test_complete(node, 1, 0.1)
        assert node.sent == [[0, 1], [2, 3]]

    def test_near_the_end_what_is_to_wait_is_left_to_others_until_a_worker_needs_it(self) -> None:
        tests = some_tests(7)
        scheduler = scheduler_for(2, tests)
        one, two = started(scheduler, ids_of(tests), 2)
        assert (one.sent, two.sent) == ([[0, 2]], [[1, 3]])
        scheduler.mark_test_complete(one, 0, 0.1)
        assert one.sent[1:] == [[4]]
        scheduler.mark_test_complete(one, 2, 0.1)
        assert one.sent[1:] == [[4], [5]]
        scheduler.mark_test_complete(two, 1, 0.1)
        assert (two.sent[1:], two.shutdowns) == ([[6]], 0)

    @pytest.mark.parametrize(("tests", "workers", "rounds"), [(10, 4, 3), (25, 4, 7), (9, 2, 5)])
    def test_equal_tests_take_no_more_rounds_than_they_must(self, tests: int, workers: int, rounds: int) -> None:
        equal = some_tests(tests)
        run = FakeSession(scheduler_for(workers, equal), ids_of(equal), workers).run()
        assert run.seconds == pytest.approx(rounds, abs=0.1)

    def test_a_group_is_sent_whole_and_its_last_test_waits_for_the_next_unit(self) -> None:
        tests = [
            one_test("a.py::1", group="g"),
            one_test("b.py::1"),
            one_test("a.py::2", group="g"),
            one_test("c.py::1"),
        ]
        scheduler = scheduler_for(1, tests)
        (node,) = started(scheduler, ids_of(tests), 1)
        assert node.sent == [[0, 2]]
        scheduler.mark_test_complete(node, 0, 0.1)
        assert node.sent == [[0, 2], [1, 3]]

    def test_a_group_takes_along_a_test_shorter_than_its_last(self) -> None:
        tests = [
            one_test("a.py::1", group="g"),
            one_test("a.py::2", group="g"),
            one_test("b.py::1"),
            one_test("c.py::1"),
        ]
        seconds = {"a.py::1": 5.0, "a.py::2": 5.0, "b.py::1": 0.1, "c.py::1": 6.0}
        (node,) = started(scheduler_for(1, tests, durations=seconds), ids_of(tests), 1)
        assert node.sent == [[0, 1, 2]]

    def test_the_last_test_gets_a_shutdown_and_only_then(self) -> None:
        tests = some_tests(3)
        scheduler = scheduler_for(1, tests)
        (node,) = started(scheduler, ids_of(tests), 1)
        scheduler.mark_test_complete(node, 0, 0.1)
        assert node.sent == [[0, 1], [2]]
        assert not node.shutting_down
        scheduler.mark_test_complete(node, 1, 0.1)
        assert node.shutdowns == 1
        assert scheduler.tests_finished
        assert scheduler.has_pending

    def test_as_many_units_as_workers_are_shared_out(self) -> None:
        tests = some_tests(3)
        nodes = started(scheduler_for(4, tests), ids_of(tests), 4)
        assert [node.sent for node in nodes] == [[[0]], [[1]], [[2]], []]
        assert [node.shutdowns for node in nodes] == [1, 1, 1, 1]

    def test_an_empty_selection_ends(self) -> None:
        scheduler = scheduler_for(2)
        nodes = started(scheduler, [], 2)
        assert scheduler.tests_finished
        assert not scheduler.has_pending
        assert [node.sent for node in nodes] == [[], []]
        assert FakeSession(scheduler_for(2), []).run().started == []

    def test_ready_services_first_then_the_others(self) -> None:
        tests = [one_test(f"k.py::{n}", services=("kubernetes",)) for n in range(3)]
        tests += [one_test(f"d.py::{n}", services=("docker",)) for n in range(3)]
        tests += [one_test("plain.py::1")]
        run = FakeSession(scheduler_for(2, tests, ready={"docker"}.__contains__), ids_of(tests)).run()
        assert [nodeid.partition(".")[0] for nodeid in run.order()[:4]] == ["d", "d", "d", "plain"]
        assert run.counts() == dict.fromkeys(ids_of(tests), 1)

    def test_a_service_that_comes_up_later_is_noticed(self) -> None:
        up: set[str] = set()
        tests = [one_test(f"a.py::{n}", services=("aws",)) for n in range(4)]
        tests += [one_test("d.py::1", services=("docker",)), *some_tests(4)]
        scheduler = scheduler_for(1, tests, ready=up.__contains__)
        (node,) = started(scheduler, ids_of(tests), 1)
        assert node.sent == [[5, 6]]
        up.add("docker")
        scheduler.mark_test_complete(node, 5, 0.1)
        assert node.sent[1:] == [[4, 7]]

    @pytest.mark.parametrize(("workers", "lost"), [(2, 0.003), (4, 0.01), (8, 0.04)])
    def test_with_exact_durations_the_wall_is_near_its_bound(self, workers: int, lost: float) -> None:
        """Over several suites with a heavy tail whose longest unit takes less than its worker's share."""
        over = []
        for seed in range(5):
            rng = random.Random(seed)
            tests = [one_test(f"t.py::{n}", group=f"g{n % 6}" if n < 30 else "") for n in range(120)]
            seconds = {
                test.nodeid: min(rng.lognormvariate(-1.7, 1.2), 2.0 if n > 29 else 0.3) for n, test in enumerate(tests)
            }
            session = FakeSession(
                scheduler_for(workers, tests, durations=seconds), ids_of(tests), workers, seconds=seconds
            )
            over.append(session.run().seconds / (sum(seconds.values()) / workers) - 1)
        assert mean(over) < lost, over


class TestUnits:
    """Units stay together, whatever the selection says or lacks."""

    def test_groups_from_the_selection_need_no_suffix(self) -> None:
        tests = [one_test(f"f{n % 3}.py::t{n}", group=f"g{n % 4}") for n in range(24)]
        run = FakeSession(scheduler_for(3, tests), ids_of(tests), 3).run()
        for group in range(4):
            members = [test.nodeid for test in tests if test.group == f"g{group}"]
            assert len(run.workers_of(members)) == 1
            (worker,) = run.workers_of(members)
            on_worker = [nodeid for _, name, nodeid in run.started if name == worker]
            at = on_worker.index(members[0])
            assert on_worker[at : at + len(members)] == members

    def test_without_a_selection_the_suffix_tells_the_group(self) -> None:
        nodeids = [f"f.py::t{n}@g{n % 2}" for n in range(8)] + [f"f.py::s{n}" for n in range(8)]
        run = FakeSession(scheduler_for(3), nodeids, 3).run()
        assert len(run.workers_of(nodeids[0:8:2])) == 1
        assert len(run.workers_of(nodeids[1:8:2])) == 1
        assert run.counts() == dict.fromkeys(nodeids, 1)

    def test_a_module_with_a_shared_lease_stays_on_one_worker(self) -> None:
        tests = [one_test(f"m{n % 4}.py::t{n}", shared_lease=n == 5) for n in range(20)]
        run = FakeSession(scheduler_for(3, tests), ids_of(tests), 3).run()
        assert len(run.workers_of([test.nodeid for test in tests if test.file == "m1.py"])) == 1
        assert len(run.workers_of([test.nodeid for test in tests if test.file == "m0.py"])) > 1

    def test_the_selection_is_asked_for_once_all_have_collected(self) -> None:
        asked: list[int] = []

        def selected() -> list[SelectedTest]:
            asked.append(1)
            return [one_test("a.py::1", group="g"), one_test("a.py::2", group="g")]

        scheduler = UnitScheduler(2, selected=selected, ready=bool, report=Reports())
        assert not asked
        nodes = started(scheduler, ["a.py::1", "a.py::2"], 2)
        assert len(asked) == 1
        assert [node.sent for node in nodes] == [[[0, 1]], []]


class TestStopping:
    """-x, --maxfail and the end."""

    def test_after_a_shutdown_nothing_is_handed_out(self) -> None:
        tests = some_tests(30)
        run = FakeSession(scheduler_for(2, tests), ids_of(tests), stop_after="t.py::t00").run()
        assert 2 <= len(run.started) <= 6
        assert max(run.counts().values()) == 1

    def test_a_worker_that_was_told_to_shut_down_is_passed_over(self) -> None:
        tests = some_tests(8)
        scheduler = scheduler_for(2, tests)
        one, two = started(scheduler, ids_of(tests), 2)
        one.shutdown()
        scheduler.mark_test_complete(one, 0, 0.1)
        scheduler.mark_test_complete(two, 1, 0.1)
        assert one.sent == [[0, 2]]
        assert two.sent == [[1, 3], [4, 5]]


class TestCollections:
    """What workers collect differs."""

    def test_a_difference_is_reported_and_nothing_runs(self) -> None:
        reports = Reports()
        scheduler = scheduler_for(3, reports=reports)
        session = FakeSession(scheduler, ["a.py::1", "a.py::2"], 3, collected={"gw1": ["a.py::1"]})
        assert session.run().started == []
        ((worker, difference),) = reports
        assert worker == "gw1"
        assert "Different tests were collected between gw0 and gw1" in difference
        assert "-a.py::2" in difference

    def test_another_order_is_no_difference(self) -> None:
        nodeids = ["a.py::1", "a.py::2", "a.py::2", "a.py::3", "a.py::4"]
        reports = Reports()
        tests = [one_test("a.py::1", group="g"), one_test("a.py::3", group="g")]
        mixed = {"gw1": nodeids[::-1]}
        run = FakeSession(scheduler_for(2, tests, reports=reports), nodeids, collected=mixed, killers=["a.py::4"]).run()
        assert not reports
        assert run.counts() == {"a.py::1": 1, "a.py::2": 2, "a.py::3": 1, "a.py::4": 1}
        assert len(run.workers_of(["a.py::1", "a.py::3"])) == 1

    def test_a_replaced_worker_with_other_tests_gets_none_and_is_reported(self) -> None:
        tests = some_tests(8)
        reports = Reports()
        scheduler = scheduler_for(2, tests, reports=reports)
        other = {"gw2": ["other.py::1"]}
        session = FakeSession(scheduler, ids_of(tests), collected=other, killers=["t.py::t00"])
        run = session.run()
        assert [worker for worker, _ in reports] == ["gw2"]
        assert session.workers["gw2"].sent == []
        assert run.counts() == dict.fromkeys(ids_of(tests), 1)

    def test_when_no_worker_can_run_the_rest_the_session_ends(self) -> None:
        tests = some_tests(8)
        reports = Reports()
        other = {"gw1": ["other.py::1"]}
        session = FakeSession(
            scheduler_for(1, tests, reports=reports), ids_of(tests), 1, collected=other, killers=["t.py::t01"]
        )
        run = session.run()
        assert run.order() == ["t.py::t00", "t.py::t01"]
        assert len(reports) == 1


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_every_test_runs_once_and_units_stay_whole(seed: int) -> None:
    rng = random.Random(seed)
    tests = [
        one_test(
            f"m{rng.randrange(5)}.py::t{number}",
            group=rng.choice(["", "", "", "g1", "g2"]),
            shared_lease=rng.random() < 0.05,
            services=rng.choice([(), ("docker",), ("kubernetes",), ("aws", "docker")]),
        )
        for number in range(rng.randrange(60))
    ]
    nodeids = ids_of(tests)
    seconds = {nodeid: rng.expovariate(1.0) for nodeid in nodeids}
    killers = [nodeid for nodeid in nodeids if rng.random() < 0.08]
    known = {nodeid: taken for nodeid, taken in seconds.items() if rng.random() < 0.5}
    orders = {f"gw{number}": rng.sample(nodeids, len(nodeids)) for number in range(1, 20) if rng.random() < 0.3}
    workers = rng.randrange(1, 6)
    scheduler = scheduler_for(workers, tests, ready=lambda _: rng.random() < 0.3, durations=known)
    run = FakeSession(scheduler, nodeids, workers, seconds=seconds, killers=killers, collected=orders).run()
    assert run.counts() == dict.fromkeys(nodeids, 1)
    assert sorted(run.crashed) == sorted(killers)
    if not killers:
        for group in ("g1", "g2"):
            assert len(run.workers_of([test.nodeid for test in tests if test.group == group])) <= 1


class TestLimits:
    """Units that may not run beside others."""

    def test_what_is_held_back_by_a_limit_comes_after_what_could_start(self) -> None:
        limited = [one_test(f"a.py::l{n}", limits=(("x", 1),)) for n in range(2)]
        tests = [*limited, *some_tests(4)]
        seconds = {test.nodeid: 9.0 if test.limits else 1.0 for test in tests}
        one, two = started(scheduler_for(2, tests, durations=seconds), ids_of(tests), 2)
        assert one.sent[0][0] == 0
        assert 1 not in two.sent[0]

    def test_beyond_so_many_tests_with_nodes_workers_get_those_whose_service_is_not_up_yet(self) -> None:
        needy = [one_test(f"d.py::n{n}", services=("docker",), nodes=1) for n in range(6)]
        tests = [*needy, *(one_test(f"k.py::k{n}", services=("kubernetes",)) for n in range(4))]
        seconds = {test.nodeid: 9.0 if test.nodes else 1.0 for test in tests}

        def first_of_each(nodes_at_once: int) -> list[int]:
            scheduler = scheduler_for(
                4, tests, ready=lambda label: label == "docker", durations=seconds, nodes_at_once=nodes_at_once
            )
            return [worker.sent[0][0] for worker in started(scheduler, ids_of(tests), 4)]

        assert first_of_each(0) == [0, 1, 2, 3]
        assert first_of_each(2) == [0, 1, 6, 7]

    def test_where_there_are_only_tests_with_nodes_every_worker_gets_one(self) -> None:
        tests = [one_test(f"d.py::n{n}", services=("docker",), nodes=1) for n in range(8)]
        workers = started(scheduler_for(4, tests, nodes_at_once=2), ids_of(tests), 4)
        assert [len(worker.sent[0]) for worker in workers] == [2, 2, 2, 2]

    def test_short_tests_go_by_the_message_beside_tests_with_nodes(self) -> None:
        tests = [*some_tests(200), one_test("d.py::n", services=("docker",), nodes=1)]
        seconds = dict.fromkeys(ids_of(tests), 0.0)
        one, two = started(scheduler_for(2, tests, durations=seconds, nodes_at_once=4), ids_of(tests), 2)
        assert max(len(one.sent[0]), len(two.sent[0])) > 20

    def test_a_limit_of_two_lets_two_in(self) -> None:
        tests = [one_test(f"a.py::l{n}", limits=(("x", 2),)) for n in range(3)] + some_tests(6)
        seconds = {test.nodeid: 9.0 if test.limits else 1.0 for test in tests}
        one, two, three = started(scheduler_for(3, tests, durations=seconds), ids_of(tests), 3)
        assert (one.sent[0][0], two.sent[0][0]) == (0, 1)
        assert 2 not in three.sent[0]

    def test_when_only_held_back_ones_are_left_they_are_given_out(self) -> None:
        tests = [one_test(f"a.py::l{n}", limits=(("x", 1),)) for n in range(4)]
        run = FakeSession(scheduler_for(2, tests), ids_of(tests), 2).run()
        assert set(run.counts().values()) == {1}
        assert len(run.counts()) == 4

    def test_those_that_run_alone_come_last_however_long(self) -> None:
        tests = [one_test("a.py::alone", alone=True), *some_tests(7)]
        seconds = {test.nodeid: 99.0 if test.alone else 1.0 for test in tests}
        run = FakeSession(scheduler_for(2, tests, durations=seconds), ids_of(tests), 2, seconds=seconds).run()
        assert run.order()[-1] == "a.py::alone"
