"""The node pool of an environment that is kept: it has a node ready for the next run."""

import pytest

from sdcm.broker.protocol import NodeRequest
from unit_tests.lib.pool_fakes import ANY, Pool


@pytest.fixture
def kept(tmp_path):
    """The pool of an environment that is kept, whose broker knows of no test to come."""
    return Pool(tmp_path, tests=0, keeps=True)


def test_a_kept_environment_has_a_node_ready_for_the_first_test(kept):
    kept.keep_ready()
    kept.keep_ready()
    kept.do_background()
    assert kept.maker.made == [("node-1", "")]
    assert kept.have(0).node.earlier_tests == ()
    assert ("handed-on", "") in kept.journal_.said


def test_a_kept_environment_hands_a_run_the_node_of_the_run_before(kept):
    kept.give_back(kept.have(0), failed=False)
    kept.do_background()
    assert kept.care_.asked["put_back"] == 1
    second = kept.have(1)
    assert (second.node.name, second.node.earlier_tests) == ("node-1", ("t0",))
    assert len(kept.maker.made) == 1


@pytest.mark.parametrize("why", ["failed", "touched", "no restore"])
def test_a_kept_environment_boots_another_for_one_that_it_throws_away(kept, why):
    kept.care_.unfit = "touched" if why == "touched" else ""
    kept.care_.restores = why != "no restore"
    kept.give_back(kept.have(0), failed=why == "failed")
    kept.do_background()
    assert kept.maker.removed == ["node-1"]
    assert kept.have(1).node.name == "node-2"


def test_a_kept_environment_has_a_node_like_the_last_that_was_asked_for_and_few_others(kept):
    tls, large = NodeRequest(ssl=True), NodeRequest(memory_mb=900)
    for number, request in enumerate((ANY, tls, large)):
        kept.give_back(kept.have(number, request), failed=False)
        kept.do_background()
    assert kept.maker.removed == ["node-1"]
    assert kept.journal_.reasons() == ["enough others stand ready"]
    assert kept.have(3, large).node.name == "node-3"
    assert kept.have(4, tls).node.name == "node-2"


def test_a_kept_environment_boots_nothing_for_a_node_of_a_tests_own(kept):
    kept.give_back(kept.have(0, NodeRequest(fresh=True)), failed=True)
    kept.do_background()
    assert [name for name, _ in kept.maker.made] == ["node-1"]


def test_what_a_kept_environment_has_ready_makes_room(kept):
    kept.keep_ready()
    kept.do_background()
    assert kept.make_room(0.0)
    assert kept.maker.removed == ["node-1"]


def test_a_kept_environment_that_ends_boots_nothing_more(kept):
    standing = kept.have(0)
    kept.close()
    kept.give_back(standing, failed=True)
    kept.do_background()
    assert len(kept.maker.made) == 1
