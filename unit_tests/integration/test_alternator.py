"""The DynamoDB API of a node, or beside it.

External services: Docker (database node, DynamoDB Local)
"""

import pytest

pytestmark = pytest.mark.integration


def test_tables_are_written_and_scanned_through_every_client(alternator_api, docker_scylla, request):
    """A table takes more items than a page holds; clients are ready to use; the report says who answered."""
    items = [{"p": f"key-{number:03}", "c": "1", "text": "x" * 20_000} for number in range(60)]
    table = alternator_api.create_table(node=docker_scylla)
    alternator_api.batch_write_actions(node=docker_scylla, new_items=items)
    # 1.2 MB: a page holds 1 MB at most.
    found = alternator_api.scan_table(node=docker_scylla)
    assert sorted(found, key=lambda item: item["p"]) == items
    assert table.key_schema == [
        {"AttributeName": "p", "KeyType": "HASH"},
        {"AttributeName": "c", "KeyType": "RANGE"},
    ]
    alternator_api.batch_write_actions(delete_items=items[1:])
    answer = alternator_api.client().get_item(TableName="usertable", Key={"p": {"S": "key-000"}, "c": {"S": "1"}})
    assert answer["Item"]["text"]["S"] == "x" * 20_000
    assert alternator_api.scan_table(ConsistentRead=True) == items[:1]

    alternator_api.create_table(schema="HASH", table_name="by_hash")
    assert sorted(alternator_api.client().list_tables()["TableNames"]) == ["by_hash", "usertable"]
    assert ("sct.alternator", alternator_api.served_by) in request.node.user_properties
    assert alternator_api.is_nodes_own == ("alternator" in docker_scylla.capabilities)


@pytest.mark.needs("alternator")
def test_scyllas_own_alternator_keeps_its_items_in_the_node(alternator_api, docker_scylla):
    """What is written through the API is in a keyspace of the node; only Scylla has that."""
    alternator_api.create_table()
    keyspaces = docker_scylla.run_cqlsh("DESCRIBE KEYSPACES").stdout
    assert "alternator_usertable" in keyspaces
