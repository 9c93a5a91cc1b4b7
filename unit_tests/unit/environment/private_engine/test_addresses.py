import threading
import time

import pytest

from sdcm.environment.private_engine import addresses
from sdcm.environment.private_engine.addresses import Network, address_pool, bridge_address, choose, used_networks
from sdcm.errors import DeadlinePassed, EnvironmentFailed

ROUTES = """\
default via 192.0.2.1 dev eth0
10.201.0.0/16 dev sct-0a1b2c proto kernel scope link src 10.201.0.1
172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown
unreachable 10.203.0.0/16
10.204.7.9 via 192.0.2.1 dev eth0
local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1
broadcast 192.0.2.255 dev eth0 table local proto kernel scope link src 192.0.2.2
"""


def test_routes_of_every_kind_count_but_not_the_default_one() -> None:
    used = used_networks(ROUTES, "# a comment\nnameserver 10.205.0.53\nnameserver fd00::1\nsearch lan\n")
    assert used == [
        Network("10.201.0.0/16"),
        Network("172.17.0.0/16"),
        Network("10.203.0.0/16"),
        Network("10.204.7.9/32"),
        Network("127.0.0.0/8"),
        Network("192.0.2.255/32"),
        Network("10.205.0.53/32"),
    ]


def test_the_choice_overlaps_nothing_in_use() -> None:
    tag = "000000"
    assert addresses.candidates(tag)[0] == Network("10.201.0.0/16")
    assert choose(tag, used_networks(ROUTES, "nameserver 10.205.0.53")) == Network("10.202.0.0/16")
    assert choose(tag, [*used_networks(ROUTES, "nameserver 10.205.0.53"), Network("10.202.255.0/24")]) == Network(
        "10.206.0.0/16"
    )


def test_engines_begin_at_different_places_and_can_all_go_anywhere() -> None:
    assert choose("000001", []) != choose("000002", [])
    assert set(addresses.candidates("abcdef")) == set(addresses.candidates("000000"))


def test_no_free_network_is_an_error() -> None:
    with pytest.raises(EnvironmentFailed, match="no free addresses"):
        choose("000000", [Network("10.0.0.0/8")])


def test_bridge_and_pool_do_not_overlap() -> None:
    network = Network("10.207.0.0/16")
    assert bridge_address(network) == "10.207.0.1/24"
    pool = address_pool(network)
    assert pool == {"base": "10.207.128.0/17", "size": 24}
    assert not Network("10.207.0.0/24").overlaps(Network(str(pool["base"])))


def test_one_chooses_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "_MUTEX", f"\0sct-test-{time.monotonic_ns()}")
    order: list[str] = []

    def second() -> None:
        with addresses.choosing():
            order.append("second")

    with addresses.choosing():
        thread = threading.Thread(target=second)
        thread.start()
        with pytest.raises(DeadlinePassed), addresses.choosing(deadline=0.1):
            order.append("never")
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]
