"""The client against a server on the loopback that answers as the API documents."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm.containers.vector_store import (
    SETTING,
    BadVectorRequest,
    UnexpectedVectorAnswer,
    VectorIndexNotFound,
    VectorIndexNotReady,
    VectorStore,
    VectorStoreClient,
    VectorStoreError,
    VectorStoreFailed,
    VectorStoreUnreachable,
    environment_of,
    split_image,
)
from sdcm.errors import EnvironmentFailed
from sdcm.wait import WaitForTimeoutError
from unit_tests.lib.fake_vector_store import FakeVectorStore


@pytest.fixture
def store() -> Iterator[FakeVectorStore]:
    with FakeVectorStore() as server:
        server.vectors["ks", "idx"] = {1: [0.0, 0.0], 2: [3.0, 4.0], 3: [1.0, 0.0]}
        yield server


@pytest.fixture
def client(store: FakeVectorStore) -> Iterator[VectorStoreClient]:
    made = VectorStoreClient(store.url)
    yield made
    made.close()


def test_what_it_tells_of_itself(client: VectorStoreClient) -> None:
    assert client.get_status() == "SERVING"
    assert client.get_info() == {"version": "3.0", "service": "vector-store", "engine": "usearch-2"}
    assert [(row["keyspace"], row["index"]) for row in client.get_indexes()] == [("ks", "idx")]


def test_a_search_gives_the_nearest_first(client: VectorStoreClient, store: FakeVectorStore) -> None:
    found = client.ann_search("ks", "idx", [0.9, 0.0], limit=2)
    assert found["primary_keys"] == {"id": [3, 1]}
    assert found["distances"] == pytest.approx([0.01, 0.81])
    assert store.requests == [("POST", "/api/v1/indexes/ks/idx/ann")]
    assert client.ann_search("ks", "idx", (0, 0))["primary_keys"]["id"] == [1, 3, 2]


def test_counts_and_states_of_an_index(client: VectorStoreClient, store: FakeVectorStore) -> None:
    assert client.get_index_status("ks", "idx") == {"status": "SERVING", "count": 3}
    assert client.get_index_count("ks", "idx") == 3
    store.release = "0.3"
    assert client.get_index_count("ks", "idx") == 3


def test_each_refusal_has_a_type_of_its_own(client: VectorStoreClient, store: FakeVectorStore) -> None:
    with pytest.raises(BadVectorRequest, match=r"status 400.*wrong embedding dimension") as caught:
        client.ann_search("ks", "idx", [1.0])
    assert caught.value.status == 400
    for ask in (client.get_index_status, client.get_index_count):
        with pytest.raises(VectorIndexNotFound, match=r"missing index: ks\.other"):
            ask("ks", "other")
    store.building.add(("ks", "idx"))
    with pytest.raises(VectorIndexNotReady, match=r"INDEX_BUILDING.*30 %"):
        client.ann_search("ks", "idx", [1.0, 1.0])
    store.canned["/api/v1/info"] = (500, '"engine is gone"')
    with pytest.raises(VectorStoreFailed, match="engine is gone") as failed:
        client.get_info()
    assert failed.value.status == 500
    assert isinstance(failed.value, VectorStoreError)


@pytest.mark.parametrize(
    ("path", "body", "ask"),
    [
        ("status", "{}", lambda c: c.get_status()),
        ("info", "not json", lambda c: c.get_info()),
        ("indexes", "{}", lambda c: c.get_indexes()),
        ("indexes/ks/idx/status", '{"count": 1}', lambda c: c.get_index_status("ks", "idx")),
        ("indexes/ks/idx/ann", '{"distances": []}', lambda c: c.ann_search("ks", "idx", [1])),
        ("indexes/ks/i/ann", '{"distances": [1], "primary_keys": {"id": []}}', lambda c: c.ann_search("ks", "i", [1])),
    ],
    ids=["state", "no-json", "no-list", "no-status", "no-keys", "fewer-keys-than-distances"],
)  # fmt: skip
def test_an_answer_of_another_shape_is_no_answer(
    client: VectorStoreClient, store: FakeVectorStore, path: str, body: str, ask: Any
) -> None:
    store.canned[f"/api/v1/{path}"] = (200, body)
    with pytest.raises(UnexpectedVectorAnswer, match="did not answer with"):
        ask(client)


def test_names_with_slashes_and_blanks_stay_one_part_of_the_path(
    client: VectorStoreClient, store: FakeVectorStore
) -> None:
    with pytest.raises(VectorIndexNotFound):
        client.ann_search("my ks", "a/b", [1.0])
    assert store.requests == [("POST", "/api/v1/indexes/my%20ks/a%2Fb/ann")]


def test_waiting_goes_through_the_states_until_it_is_ready(client: VectorStoreClient, store: FakeVectorStore) -> None:
    store.states = ["INITIALIZING", "CONNECTING_TO_DB", "BOOTSTRAPPING", "SERVING"]
    assert client.wait_for_ready(timeout=60, step=0.01) == "BOOTSTRAPPING"


def test_the_time_that_is_up_shows_the_last_state(client: VectorStoreClient, store: FakeVectorStore) -> None:
    store.states = ["CONNECTING_TO_DB"]
    with pytest.raises(WaitForTimeoutError, match="last state: CONNECTING_TO_DB"):
        client.wait_for_ready(timeout=0.02, step=0.01)


def test_nothing_there_is_an_error_of_its_own_and_a_dead_container_ends_the_wait(store: FakeVectorStore) -> None:
    with FakeVectorStore() as gone:
        url = gone.url
    client = VectorStoreClient(url, timeout=60)
    with pytest.raises(VectorStoreUnreachable, match="no answer"):
        client.get_status()

    def dead() -> None:
        raise EnvironmentFailed("container vector-store-1 ended with status 1")

    with pytest.raises(EnvironmentFailed, match="ended with status 1"):
        client.wait_for_ready(timeout=60, step=0.01, check_alive=dead)
    client.close()


class Node:
    """A Scylla node as far as the store asks something of it."""

    def __init__(self, *, reloads: bool = True) -> None:
        self.settings: dict[str, Any] = {"cluster_name": "mine"}
        self.reloads = reloads
        self.reloaded = 0

    @contextmanager
    def remote_scylla_yaml(self) -> Iterator[dict[str, Any]]:
        yield self.settings

    def reload_config(self) -> None:
        if not self.reloads:
            raise EnvironmentFailed("no server process")
        self.reloaded += 1


def container(url: str) -> Any:
    address = url.removeprefix("http://")
    return SimpleNamespace(name="vector-store-1", ip_address="10.0.0.9", get_port=lambda _port: address)


def test_a_store_in_a_container_is_its_own_client_and_has_the_node_ask_it(store: FakeVectorStore) -> None:
    made, node = VectorStore(container(store.url)), Node()
    assert [each.get_status() for each in made.nodes] == ["SERVING"]
    assert made.name == "vector-store-1"
    made.serve(node)
    assert node.settings == {"cluster_name": "mine", SETTING: "http://10.0.0.9:6080"}
    assert node.reloaded == 1
    made.close()


def test_a_node_that_does_not_take_the_setting_is_an_error_not_a_line_in_a_log(store: FakeVectorStore) -> None:
    """Flaw 10: there the failed reload was only logged, and the test went on against a node that asked nobody."""
    made = VectorStore(container(store.url))
    with pytest.raises(EnvironmentFailed, match="no server process"):
        made.serve(Node(reloads=False))
    made.close()


def test_the_variables_it_is_started_with() -> None:
    variables = environment_of("10.0.0.1", "cassandra", port=6080, scylla_port=9042, threads=2)
    assert variables == {
        "VECTOR_STORE_URI": "0.0.0.0:6080",
        "VECTOR_STORE_SCYLLADB_URI": "10.0.0.1:9042",
        "VECTOR_STORE_THREADS": "2",
        "VECTOR_STORE_SCYLLADB_USERNAME": "cassandra",
        "VECTOR_STORE_SCYLLADB_PASSWORD_FILE": "/run/vector-store-password",
    }
    assert "VECTOR_STORE_SCYLLADB_USERNAME" not in environment_of("x", "", port=1, scylla_port=2, threads=1)


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("scylladb/vector-store:1.2.0", ("scylladb/vector-store", "1.2.0")),
        ("host:5000/vector-store", ("host:5000/vector-store", "")),
        ("host:5000/vector-store:1", ("host:5000/vector-store", "1")),
        ("vector-store", ("vector-store", "")),
    ],
)
def test_an_image_splits_at_the_colon_of_its_tag(image: str, parts: tuple[str, str]) -> None:
    assert split_image(image) == parts
