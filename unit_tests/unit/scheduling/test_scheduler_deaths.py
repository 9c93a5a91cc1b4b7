"""Workers die under the scheduler."""

import pytest

from unit_tests.lib.fake_xdist import FakeSession, FakeWorker
from unit_tests.lib.scheduling_session import ids_of, one_test, scheduler_for, some_tests, started


class TestDeath:
    """A worker dies."""

    def test_the_killer_is_named_and_the_rest_goes_back(self) -> None:
        tests = some_tests(6)
        scheduler = scheduler_for(2, tests)
        one, two = started(scheduler, ids_of(tests), 2)
        assert one.sent == [[0, 2]]
        one.down = True
        assert scheduler.remove_node(one) == "t.py::t00"
        scheduler.mark_test_complete(two, 1, 0.1)
        assert two.sent == [[1, 3], [2, 4]]

    def test_what_is_left_of_a_group_stays_whole(self) -> None:
        tests = [one_test(f"a.py::{n}", group="g") for n in range(5)] + some_tests(6)
        session = FakeSession(scheduler_for(2, tests), ids_of(tests), killers=["a.py::1"])
        run = session.run()
        assert run.crashed == ["a.py::1"]
        assert run.counts() == dict.fromkeys(ids_of(tests), 1)
        assert run.workers_of(["a.py::0", "a.py::1"]) == {"gw0"}
        assert len(run.workers_of(["a.py::2", "a.py::3", "a.py::4"])) == 1

    def test_a_replaced_worker_is_fed(self) -> None:
        tests = [one_test(f"a.py::{n}", group="g") for n in range(5)]
        session = FakeSession(scheduler_for(2, tests), ids_of(tests), killers=["a.py::0"])
        run = session.run()
        assert run.workers_of(["a.py::1", "a.py::4"]) == {"gw2"}
        assert run.counts() == dict.fromkeys(ids_of(tests), 1)

    def test_all_workers_may_die_again_and_again(self) -> None:
        tests = some_tests(12)
        run = FakeSession(scheduler_for(3, tests), ids_of(tests), 3, killers=ids_of(tests)[:8]).run()
        assert sorted(run.crashed) == ids_of(tests)[:8]
        assert run.counts() == dict.fromkeys(ids_of(tests), 1)

    def test_without_restarts_the_others_end_what_they_hold(self) -> None:
        tests = some_tests(20)
        session = FakeSession(scheduler_for(2, tests), ids_of(tests), killers=["t.py::t00"], max_restarts=0)
        run = session.run()
        assert run.crashed == ["t.py::t00"]
        assert max(run.counts().values()) == 1
        assert len(session.workers) == 2

    def test_a_worker_that_dies_while_it_is_sent_to_loses_nothing(self) -> None:
        tests = some_tests(8)
        scheduler = scheduler_for(2, tests)
        one, two = started(scheduler, ids_of(tests), 2)
        one.unreachable = True
        scheduler.mark_test_complete(one, 0, 0.1)
        assert one.sent == [[0, 2]]
        scheduler.mark_test_complete(two, 1, 0.1)
        assert two.sent == [[1, 3], [4, 5]]
        scheduler.mark_test_complete(two, 3, 0.1)
        scheduler.mark_test_complete(two, 4, 0.1)
        assert two.sent[2:] == [[6]]
        scheduler.mark_test_complete(two, 5, 0.1)
        assert two.sent[2:] == [[6], [7]]
        assert scheduler.remove_node(one) == "t.py::t02"

    def test_the_end_of_a_worker_that_cannot_be_reached_is_waited_for(self) -> None:
        tests = some_tests(5)
        scheduler = scheduler_for(2, tests)
        one, two = started(scheduler, ids_of(tests), 2)
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
        scheduler.add_node_collection(last, ids_of(tests))
        scheduler.schedule()
        assert last.sent == [[3, 4]]

    def test_a_worker_that_dies_before_it_was_up_is_unknown(self) -> None:
        with pytest.raises(KeyError):
            scheduler_for(1).remove_node(FakeWorker("gw0"))

    def test_a_worker_that_dies_before_all_have_collected_is_waited_for(self) -> None:
        scheduler = scheduler_for(2, some_tests(4))
        one, two, three = (FakeWorker(f"gw{number}") for number in range(3))
        scheduler.add_node(one)
        scheduler.add_node(two)
        scheduler.add_node_collection(one, ids_of(some_tests(4)))
        assert scheduler.remove_node(one) is None
        scheduler.add_node_collection(two, ids_of(some_tests(4)))
        assert not scheduler.collection_is_completed
        scheduler.add_node(three)
        scheduler.add_node_collection(three, ids_of(some_tests(4)))
        assert scheduler.collection_is_completed
        scheduler.schedule()
        assert two.sent
        assert three.sent

    def test_a_worker_that_leaves_before_all_have_collected_is_not_waited_for(self) -> None:
        scheduler = scheduler_for(2, some_tests(4))
        one, two = FakeWorker("gw0"), FakeWorker("gw1")
        scheduler.add_node(one)
        scheduler.add_node(two)
        scheduler.add_node_collection(two, ids_of(some_tests(4)))
        one.workeroutput = {"exitstatus": 7}  # type: ignore[attr-defined]
        assert scheduler.remove_node(one) is None
        assert two.sent == [[0, 1]]

    def test_a_retry_plugin_can_give_the_killer_out_again(self) -> None:
        tests = some_tests(2)
        scheduler = scheduler_for(1, tests)
        (one,) = started(scheduler, ids_of(tests), 1)
        killer = scheduler.remove_node(one)
        assert killer == "t.py::t00"
        scheduler.mark_test_pending(killer)
        two = FakeWorker("gw1")
        scheduler.add_node(two)
        scheduler.add_node_collection(two, ids_of(tests))
        scheduler.schedule()
        assert two.sent == [[0, 1]]

    def test_tests_that_a_worker_gives_up_go_back(self) -> None:
        tests = [one_test(f"a.py::{n}", group="g") for n in range(4)]
        scheduler = scheduler_for(2, tests)
        one, two = started(scheduler, ids_of(tests), 2)
        assert one.sent == [[0, 1, 2, 3]]
        assert two.shutdowns
        scheduler.remove_pending_tests_from_node(one, [2, 3])
        assert not scheduler.tests_finished
        scheduler.mark_test_complete(one, 0, 0.1)
        assert one.sent == [[0, 1, 2, 3], [2, 3]]
