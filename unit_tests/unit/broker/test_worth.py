"""One more node is booted where that spares the tests more than it takes from them."""

from sdcm.broker.worth import Worth


def more(worth, key, users=100, **told):
    """Return whether one more is worth its boot; many have or want one unless told otherwise."""
    return worth.of_one_more(key, users=users, **told)


def test_until_a_test_has_ended_it_is_taken_to_cost_its_node():
    worth = Worth()
    assert more(worth, "k", left=2, standing=1)
    assert not more(worth, "k", left=1, standing=1)
    assert worth.unsure_for("k") == 0.0
    worth.booted("k", 5.0)
    assert worth.unsure_for("k") == 5.0
    assert more(worth, "k", left=2, standing=1)


def test_a_put_back_that_is_a_tenth_of_a_boot_wants_ten_times_as_many_tests():
    worth = Worth()
    worth.booted("k", 5.0)
    worth.kept("k", 0.5)
    assert worth.unsure_for("k") == 0.0
    assert not more(worth, "k", left=39, standing=2)
    assert more(worth, "k", left=40, standing=2)


def test_a_node_that_is_lost_counts_as_a_boot():
    worth = Worth()
    worth.booted("k", 5.0)
    worth.lost("k")
    assert more(worth, "k", left=4, standing=2)
    assert not more(worth, "k", left=3, standing=2)


def test_what_was_slow_once_is_not_held_against_it_for_ever():
    worth = Worth()
    worth.booted("k", 5.0)
    worth.lost("k")
    for _ in range(30):
        worth.kept("k", 0.1)
    assert not more(worth, "k", left=60, standing=1)


def test_kinds_of_nodes_are_told_apart():
    worth = Worth()
    worth.booted("k", 5.0)
    worth.kept("k", 0.1)
    assert more(worth, "other", left=2, standing=1)


def known(boot=8.0, test=4.0, next_test=1.0):
    worth = Worth()
    worth.booted("k", boot)
    worth.held("k", test)
    worth.kept("k", next_test)
    return worth


def test_a_node_of_a_test_is_waited_for_as_long_as_a_boot_takes_where_its_turn_comes_sooner():
    worth = known()
    assert worth.patience("k", turn=1, held=1) == 8.0
    assert worth.patience("k", turn=2, held=1) == 0.0
    assert worth.patience("k", turn=3, held=2) == 8.0
    assert worth.patience("k", turn=4, held=2) == 0.0


def test_a_node_of_long_tests_is_not_waited_for():
    assert known(test=60.0).patience("k", turn=1, held=4) == 0.0


def test_nothing_is_waited_for_while_it_is_not_known_how_long_tests_hold_their_nodes():
    worth = Worth()
    worth.booted("k", 8.0)
    assert worth.patience("k", turn=1, held=4) == 0.0
    worth.held("k", 1.0)
    assert worth.patience("k", turn=1, held=4) == 0.0
    worth.kept("k", 0.1)
    assert worth.patience("k", turn=1, held=4) == 8.0
    assert worth.patience("other", turn=1, held=4) == 0.0


def test_what_tests_wait_for_one_anothers_nodes_is_spared_too():
    """Eight workers had waited for four nodes while three quarters of the processors idled."""
    worth = known(boot=12.0, test=4.3, next_test=0.5)
    assert not more(worth, "k", left=32, standing=4)
    assert more(worth, "k", left=32, standing=4, short=4, busy=0.25)
    assert not more(worth, "k", left=3, standing=4, short=4, busy=0.25)


def test_a_node_more_brings_nothing_where_processors_are_what_tests_wait_for():
    worth = known(boot=12.0, test=4.3, next_test=0.5)
    assert not more(worth, "k", left=32, standing=4, short=4, busy=0.95)


def test_many_short_tests_on_busy_processors_want_no_more_nodes():
    """Two workers with 400 tests had ten nodes, and were over no sooner than with two."""
    worth = known(boot=3.6, test=0.35, next_test=0.5)
    assert more(worth, "k", left=380, standing=2)
    assert more(worth, "k", left=380, standing=2, busy=0.7)
    assert not more(worth, "k", left=380, standing=2, busy=0.97)
    assert not more(worth, "k", left=380, standing=2, busy=1.0)


def test_while_it_is_not_known_how_busy_they_are_each_user_may_have_two():
    """In a pod whose processors are limited: the one it has, and one that is ready while that is put back."""
    worth = known(boot=3.6, test=0.35, next_test=0.5)
    assert more(worth, "k", left=380, standing=3, users=2)
    assert not more(worth, "k", left=380, standing=4, users=2)


def test_the_first_node_is_worth_its_boot_however_busy_the_processors_are():
    assert more(known(), "k", left=1, standing=0, busy=1.0)


def test_what_idles_is_taken_from_no_test():
    worth = known(boot=5.0, next_test=0.5)
    assert not more(worth, "k", left=20, standing=2)
    assert more(worth, "k", left=20, standing=2, busy=0.5)
    assert not more(worth, "k", left=9, standing=2, busy=0.0)
