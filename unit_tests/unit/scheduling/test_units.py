"""Units of a selection."""

from sdcm.scheduling.units import NODES, describe, split_group, units
from sdcm.services.selected import SelectedTest


def _test(nodeid: str, **facts: object) -> SelectedTest:
    return SelectedTest(nodeid, file=nodeid.partition("::")[0], **facts)  # type: ignore[arg-type]


def _places(selected: list[SelectedTest]) -> list[tuple[int, ...]]:
    return [unit.tests for unit in units(selected)]


def test_a_test_is_a_unit_of_its_own() -> None:
    assert _places([_test("a.py::one"), _test("a.py::two")]) == [(0,), (1,)]


def test_a_group_is_one_unit_across_files_in_the_order_of_the_collection() -> None:
    selected = [_test("a.py::one", group="g"), _test("a.py::two"), _test("b.py::one", group="g")]
    assert _places(selected) == [(0, 2), (1,)]


def test_one_shared_lease_keeps_its_whole_module_together() -> None:
    selected = [_test("a.py::one"), _test("a.py::two", shared_lease=True), _test("b.py::one"), _test("a.py::three")]
    assert _places(selected) == [(0, 1, 3), (2,)]


def test_groups_and_modules_that_share_a_test_are_one_unit() -> None:
    selected = [
        _test("a.py::one", shared_lease=True),
        _test("b.py::one", group="g"),
        _test("a.py::two", group="g"),
        _test("c.py::one", group="h", shared_lease=True),
        _test("b.py::two", group="h"),
        _test("b.py::three", group="g"),
        _test("d.py::one"),
    ]
    assert _places(selected) == [(0, 1, 2, 5), (3, 4), (6,)]
    joined = [*selected, _test("c.py::two", group="g")]
    assert _places(joined) == [(0, 1, 2, 3, 4, 5, 7), (6,)]


def test_equal_node_ids_stay_apart() -> None:
    assert _places([_test("a.py::one"), _test("a.py::one")]) == [(0,), (1,)]


def test_a_unit_needs_every_service_that_its_tests_need() -> None:
    selected = [
        _test("a.py::one", group="g", services=("docker",)),
        _test("a.py::two", group="g", services=("aws", "docker")),
    ]
    assert units(selected)[0].services == ("aws", "docker")


def test_a_test_known_to_be_skipped_needs_nothing_and_takes_no_time() -> None:
    (unit,) = units([_test("a.py::one", services=("aws",), skip_reason="AWS credentials not configured")])
    assert unit.services == ()
    assert unit.seconds == 0.0


def test_durations_are_those_known_and_their_median_for_the_rest() -> None:
    selected = [_test("a.py::one", group="g"), _test("a.py::two", group="g"), _test("a.py::three")]
    known = {"a.py::one": 8.0, "gone.py::x": 2.0, "gone.py::y": 1.0}
    first, second = units(selected, known)
    assert first.costs == (8.0, 2.0)
    assert first.seconds == 10.0
    assert second.seconds == 2.0


def test_without_durations_a_unit_is_as_long_as_it_has_tests() -> None:
    assert [unit.seconds for unit in units([_test("a.py::1", group="g"), _test("a.py::2", group="g")])] == [2.0]


def test_what_is_left_of_a_unit_keeps_its_services_and_costs() -> None:
    selected = [_test(f"a.py::{number}", group="g", services=("docker",)) for number in range(3)]
    (unit,) = units(selected, {"a.py::1": 4.0, "a.py::2": 6.0})
    rest = unit.only([1, 2])
    assert (rest.tests, rest.costs, rest.services, rest.name) == ((1, 2), (4.0, 6.0), ("docker",), "group g")


def test_group_suffixes() -> None:
    assert split_group("a.py::test@g") == ("a.py::test", "g")
    assert split_group("a.py::test[x@y]") == ("a.py::test[x@y]", "")
    assert split_group("a.py::test[x@y]@g") == ("a.py::test[x@y]", "g")
    assert split_group("dir@home/a.py::test") == ("dir@home/a.py::test", "")
    assert split_group("a.py::test") == ("a.py::test", "")


def test_collected_tests_are_found_in_the_selection_with_or_without_suffix() -> None:
    selected = [_test("a.py::one", group="g", services=("docker",)), _test("a.py::two", services=("aws",))]
    found = describe(["a.py::one@g", "a.py::two", "gone.py::x"], selected)
    assert found[:2] == tuple(selected)
    assert found[2] == _test("gone.py::x")


def test_without_a_selection_groups_come_from_the_suffixes() -> None:
    found = describe(["a.py::one@g", "b.py::one", "b.py::two@g"], ())
    assert [unit.tests for unit in units(found)] == [(0, 2), (1,)]
    assert found[0].nodeid == "a.py::one"


def test_tests_with_nodes_share_a_limit_where_there_is_one() -> None:
    with_nodes, without = SelectedTest("a.py::t1", file="a.py", nodes=2), SelectedTest("a.py::t2", file="a.py")
    skipped = SelectedTest("a.py::t3", file="a.py", nodes=1, skip_reason="no credentials")
    tests = [with_nodes, without, skipped]
    assert [unit.limits for unit in units(tests, nodes_at_once=4)] == [((NODES, 4),), (), ()]
    assert [unit.limits for unit in units(tests)] == [(), (), ()]
