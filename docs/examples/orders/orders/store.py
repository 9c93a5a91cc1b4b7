"""Orders in the database."""

from decimal import Decimal
from typing import Any


class OrderStore:
    """Stores orders through a session of the driver that is in the keyspace with `schema.cql`."""

    def __init__(self, session: Any) -> None:
        """Prepare the statements."""
        self._session = session
        self._insert = session.prepare("INSERT INTO orders (customer, number, item, price) VALUES (?, ?, ?, ?)")
        self._select = session.prepare("SELECT item, price FROM orders WHERE customer = ?")

    def add(self, customer: str, number: int, item: str, price: Decimal) -> None:
        """Store an order; the same number again replaces it."""
        self._session.execute(self._insert, (customer, number, item, price))

    def of(self, customer: str) -> list[tuple[str, Decimal]]:
        """Return a customer's orders as (item, price), by number."""
        return [(row.item, row.price) for row in self._session.execute(self._select, (customer,))]
