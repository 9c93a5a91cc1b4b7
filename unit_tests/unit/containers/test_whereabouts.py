"""Where nodes are published, and by which address a driver knows them."""

from sdcm.containers.end_points import PublishedEndPoints
from sdcm.containers.whereabouts import Whereabouts

_LOCAL = {"rpc_address": "10.0.0.9", "native_port": 9042}


def moved() -> Whereabouts:
    """A node that had 10.0.0.2 first and has 10.0.0.9 now."""
    places = Whereabouts()
    places.note(["10.0.0.2"], ("127.0.0.1", 40001))
    places.note(["10.0.0.2"], None)
    places.note(["10.0.0.9", "10.0.0.2"], ("127.0.0.1", 40002))
    return places


def test_a_driver_knows_a_node_that_moved_by_its_first_address() -> None:
    """By another it would be another node, and the pools of open sessions would be given up."""
    end_points = PublishedEndPoints(moved())
    told = end_points.create(_LOCAL)
    assert told == end_points.at("10.0.0.2") == end_points.at("10.0.0.9")
    assert (told.address, told.resolve()) == ("10.0.0.2", ("127.0.0.1", 40002))
    assert moved().name_of("10.0.0.7") == "10.0.0.7"


def test_in_a_ring_each_is_known_by_what_it_has() -> None:
    """There the address that one had may be another's now."""
    places, other = moved(), Whereabouts()
    other.note(["10.0.0.2"], ("127.0.0.1", 40003))
    places.share(other)
    assert places.name_of("10.0.0.9") == other.name_of("10.0.0.9") == "10.0.0.9"
    assert PublishedEndPoints(places).create(_LOCAL).address == "10.0.0.9"
