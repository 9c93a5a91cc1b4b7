"""The node pool with a maker and a care that only remember."""

import threading

import pytest

from sdcm.broker.asking import Asking
from sdcm.broker.node_pool import TESTS_AT_MOST
from sdcm.broker.protocol import NodeRequest, node_key
from sdcm.errors import EnvironmentFailed, Interrupted, ServiceUnavailable
from sdcm.wait import wait_for
from unit_tests.lib.pool_fakes import ANY, KEY, Pool


@pytest.fixture
def pool(tmp_path):
    return Pool(tmp_path)


def test_a_node_is_handed_on_when_it_is_as_it_was(pool):
    pool.maker.refuse_ahead = True
    first = pool.have(0)
    pool.give_back(first, failed=False)
    pool.do_background()
    second = pool.have(1)
    assert second.node.name == first.node.name
    assert second.node.earlier_tests == ("t0",)
    assert second.node.leased_at > 0
    assert [name for name, _ in pool.maker.made] == ["node-1"]


def test_a_node_that_stands_ready_is_not_given_to_a_test_that_asks_for_more_than_it_has(pool):
    pool.maker.refuse_ahead = True
    pool.give_back(pool.have(0), failed=False)
    pool.do_background()
    with pytest.raises(ServiceUnavailable, match="no alternator"):
        pool.have(1, NodeRequest(needs=("alternator",)))
    assert pool.have(1, NodeRequest(needs=("cql",))).node.name == "node-1"


def test_the_next_is_booted_while_a_test_runs(pool):
    first = pool.have(0)
    assert [seconds for seconds, _ in pool.timers] == [first.node.boot_seconds]
    pool.let_tests_run_on()
    assert pool.maker.made == [("node-1", "t0"), ("node-2", "")]
    second = pool.have(1)
    assert second.node.name == "node-2"
    assert second.node.earlier_tests == ()
    assert first.node.name == "node-1"


def test_nothing_is_booted_ahead_while_nodes_are_put_back_far_sooner_than_one_boots(tmp_path):
    pool = Pool(tmp_path, tests=20)
    for number in range(10):
        pool.give_back(pool.have(number), failed=False)
        pool.do_background()
    pool.let_tests_run_on()
    assert [name for name, _ in pool.maker.made] == ["node-1"]


@pytest.mark.parametrize("why", ["failed", "touched"])
def test_one_is_booted_ahead_of_each_test_once_a_test_has_cost_its_node(tmp_path, why):
    pool = Pool(tmp_path, tests=20)
    pool.care_.unfit = "touched" if why == "touched" else ""
    pool.give_back(pool.have(0), failed=why == "failed")
    pool.do_background()
    second = pool.have(1)
    pool.do_background()
    pool.give_back(second, failed=True)
    assert pool.have(2).node.name == "node-3"
    assert pool.maker.made[2] == ("node-3", "")


def test_nothing_is_booted_ahead_that_no_test_asks_for(tmp_path):
    pool = Pool(tmp_path, tests=1)
    standing = pool.have(0)
    pool.do_background()
    assert len(pool.maker.made) == 1
    pool.give_back(standing, failed=False)
    pool.do_background()
    assert pool.maker.removed == ["node-1"]
    assert pool.journal_.reasons() == ["no test to come asks for one like it"]
    assert pool.care_.asked["look"] == 0


@pytest.mark.parametrize(
    "request_",
    [
        NodeRequest(fresh=True),
        NodeRequest(seeds=("10.0.0.9",)),
        NodeRequest(network="theirs"),
        NodeRequest(cluster_name="x"),
    ],
)
def test_a_node_of_a_tests_own_is_for_that_test(pool, request_):
    assert node_key(request_) == ""
    standing = pool.have(0, request_)
    pool.give_back(standing, failed=False)
    pool.do_background()
    assert pool.maker.removed == ["node-1"]


def test_nodes_that_start_otherwise_are_not_mixed_up(pool):
    pool.maker.refuse_ahead = True
    pool.give_back(pool.have(0), failed=False)
    pool.do_background()
    other = pool.have(1, NodeRequest(ssl=True))
    assert other.node.name == "node-2"
    assert node_key(NodeRequest(needs=("cql",))) == KEY


def test_the_node_of_a_failed_test_goes(pool):
    pool.maker.refuse_ahead = True
    pool.give_back(pool.have(0), failed=True)
    pool.do_background()
    assert pool.maker.removed == ["node-1"]
    assert pool.journal_.reasons() == ["its test failed"]


