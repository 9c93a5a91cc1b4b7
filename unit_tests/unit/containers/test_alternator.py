"""The helpers against moto's DynamoDB in this process; the keys against a session that is only recorded."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from sdcm.containers import alternator
from sdcm.containers.alternator import AccessKeys, Alternator, KeySchema, role_keys
from sdcm.errors import EnvironmentFailed


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


@pytest.fixture(scope="module")
def mocked() -> Iterator[Alternator]:
    """An API whose requests moto answers, whatever their address."""
    with mock_aws():
        made = api()
        made.create_endpoint_url = lambda node=None: "https://dynamodb.us-east-1.amazonaws.com"  # type: ignore[method-assign]
        yield made
        made.close()


def test_tables_and_items(mocked: Alternator) -> None:
    table = mocked.create_table()
    assert (table.name, table.billing_mode_summary["BillingMode"]) == ("usertable", "PAY_PER_REQUEST")
    items = [{"p": str(number), "c": "x", "payload": "y"} for number in range(4)]
    mocked.batch_write_actions(new_items=items)
    # More than the pages hold.
    assert sorted(mocked.scan_table(Limit=1), key=lambda item: item["p"]) == items
    mocked.batch_write_actions(delete_items=items[:3])
    assert [item["p"] for item in mocked.scan_table(ProjectionExpression="p")] == ["3"]
    assert mocked.client() is mocked.client()


def test_a_table_that_does_not_become_active_is_an_error(mocked: Alternator, monkeypatch: pytest.MonkeyPatch) -> None:
    from sdcm.wait import WaitForTimeoutError

    class Slow:
        table_status = "CREATING"

        def reload(self) -> None: ...

    monkeypatch.setattr(alternator, "_TABLE_SECONDS", 0)
    monkeypatch.setattr(mocked, "resource", lambda _node: SimpleNamespace(create_table=lambda **_: Slow()))
    with pytest.raises(WaitForTimeoutError, match="table slow is active"):
        mocked.create_table(table_name="slow")
