from typing import Any

import pytest

from sdcm.containers import cql
from sdcm.containers.end_points import NodeEndPoint, PublishedEndPoints, PublishedPlaces
from sdcm.containers.whereabouts import NotPublished, Whereabouts

PUBLISHED = {"10.0.0.1": ("127.0.0.1", 40001), "10.0.0.2": ("engine-host", 40002)}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"rpc_address": "10.0.0.1", "rpc_port": 9042}, ("127.0.0.1", 40001), id="local"),
        pytest.param({"peer": "10.0.0.2", "rpc_address": "10.0.0.2"}, ("engine-host", 40002), id="peers"),
        pytest.param({"native_address": "10.0.0.2", "native_port": 9042}, ("engine-host", 40002), id="peers_v2"),
        pytest.param({"rpc_address": "10.0.0.9", "rpc_port": 9142}, ("10.0.0.9", 9142), id="stranger"),
        pytest.param({"peer": "10.0.0.9", "rpc_address": "0.0.0.0"}, ("10.0.0.9", 9042), id="stranger without port"),
    ],
)
def test_a_node_is_reached_where_it_is_published(row: dict[str, Any], expected: tuple[str, int]) -> None:
    assert PublishedEndPoints(PublishedPlaces(PUBLISHED)).create(row).resolve() == expected


def test_a_node_is_one_and_the_same_wherever_it_is_published() -> None:
    places = Whereabouts()
    places.note(["10.0.0.1"], ("127.0.0.1", 40001))
    first, again = (NodeEndPoint("10.0.0.1", 9042, places, tls=False) for _ in range(2))
    assert first == again
    assert len({first, again}) == 1
    assert first < NodeEndPoint("10.0.0.2", 9042, places, tls=False)
    places.note(["10.0.0.1"], ("127.0.0.1", 40009))
    assert first.resolve() == ("127.0.0.1", 40009)
    assert (first.address, first.port, str(first)) == ("10.0.0.1", 9042, "10.0.0.1:9042")


def test_nobody_is_led_to_the_former_port_of_a_node_that_is_down() -> None:
    places = Whereabouts()
    places.note(["10.0.0.1"], None)
    with pytest.raises(NotPublished, match=r"node 10\.0\.0\.1 is down"):
        PublishedEndPoints(places).at("10.0.0.1").resolve()


def test_the_certificate_is_checked_for_the_published_name() -> None:
    places = PublishedPlaces(PUBLISHED)
    assert PublishedEndPoints(places, tls=True).at("10.0.0.2").ssl_options == {"server_hostname": "engine-host"}
    assert PublishedEndPoints(places).at("10.0.0.2").ssl_options is None


def test_rings_that_are_introduced_become_one_table() -> None:
    one, two, three, four = (Whereabouts() for _ in range(4))
    for number, places in enumerate((one, two, three, four)):
        places.note([f"10.0.0.{number}"], ("127.0.0.1", number))
    one.share(two)
    three.share(four)
    two.share(three)
    one.share(one)
    four.note(["10.0.0.3"], None)
    expected = {f"10.0.0.{number}": ("127.0.0.1", number) for number in range(3)}
    assert [places.published() for places in (one, two, three, four)] == [expected] * 4


class FakeCluster:
    """A driver's cluster that notes how it was made."""

    made: list[dict[str, Any]]
    fails = False
    ended = 0

    def __init__(self, **arguments: Any) -> None:
        type(self).made.append(arguments)

    def connect(self, keyspace: str | None) -> str:
        if type(self).fails:
            raise ValueError("no")
        return f"session in {keyspace}"

    def shutdown(self) -> None:
        type(self).ended += 1


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> type[FakeCluster]:
    kind = type("Cluster", (FakeCluster,), {"made": []})
    monkeypatch.setattr(cql, "Cluster", kind)
    return kind


def test_a_session_asks_the_wanted_nodes_alone(cluster: type[FakeCluster]) -> None:
    places = PublishedPlaces(PUBLISHED)
    session = cql.open_session(
        ["10.0.0.2"], places, flavour="scylla", login=("bob", "builder"), keyspace="ks", only=["10.0.0.2"],
        options={"protocol_version": 3},
    )  # fmt: skip
    (made,) = cluster.made
    assert session == "session in ks"
    assert [point.resolve() for point in made["contact_points"]] == [("engine-host", 40002)]
    assert (made["auth_provider"].username, made["auth_provider"].password) == ("bob", "builder")
    assert made["protocol_version"] == 3
    assert made["ssl_context"] is None
    (profile,) = made["execution_profiles"].values()
    assert profile.load_balancing_policy._allowed_hosts == ("10.0.0.2",)


def test_a_context_of_ones_own_turns_tls_on(cluster: type[FakeCluster]) -> None:
    context = object()
    cql.open_session(
        ["10.0.0.2"], PublishedPlaces(PUBLISHED), flavour="cassandra", login=None, options={"ssl_context": context}
    )
    (made,) = cluster.made
    assert made["ssl_context"] is context
    assert made["contact_points"][0].ssl_options == {"server_hostname": "engine-host"}
    assert made["auth_provider"] is None


def test_a_session_that_fails_leaves_no_cluster(cluster: type[FakeCluster]) -> None:
    cluster.fails = True
    with pytest.raises(ValueError, match="no"):
        cql.open_session(["10.0.0.2"], PublishedPlaces(PUBLISHED), flavour="cassandra", login=None)
    assert cluster.ended == 1
