"""The DynamoDB API of a node, or beside it: endpoint, keys, clients, and the table helpers tests share."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sdcm.errors import EnvironmentFailed
from sdcm.wait import wait_for

if TYPE_CHECKING:
    from sdcm.containers.container import Container
    from sdcm.containers.node import Node

#: Port of the API inside a container.
ALTERNATOR_PORT = 8000
TABLE_NAME = "usertable"
HASH_KEY, RANGE_KEY = "p", "c"
#: The role that requests are signed for, and its password in CQL.
ROLE, PASSWORD = "alternator", "password"
#: Where releases of Scylla keep roles, newest first.
_ROLE_TABLES = ("system.roles", "system_auth_v2.roles", "system_auth.roles")
#: The API has no regions, and a client needs one to sign.
_REGION = "us-east-1"
_TABLE_SECONDS = 60.0


class KeySchema(StrEnum):
    """Keys of a table; the values of the option `dynamodb_primarykey_type`."""

    HASH = "HASH"
    HASH_AND_RANGE = "HASH_AND_RANGE"

    def definition(self) -> dict[str, Any]:
        """Return the part of a table's definition that says its keys: `p`, and `c` with a range, both text."""
        names = [(HASH_KEY, "HASH"), (RANGE_KEY, "RANGE")][: 1 if self is KeySchema.HASH else 2]
        return {
            "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in names],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name, _ in names],
        }

    def key_of(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return the key in an item."""
        return {part["AttributeName"]: item[part["AttributeName"]] for part in self.definition()["KeySchema"]}


@dataclass(frozen=True)
class AccessKeys:
    """What requests are signed with.

    Attributes:
        access_key_id: The role's name.
        secret_access_key: For Scylla the salted hash of the role's password.
    """

    access_key_id: str = ROLE
    secret_access_key: str = field(default=PASSWORD, repr=False)


def role_keys(execute: Callable[[str], Iterable[Any]]) -> AccessKeys:
    """Make the role `alternator` on a Scylla node and return the keys it signs with.

    Scylla takes the role's name as access key id and its salted password hash as the secret.

    Args:
        execute: Runs a statement as a superuser and returns its rows, a session's `execute` for example.

    Raises:
        EnvironmentFailed: The node tells the role's hash nowhere.
    """
    execute(f"CREATE ROLE IF NOT EXISTS {ROLE} WITH PASSWORD = '{PASSWORD}' AND SUPERUSER = true AND LOGIN = true")
    failures = []
    for table in _ROLE_TABLES:
        try:
            # All three are constants of this module.
            statement = f"SELECT salted_hash FROM {table} WHERE role = '{ROLE}'"  # noqa: S608
            found = [row.salted_hash for row in execute(statement)]
        except Exception as exc:  # noqa: BLE001 - a release without that table answers with an error of its own
            failures.append(f"{table}: {exc}")
            continue
        if found and found[0]:
            return AccessKeys(ROLE, found[0])
        failures.append(f"{table}: no such role")
    raise EnvironmentFailed(f"the node does not tell the secret of role {ROLE}", why="; ".join(failures))


class Alternator:
    """Clients of a DynamoDB API, ready to use, and helpers for tables.

    Every helper takes a node first, for rings; without one the node of the fixture is meant. Tables are paid by
    request, their key is text: `p`, with a range `c`.

    Attributes:
        served_by: Who answers: `scylla` for a node's own Alternator, `dynamodb-local` for DynamoDB Local in a
            container of its own.
        keys: What requests are signed with.
    """

    def __init__(self, container: "Container", keys: AccessKeys, *, served_by: str) -> None:
        """Talk to the API in a container.

        Args:
            container: The node, or the container beside it.
            keys: What requests are signed with.
            served_by: See the class.
        """
        self.keys = keys
        self.served_by = served_by
        self._container = container
        self._made: dict[tuple[str, str], Any] = {}

    @property
    def is_nodes_own(self) -> bool:
        """Whether a database node serves it, so that what is written is in its own tables."""
        return self.served_by != "dynamodb-local"

    @property
    def endpoint_url(self) -> str:
        """Where it is reached from here."""
        return self.create_endpoint_url()

    def create_endpoint_url(self, node: "Node | None" = None) -> str:
        """Return where a node's API is reached from here; beside a node without one, where its stand-in is."""
        container = node if node is not None and self.is_nodes_own else self._container
        return f"http://{container.get_port(ALTERNATOR_PORT)}"

    def client(self, node: "Node | None" = None) -> Any:
        """Return a boto3 client of the API; the same at every call, closed at the fixture's end."""
        return self._connected("client", node)

    def resource(self, node: "Node | None" = None) -> Any:
        """Return a boto3 resource of the API; the same at every call, closed at the fixture's end."""
        return self._connected("resource", node)

    def _connected(self, kind: str, node: "Node | None") -> Any:
        url = self.create_endpoint_url(node)
        if (kind, url) not in self._made:
            import boto3
            from botocore.config import Config

            session = boto3.Session(
                aws_access_key_id=self.keys.access_key_id,
                aws_secret_access_key=self.keys.secret_access_key,
                region_name=_REGION,
            )
            config = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 3, "mode": "standard"})
            self._made[kind, url] = getattr(session, kind)("dynamodb", endpoint_url=url, config=config)
        return self._made[kind, url]

    def create_table(
        self,
        node: "Node | None" = None,
        schema: KeySchema | str = KeySchema.HASH_AND_RANGE,
        table_name: str = TABLE_NAME,
        **more: Any,
    ) -> Any:
        """Make a table and wait until it is active.

        Args:
            node: Whom to ask.
            schema: Its keys.
            table_name: Its name.
            **more: Further arguments of `CreateTable`, `StreamSpecification` for example; they win.

        Returns:
            The table, of the boto3 resource.

        Raises:
            botocore.exceptions.ClientError: The API refused, for there is such a table already, for example.
            WaitForTimeoutError: It did not become active within 60 s.
        """
        definition = {"TableName": table_name, "BillingMode": "PAY_PER_REQUEST", **KeySchema(schema).definition()}
        table = self.resource(node).create_table(**{**definition, **more})

        def is_active() -> bool:
            table.reload()
            return bool(table.table_status == "ACTIVE")

        wait_for(is_active, step=0.1, timeout=_TABLE_SECONDS, text=f"table {table_name} is active")
        return table

    def batch_write_actions(
        self,
        node: "Node | None" = None,
        new_items: Sequence[Mapping[str, Any]] = (),
        delete_items: Sequence[Mapping[str, Any]] = (),
        schema: KeySchema | str = KeySchema.HASH_AND_RANGE,
        table_name: str = TABLE_NAME,
    ) -> None:
        """Write and delete items, 25 a request; what the API leaves unprocessed is sent again.

        Args:
            node: Whom to ask.
            new_items: Items to put, whole.
            delete_items: Items, or keys, to delete.
            schema: The table's keys.
            table_name: The table.

        Raises:
            botocore.exceptions.ClientError: The API refused.
        """
        keys = KeySchema(schema)
        with self.resource(node).Table(table_name).batch_writer() as batch:
            for item in new_items:
                batch.put_item(Item=dict(item))
            for item in delete_items:
                batch.delete_item(Key=keys.key_of(item))

    def scan_table(self, node: "Node | None" = None, table_name: str = TABLE_NAME, **more: Any) -> list[dict[str, Any]]:
        """Return all items of a table, page after page.

        Args:
            node: Whom to ask.
            table_name: The table.
            **more: Further arguments of `Scan`, `ConsistentRead` for example.

        Raises:
            botocore.exceptions.ClientError: The API refused.
        """
        table = self.resource(node).Table(table_name)
        page = table.scan(**more)
        items: list[dict[str, Any]] = page["Items"]
        while last := page.get("LastEvaluatedKey"):
            page = table.scan(**{**more, "ExclusiveStartKey": last})
            items += page["Items"]
        return items

    def close(self) -> None:
        """Close the clients' connections."""
        made, self._made = self._made, {}
        for (kind, _), connected in made.items():
            (connected if kind == "client" else connected.meta.client).close()
