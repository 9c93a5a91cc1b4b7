"""What needs no database: `sct unit-tests` runs it."""

from decimal import Decimal

from orders.prices import total


def test_a_discount_is_rounded_to_cents() -> None:
    """Half a cent goes to the even one."""
    assert total([Decimal("19.90"), Decimal("5.05")], discount_percent=10) == Decimal("22.46")
