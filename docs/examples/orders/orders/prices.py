"""What orders cost; knows no database."""

from collections.abc import Iterable
from decimal import Decimal


def total(prices: Iterable[Decimal], discount_percent: int = 0) -> Decimal:
    """Return the sum of some prices, rounded to cents, after a discount."""
    return (sum(prices, Decimal(0)) * (100 - discount_percent) / 100).quantize(Decimal("0.01"))