def test_a_node_that_is_other_than_it_was_goes(pool):
    pool.maker.refuse_ahead = True
    pool.care_.unfit = "other than before the test: system_auth.roles"
    pool.give_back(pool.have(0), failed=False)
    pool.do_background()
    assert pool.maker.removed == ["node-1"]
    assert pool.journal_.reasons() == [pool.care_.unfit]
    assert pool.have(1).node.name == "node-2"


def test_a_node_that_another_has_joined_goes(pool):
    pool.maker.refuse_ahead = True
    first = pool.have(0)
    pool.have(1, NodeRequest(seeds=(first.node.ip,)))
    pool.give_back(first, failed=False)
    pool.do_background()
    assert "another node joined it" in pool.journal_.reasons()


def test_the_address_of_a_node_that_was_joined_may_be_another_nodes_later(pool):
    pool.maker.refuse_ahead = True
    first = pool.have(0)
    pool.have(1, NodeRequest(seeds=(first.node.ip,)))
    pool.give_back(first, failed=False)
    pool.do_background()
    pool.maker.made.clear()
    again = pool.have(2)
    assert again.node.ip == first.node.ip
    pool.keep_ready()
    pool._demand.tell("run", {KEY: ["t3"]})
    pool.give_back(again, failed=False)
    pool.do_background()
    assert pool.have(3).node.name == again.node.name


