"""Vector search: through CQL on the run's node, and through the Vector Store where its image is to be had.

External services: Docker (database node, Vector Store)
"""

import pytest

from sdcm.containers.vector_store import BadVectorRequest, VectorIndexNotFound
from sdcm.wait import wait_for, wait_for_log_lines
from unit_tests.lib.lazily import lazily

cassandra = lazily("cassandra")

pytestmark = pytest.mark.integration

#: Five points; the nearest of (1, 1, 0) are 4, 1 and 3, in this order.
_POINTS = {1: [1.0, 0.0, 0.0], 2: [0.0, 0.0, 9.0], 3: [3.0, 3.0, 0.0], 4: [1.0, 1.25, 0.0], 5: [-5.0, 0.0, 0.0]}


def _create_points(session, index_class, options, keyspace_options=""):
    session.execute(
        "CREATE KEYSPACE search WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 1}"
        + keyspace_options
    )
    session.execute("CREATE TABLE search.points (id int PRIMARY KEY, kind text, place vector<float, 3>)")
    session.execute(f"CREATE CUSTOM INDEX near ON search.points (place) USING '{index_class}' WITH OPTIONS = {options}")
    insert = session.prepare("INSERT INTO search.points (id, kind, place) VALUES (?, ?, ?)")
    for number, place in _POINTS.items():
        session.execute(insert, (number, "odd" if number % 2 else "even", place))


@pytest.mark.needs("vector")
def test_vectors_through_cql(docker_scylla):
    """Vectors come back as they were written; an index orders by distance; a vector of another size is refused."""
    session = docker_scylla.cql_connection()
    # The log of a real node is followed from before the body.
    with wait_for_log_lines(docker_scylla, [r"Index \[near\] registered"], [r"Index \[near\] became queryable"]):
        _create_points(session, "StorageAttachedIndex", "{'similarity_function': 'euclidean'}")
    stored = {row.id: list(row.place) for row in session.execute("SELECT id, place FROM search.points")}
    assert stored == _POINTS

    ordered = session.execute("SELECT id FROM search.points ORDER BY place ANN OF [1, 1, 0] LIMIT 3")
    assert [row.id for row in ordered] == [4, 1, 3]
    similar = session.execute(
        "SELECT id, similarity_euclidean(place, [1, 1, 0]) AS near FROM search.points"
        " ORDER BY place ANN OF [1, 1, 0] LIMIT 2"
    )
    # 1 / (1 + the distance squared)
    assert [(row.id, row.near) for row in similar] == [(4, pytest.approx(1 / (1 + 0.25**2))), (1, pytest.approx(0.5))]

    # What is deleted or changed is found no more where it was.
    session.execute("DELETE FROM search.points WHERE id = 4")
    session.execute("UPDATE search.points SET place = [1, 1, 0] WHERE id = 5")
    ordered = session.execute("SELECT id FROM search.points ORDER BY place ANN OF [1, 1, 0] LIMIT 2")
    assert [row.id for row in ordered] == [5, 1]
    with pytest.raises(cassandra.InvalidRequest):
        session.execute("SELECT id FROM search.points ORDER BY place ANN OF [1, 1] LIMIT 2")


@pytest.mark.docker_scylla_args(
    # The first release line that asks a store.
    scylla_docker_image="scylladb/scylla:2025.4.2",
    vs_docker_image="scylladb/vector-store:1.2.0",
)
def test_a_search_through_the_store_is_the_one_through_cql(docker_vector_store, docker_scylla):
    """The store answers, counts, and finds what CQL finds; where its image is not to be had, this skips naming it."""
    session = docker_scylla.cql_connection()
    # Such an index is refused on a keyspace without tablets.
    tablets = " AND tablets = {'enabled': true}"
    _create_points(session, "vector_index", "{'similarity_function': 'EUCLIDEAN'}", tablets)
    assert docker_vector_store.get_info()["version"]
    wait_for(
        lambda: docker_vector_store.get_index_status("search", "near")["count"] == len(_POINTS),
        step=0.5,
        timeout=60,
        text="the index holds every point",
    )
    found = docker_vector_store.ann_search("search", "near", [1, 1, 0], limit=3)
    ordered = session.execute("SELECT id FROM search.points ORDER BY place ANN OF [1, 1, 0] LIMIT 3")
    assert found["primary_keys"]["id"] == [row.id for row in ordered] == [4, 1, 3]
    with pytest.raises(VectorIndexNotFound):
        docker_vector_store.get_index_count("search", "unknown")
    with pytest.raises(BadVectorRequest):
        docker_vector_store.ann_search("search", "near", [1, 1])
