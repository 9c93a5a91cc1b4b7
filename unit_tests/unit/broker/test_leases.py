import pytest

from sdcm.broker.leases import KEPT_MOST, Leases
from sdcm.errors import Interrupted


def test_a_lease_ends_once():
    ended = []
    leases = Leases()
    lease = leases.grant("gw0", "node-1", "test", lambda _failed: ended.append("node-1"))
    leases.end(lease.number)
    leases.end(lease.number)
    assert ended == ["node-1"]


def test_a_worker_that_leaves_loses_its_own_leases_the_latest_first():
    ended = []
    leases = Leases()
    for worker, what in (("gw0", "first"), ("gw1", "other"), ("gw0", "second")):
        leases.grant(worker, what, "test", lambda _failed, what=what: ended.append(what))
    leases.end_all_of("gw0")
    assert ended == ["second", "first"]
    assert [lease.what for lease in leases.all()] == ["other"]


def test_a_worker_that_is_gone_is_granted_nothing_and_the_resource_goes():
    ended = []
    leases = Leases()
    leases.end_all_of("gw0")
    with pytest.raises(Interrupted, match="gw0 is gone"):
        leases.grant("gw0", "node-1", "test", lambda _failed: ended.append("node-1"))
    assert ended == ["node-1"]
    assert leases.all() == []


def test_leases_move_to_a_workers_new_connection():
    ended = []
    leases = Leases()
    leases.grant("gw0/1", "node-1", "test", lambda _failed: ended.append("node-1"))
    leases.move("gw0/1", "gw0/2")
    leases.end_all_of("gw0/1")
    assert ended == []
    with pytest.raises(Interrupted):
        leases.grant("gw0/1", "late", "test", lambda _failed: ended.append("late"))
    leases.end_all_of("gw0/2")
    assert ended == ["late", "node-1"]


def test_who_takes_it_away_learns_whether_the_test_failed():
    said = []
    leases = Leases()
    for worker in ("gw0", "gw0", "gw1"):
        leases.grant(worker, "node", "test", said.append)
    leases.end("1")
    leases.end("2", failed=True)
    leases.end_all_of("gw1")
    assert said == [False, True, True]


def test_what_failed_tests_give_back_is_kept_up_to_a_number_and_ends_no_more():
    ended = []
    leases = Leases(keep_failed=True)
    for number in range(1, KEPT_MOST + 3):
        leases.grant("gw0", f"node-{number}", "test", lambda _failed, number=number: ended.append(number))
    leases.end("1")
    for number in range(2, KEPT_MOST + 2):
        leases.end(str(number), failed=True)
        leases.end(str(number))
    assert ended == [1]
    assert [lease.what for lease in leases.all() if lease.kept] == [f"node-{n}" for n in range(2, KEPT_MOST + 2)]
    leases.end_all_of("gw0")
    assert ended == [1, KEPT_MOST + 2]


def test_nobody_gives_back_what_is_all_kept_for_a_look():
    leases = Leases(keep_failed=True)
    leases.end(leases.grant("w1", "node-1", "t1", lambda _failed: None).number, failed=True)
    assert leases.nobody_gives_back()


def test_nobody_gives_back_once_all_who_hold_something_wait_for_others():
    leases = Leases(keep_failed=True)
    assert not leases.nobody_gives_back()
    leases.hold_back("w1", on=True)
    assert not leases.nobody_gives_back()
    leases.grant("w1", "node-1", "t1", lambda _failed: None)
    assert leases.nobody_gives_back()
    second = leases.grant("w2", "node-2", "t2", lambda _failed: None)
    assert not leases.nobody_gives_back()
    # What stays for a look after a failed test is nobody's to give back.
    leases.end(second.number, failed=True)
    assert leases.nobody_gives_back()
    leases.hold_back("w1", on=False)
    assert not leases.nobody_gives_back()
    leases.hold_back("w1", on=True)
    leases.move("w1", "w1/2")
    assert not leases.nobody_gives_back()