def test_a_node_whose_waking_fails_altogether_is_thrown_away(pool, monkeypatch):
    pool.maker.refuse_ahead = True
    pool.give_back(pool.have(0), failed=False)
    pool.do_background()
    monkeypatch.setattr(pool.care_, "wake", lambda _node: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pool.have(1)
    assert pool.maker.removed == ["node-1"]


def test_a_node_that_does_not_wake_up_is_replaced(pool):
    pool.maker.refuse_ahead = True
    pool.give_back(pool.have(0), failed=False)
    pool.do_background()
    pool.care_.asleep = "the engine cannot unpause it"
    assert pool.have(1).node.name == "node-2"
    assert pool.maker.removed == ["node-1"]


def test_a_node_has_its_share_of_tests_and_no_more(tmp_path):
    pool = Pool(tmp_path, tests=TESTS_AT_MOST + 5)
    pool.maker.refuse_ahead = True
    for number in range(TESTS_AT_MOST + 1):
        pool.give_back(pool.have(number), failed=False)
        pool.do_background()
    assert pool.maker.removed == ["node-1"]
    assert len(pool.maker.made) == 2


def test_a_flavour_that_cannot_be_put_back_is_still_booted_ahead(pool):
    pool.care_.restores = False
    first = pool.have(0)
    pool.do_background()
    pool.give_back(first, failed=False)
    pool.do_background()
    assert pool.maker.removed == ["node-1"]
    assert pool.have(1).node.name == "node-2"


def test_a_request_waits_for_a_node_that_is_being_put_back(pool):
    pool.maker.refuse_ahead = True
    pool.care_.slow.clear()
    first = pool.have(0)
    pool.later.clear()
    pool.give_back(first, failed=False)
    threading.Thread(target=pool.do_background, daemon=True).start()
    threading.Timer(0.1, pool.care_.slow.set).start()
    assert pool.have(1).node.name == "node-1"
    assert len(pool.maker.made) == 1
    assert pool.care_.asked["put back for one who waits"] == 1


def test_a_request_that_waits_for_room_takes_a_node_that_comes_free(pool):
    pool.maker.refuse_ahead = True
    first = pool.have(0)
    pool.maker.full.set()
    got = []
    threading.Thread(target=lambda: got.append(pool.have(1)), daemon=True).start()
    pool.later.clear()
    pool.give_back(first, failed=False)
    pool.do_background()
    wait_for(lambda: got, step=0.01, timeout=60, text="the second test has its node")
    assert got[0].node.name == "node-1"


def ask(pool, number, got):
    """Have a test ask for a node in a thread of its own; return once it stands in line."""
    before = pool.in_line()
    threading.Thread(target=lambda: got.append((number, pool.have(number).node.name)), daemon=True).start()
    wait_for(lambda: pool.in_line() > before, step=0.01, timeout=60, text="the test to stand in line")


def test_who_has_waited_longest_has_the_next_node(tmp_path):
    pool = Pool(tmp_path, tests=6)
    pool.maker.refuse_ahead = True
    held = [pool.have(0), pool.have(1)]
    pool.later.clear()
    pool.maker.full.set()
    got = []
    for number in (2, 3, 4):
        ask(pool, number, got)
    for turn, standing in enumerate(held, 1):
        pool.give_back(standing, failed=False)
        pool.do_background()
        wait_for(lambda turn=turn: len(got) == turn, step=0.01, timeout=60, text="the next to have its node")
    assert got == [(2, "node-1"), (3, "node-2")]
    pool.maker.full.clear()
    wait_for(lambda: len(got) == 3, step=0.01, timeout=60, text="the last to boot its own")
    assert got[2] == (4, "node-3")


def test_a_node_that_somebody_waits_for_is_put_back_even_if_no_test_is_to_come(tmp_path):
    pool = Pool(tmp_path, tests=2)
    pool.maker.refuse_ahead = True
    first = pool.have(0)
    pool.later.clear()
    pool.maker.full.set()
    got = []
    ask(pool, 1, got)
    pool.give_back(first, failed=False)
    pool.do_background()
    wait_for(lambda: got, step=0.01, timeout=60, text="the second test has its node")
    assert got == [(1, "node-1")]


def test_a_node_that_short_tests_hold_is_waited_for_rather_than_one_booted(tmp_path):
    pool = Pool(tmp_path, tests=4)
    pool.maker.refuse_ahead = True
    first = pool.have(0)
    pool.give_back(first, failed=False)
    pool.do_background()
    second = pool.have(1)
    got = []
    ask(pool, 2, got)
    pool.give_back(second, failed=False)
    pool.do_background()
    wait_for(lambda: got, step=0.01, timeout=60, text="the next test has its node")
    assert got == [(2, "node-1")]
    assert len(pool.maker.made) == 1


def test_a_test_that_goes_on_longer_than_a_boot_takes_is_not_waited_for(tmp_path):
    pool = Pool(tmp_path, tests=4)
    pool.maker.refuse_ahead = True
    pool.maker.boot_seconds = 0.05
    pool.give_back(pool.have(0), failed=False)
    pool.do_background()
    held = pool.have(1)
    assert pool.have(2).node.name == "node-2"
    assert held.node.name == "node-1"


def test_a_test_does_not_wait_for_the_node_that_it_holds_itself(tmp_path):
    pool = Pool(tmp_path, tests=4)
    pool.maker.refuse_ahead = True
    pool.maker.boot_seconds = 3600.0
    pool.give_back(pool.have(0), failed=False)
    pool.do_background()
    assert pool.have(1).node.name == "node-1"
    assert pool.lease(ANY, "t1", Asking(), holds_others=True).node.name == "node-2"


def test_who_waits_for_a_node_that_is_thrown_away_boots_one_at_once(tmp_path):
    pool = Pool(tmp_path, tests=4)
    pool.maker.refuse_ahead = True
    pool.maker.boot_seconds = 3600.0
    pool.give_back(pool.have(0), failed=False)
    pool.do_background()
    held = pool.have(1)
    got = []
    ask(pool, 2, got)
    pool.give_back(held, failed=True)
    pool.do_background()
    wait_for(lambda: got, step=0.01, timeout=60, text="the next test has its node")
    assert got == [(2, "node-2")]


def test_who_stops_waiting_gets_nothing(pool):
    asking = Asking()
    asking.give_up()
    with pytest.raises(Interrupted):
        pool.lease(ANY, "t0", asking, holds_others=False)
    assert pool.maker.made == []


def test_room_is_made_by_what_stands_ready(pool):
    pool.maker.refuse_ahead = True
    assert not pool.make_room(0.0)
    pool.give_back(pool.have(0), failed=False)
    pool.do_background()
    assert pool.make_room(0.0)
    assert pool.maker.removed == ["node-1"]
    assert pool.journal_.reasons() == ["its room is needed"]


def test_no_room_is_made_by_what_an_earlier_request_waits_for(pool):
    pool.maker.refuse_ahead = True
    pool.give_back(pool.have(0), failed=False)
    pool.do_background()
    with pool._shelf.in_line(KEY, holds_others=False) as place:
        assert not pool.make_room(place.since + 1)
        assert pool.make_room(place.since)


def test_nothing_is_handed_on_after_the_end(pool):
    pool.give_back(pool.have(0), failed=False)
    pool.do_background()
    pool.close()
    pool.give_back(pool.have(1), failed=False)
    pool.do_background()
    assert [name for name, _ in pool.maker.made][-1] != "node-1"


def test_a_boot_ahead_that_fails_costs_nothing(pool):
    pool.maker.refuse_ahead = True
    pool.have(0)
    pool.let_tests_run_on()
    assert ("not-booted-ahead", "no room") in pool.journal_.said
    assert pool.have(1).node.name == "node-2"


def test_a_failed_boot_is_the_tests_to_tell(pool):
    def make(*_args, **_kwargs):
        raise EnvironmentFailed("it did not boot")

    pool.maker.make = make
    with pytest.raises(EnvironmentFailed, match="did not boot"):
        pool.have(0)


def test_what_is_no_kept_environment_boots_nothing_for_the_next_run(pool):
    pool.keep_ready()
    pool.do_background()
    assert pool.maker.made == []
