"""The helpers and the keys against recording fakes; unit_tests/integration/test_alternator.py has the real API."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm.containers import alternator
from sdcm.containers.alternator import AccessKeys, Alternator, KeySchema, role_keys
from sdcm.errors import EnvironmentFailed
from sdcm.wait import WaitForTimeoutError


class Node:
    """A container whose port 8000 is published somewhere."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get_port(self, inside: int) -> str:
        assert inside == 8000
        return f"127.0.0.1:{self.port}"


def api(served_by: str = "scylla") -> Alternator:
    return Alternator(Node(32001), AccessKeys(), served_by=served_by)  # type: ignore[arg-type]


class Roles:
    """A session of a node that keeps roles in one of the tables."""

    def __init__(self, table: str, salted_hash: str | None = "$6$abc") -> None:
        self.table = table
        self.salted_hash = salted_hash
        self.statements: list[str] = []

    def execute(self, statement: str) -> list[Any]:
        self.statements.append(statement)
        if statement.startswith("CREATE"):
            return []
        if self.table not in statement.split():
            raise LookupError("unconfigured table")
        return [SimpleNamespace(salted_hash=self.salted_hash)]


@pytest.mark.parametrize("table", ["system.roles", "system_auth_v2.roles", "system_auth.roles"])
def test_the_secret_is_the_roles_hash_wherever_the_release_keeps_it(table: str) -> None:
    roles = Roles(table)
    assert role_keys(roles.execute) == AccessKeys("alternator", "$6$abc")
    assert roles.statements[0] == (
        "CREATE ROLE IF NOT EXISTS alternator WITH PASSWORD = 'password' AND SUPERUSER = true AND LOGIN = true"
    )


def test_a_hash_that_is_nowhere_is_an_error_that_says_where_it_was_looked_for() -> None:
    with pytest.raises(EnvironmentFailed, match=r"system\.roles: no such role; system_auth_v2\.roles: unconfigured"):
        role_keys(Roles("system.roles", None).execute)


def test_secrets_stay_out_of_what_is_printed() -> None:
    assert "hidden" not in repr(AccessKeys("alternator", "hidden"))


def test_a_ring_of_scylla_nodes_has_an_endpoint_each_and_a_stand_in_one_for_all() -> None:
    other: Any = Node(32002)
    assert api().create_endpoint_url(other) == "http://127.0.0.1:32002"
    assert api().endpoint_url == "http://127.0.0.1:32001"
    beside = api("dynamodb-local")
    assert beside.create_endpoint_url(other) == beside.endpoint_url == "http://127.0.0.1:32001"
    assert (api().is_nodes_own, beside.is_nodes_own) == (True, False)


def test_the_key_schema_takes_the_values_of_the_option() -> None:
    assert KeySchema("HASH").definition()["KeySchema"] == [{"AttributeName": "p", "KeyType": "HASH"}]
    assert KeySchema("HASH_AND_RANGE").key_of({"p": "1", "c": "2", "more": "x"}) == {"p": "1", "c": "2"}


class FakeTable:
    """A table that gives a page of one item at a time and takes batches."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.definition: dict[str, Any] = {}
        self.states = ["CREATING", "ACTIVE"]
        self.table_status = ""

    def Table(self, name: str) -> "FakeTable":  # noqa: N802 - boto3's name
        assert name == self.definition["TableName"]
        return self

    def create_table(self, **definition: Any) -> "FakeTable":
        self.definition = definition
        return self

    def reload(self) -> None:
        self.table_status = self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def scan(self, ExclusiveStartKey: int = 0, **more: Any) -> dict[str, Any]:  # noqa: N803 - boto3's name
        assert more in ({}, {"ConsistentRead": True})
        page: dict[str, Any] = {"Items": list(self.items.values())[ExclusiveStartKey : ExclusiveStartKey + 1]}
        return page if ExclusiveStartKey + 1 >= len(self.items) else {**page, "LastEvaluatedKey": ExclusiveStartKey + 1}

    @contextmanager
    def batch_writer(self) -> Iterator["FakeTable"]:
        yield self

    def put_item(self, Item: dict[str, Any]) -> None:  # noqa: N803 - boto3's name
        self.items[Item["p"]] = Item

    def delete_item(self, Key: dict[str, Any]) -> None:  # noqa: N803 - boto3's name
        assert set(Key) == {"p", "c"}
        del self.items[Key["p"]]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> FakeTable:
    made = FakeTable()
    monkeypatch.setattr(Alternator, "resource", lambda _self, _node=None: made)
    return made


def test_tables_and_items(table: FakeTable) -> None:
    assert api().create_table(StreamSpecification={"StreamEnabled": False}) is table
    assert table.table_status == "ACTIVE"
    assert table.definition["BillingMode"] == "PAY_PER_REQUEST"
    assert [key["AttributeName"] for key in table.definition["KeySchema"]] == ["p", "c"]
    assert table.definition["StreamSpecification"] == {"StreamEnabled": False}
    items = [{"p": str(number), "c": "x", "payload": "y"} for number in range(4)]
    api().batch_write_actions(new_items=items)
    assert api().scan_table(ConsistentRead=True) == items
    api().batch_write_actions(delete_items=items[:3])
    assert api().scan_table() == items[3:]


def test_a_table_that_does_not_become_active_is_an_error(table: FakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alternator, "_TABLE_SECONDS", 0)
    with pytest.raises(WaitForTimeoutError, match="table slow is active"):
        api().create_table(table_name="slow")


def test_the_client_signs_with_the_keys_and_has_a_region() -> None:
    made = api()
    client = made.client()
    assert client is made.client()
    assert client.meta.endpoint_url == made.endpoint_url
    assert client.meta.region_name == "us-east-1"
    assert made.resource().meta.client.meta.endpoint_url == made.endpoint_url
    made.close()
