"""The order in which units are taken."""

from sdcm.scheduling.unit_queue import UnitQueue
from sdcm.scheduling.units import Unit
from unit_tests.lib.growth import growth


def _unit(place: int, *costs: float, services: tuple[str, ...] = ()) -> Unit:
    places = tuple(range(place, place + len(costs)))
    return Unit(f"unit {place}", places, costs, services)


def _everything(queue: UnitQueue) -> list[int]:
    order = []
    while unit := queue.take_longest():
        order.append(unit.tests[0])
    return order


def _all_up(label: str) -> bool:
    return bool(label)


def test_the_longest_comes_first_and_equals_come_as_collected() -> None:
    units = [_unit(0, 1.0), _unit(1, 3.0), _unit(2, 1.0, 1.0, 1.5), _unit(5, 1.0), _unit(6, 3.0)]
    assert _everything(UnitQueue(units, _all_up)) == [2, 1, 6, 0, 5]


def test_the_shortest_is_a_single_test_where_there_is_one() -> None:
    queue = UnitQueue([_unit(0, 0.1, 0.1), _unit(2, 5.0), _unit(3, 4.0), _unit(4, 4.0)], _all_up)
    taken = [queue.take_shortest() for _ in range(5)]
    assert [unit and unit.tests[0] for unit in taken] == [3, 4, 2, 0, None]
    assert len(queue) == 0


def test_a_single_test_is_preferred_whatever_its_services() -> None:
    queue = UnitQueue([_unit(0, 0.1, 0.1, services=("docker",)), _unit(2, 5.0)], _all_up)
    assert [unit.tests[0] for unit in iter(queue.take_shortest, None)] == [2, 0]


def test_a_short_enough_test_is_asked_for() -> None:
    queue = UnitQueue([_unit(0, 2.0), _unit(1, 0.5, 0.5)], _all_up)
    assert queue.take_shortest(single_below=2.0) is None
    taken = queue.take_shortest(single_below=2.1)
    assert taken is not None
    assert taken.tests == (0,)
    assert queue.take_shortest(single_below=100.0) is None
    assert len(queue) == 1


def test_the_longest_within_a_time_is_a_single_test_of_any_shelf() -> None:
    units = [_unit(0, 2.0), _unit(1, 0.5, 0.5), _unit(3, 3.0, services=("docker",)), _unit(4, 3.0), _unit(5, 9.0)]
    queue = UnitQueue(units, _all_up)
    assert queue.take_longest_within(1.9) is None
    taken = [queue.take_longest_within(8.0) for _ in range(4)]
    assert [unit and unit.tests[0] for unit in taken] == [3, 4, 0, None]


def test_a_meal_is_topped_up_with_what_needs_nothing_and_no_service_counts_as_used() -> None:
    queue = UnitQueue([*(_unit(n, 0.03) for n in range(10)), _unit(10, 0.002, services=("docker",))], _all_up)
    meal = [_unit(11, 0.045)]
    queue.top_up(meal, 1.0)
    assert len(meal) == 1
    assert _everything(queue)[:2] == [10, 0]  # a service that is up and that nothing uses yet is used at once


def test_what_is_left_is_known_in_seconds() -> None:
    queue = UnitQueue([_unit(0, 2.0), _unit(1, 0.5, 0.5), _unit(3, 4.0)], _all_up)
    assert queue.seconds == 7.0
    longest, within, shortest = queue.take_longest(), queue.take_longest_within(3.0), queue.take_shortest()
    assert (queue.seconds, len(queue)) == (0.0, 0)
    for unit in (longest, within, shortest):
        assert unit is not None
        queue.put(unit)
    assert queue.seconds == 7.0
    queue.clear()
    assert queue.seconds == 0.0


def test_units_whose_services_are_up_come_first_then_the_others_and_the_slow_service_last() -> None:
    units = [
        _unit(0, 9.0, services=("kubernetes",)),
        _unit(1, 8.0, services=("docker", "kubernetes")),
        _unit(2, 5.0, services=("docker",)),
        _unit(3, 2.0, services=("aws",)),
        _unit(4, 1.0),
    ]
    assert _everything(UnitQueue(units, {"aws"}.__contains__)) == [3, 4, 2, 0, 1]


def test_the_look_ahead_is_ready_too() -> None:
    units = [_unit(0, 0.1, services=("kubernetes",)), _unit(1, 5.0, 5.0, services=("docker",)), _unit(3, 7.0)]
    queue = UnitQueue(units, {"docker"}.__contains__)
    assert [unit.tests[0] for unit in iter(queue.take_shortest, None)] == [3, 1, 0]


def test_a_service_that_comes_up_counts_from_the_next_refresh_on() -> None:
    up: set[str] = set()
    queue = UnitQueue([_unit(0, 1.0), _unit(1, 5.0, services=("docker",)), _unit(2, 1.0)], up.__contains__)
    first = queue.take_longest()
    up.add("docker")
    queue.refresh()
    assert first is not None
    assert [first.tests[0], *_everything(queue)] == [0, 1, 2]


def test_a_service_is_asked_for_until_it_is_up_and_only_while_a_unit_needs_it() -> None:
    asked: list[str] = []

    def ready(label: str) -> bool:
        asked.append(label)
        return label == "docker"

    queue = UnitQueue([_unit(0, 1.0, services=("docker",)), _unit(1, 1.0, services=("aws", "docker"))], ready)
    queue.refresh()
    assert asked == ["aws", "docker", "aws"]
    _everything(queue)
    queue.refresh()
    assert asked == ["aws", "docker", "aws"]


def test_what_is_put_back_takes_its_place_by_length() -> None:
    queue = UnitQueue([_unit(0, 1.0), _unit(1, 2.0)], _all_up)
    queue.put(_unit(2, 1.0, 0.5))
    assert _everything(queue) == [1, 2, 0]


def test_clearing_counts_tests() -> None:
    queue = UnitQueue([_unit(0, 1.0), _unit(1, 2.0, 2.0)], _all_up)
    assert queue.clear() == 3
    assert queue.take_longest() is None


def test_the_time_to_give_out_many_units_grows_with_their_number() -> None:
    def give_out(size: int) -> None:
        queue = UnitQueue([_unit(place, float(place % 7 + 1)) for place in range(size)], _all_up)
        taken = 0
        while queue.take_longest():
            taken += 1
            taken += bool(queue.take_shortest())
        assert taken == size

    assert growth(give_out, 200, 3200, tries=2) < 64


def test_a_service_that_is_up_is_used_at_once_and_then_the_longest_come_first() -> None:
    units = [_unit(0, 9.0), _unit(1, 8.0), _unit(2, 1.0, services=("docker",)), _unit(3, 0.5, services=("docker",))]
    assert _everything(UnitQueue(units, _all_up)) == [2, 0, 1, 3]
    assert _everything(UnitQueue(units, lambda _label: False)) == [0, 1, 2, 3]
