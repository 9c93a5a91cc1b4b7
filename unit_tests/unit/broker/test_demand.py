"""Which nodes the tests to come will ask for."""

import pytest

from sdcm.broker.demand import Demand
from sdcm.services import selected
from sdcm.services.selected import SelectedTest


@pytest.fixture
def file(tmp_path):
    tests = [
        SelectedTest(name, "f.py", node_key=key) for name, key in (("a", "k"), ("b", "k"), ("c", "other"), ("d", ""))
    ]
    tests.append(SelectedTest("e", "f.py", node_key="k", skip_reason="no"))
    selected.write(tmp_path / "selection.json", tests)
    return tmp_path / "selection.json"


def test_each_test_asks_once(file):
    demand = Demand(file)
    assert demand.left("k") == 2
    demand.asked("k", "a")
    demand.asked("k", "a")
    demand.asked("k", "not chosen")
    assert demand.left("k") == demand.left("other") == 1


def test_a_selection_that_is_repeated_asks_as_often(file):
    demand = Demand(file, times=3)
    for left in (5, 4, 3, 3):
        demand.asked("k", "a")
        assert demand.left("k") == left
    demand.asked("k", "b")
    assert demand.left("k") == 2


def test_without_a_selection_nothing_is_expected(tmp_path):
    demand = Demand(None)
    demand.asked("k", "a")
    assert demand.left("k") == Demand(tmp_path / "none").left("k") == 0


def test_a_run_that_joins_adds_its_tests_until_it_is_gone(file):
    demand = Demand(file)
    demand.tell("runner/2", {"k": ["a", "new"], "theirs": ["x"]}, times=2)
    assert (demand.left("k"), demand.left("theirs")) == (2 + 4, 2)
    # The broker's own run and one that joins may have the very same test.
    for left in (5, 4, 3, 3):
        demand.asked("k", "a")
        assert demand.left("k") == left
    demand.forget("runner/2")
    demand.forget("never told")
    assert (demand.left("k"), demand.left("theirs")) == (1, 0)
