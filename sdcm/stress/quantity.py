"""Figures with their units, as a tool printed them."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

_UNITS_IN_MS = {
    "ns": Decimal("0.000001"),
    "us": Decimal("0.001"),
    "µs": Decimal("0.001"),  # the micro sign
    "μs": Decimal("0.001"),  # the Greek letter
    "ms": Decimal(1),
    "s": Decimal(1000),
    "m": Decimal(60_000),
    "h": Decimal(3_600_000),
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)")
_BARE = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Quantity:
    """One figure of a tool's summary.

    Attributes:
        text: Its digits as the tool printed them, without thousands separators.
        unit: What they count: `op/s`, `ms`, `partitions`, ... ; empty for a bare number.
    """

    text: str
    unit: str = ""

    @property
    def value(self) -> Decimal:
        """The figure, exact.

        Raises:
            ValueError: The text is no number (a time of day, say).
        """
        try:
            return Decimal(self.text)
        except InvalidOperation:
            raise ValueError(f"{self.text!r} is no number") from None

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        return f"{self.text} {self.unit}".rstrip()


def milliseconds(text: str) -> Decimal:
    """Return a duration as Go programs print it (`8.5s`, `18.1ms`, `5.9µs`, `9h0m0.02s`) in milliseconds, exact.

    Args:
        text: The duration; a bare number is in milliseconds already.

    Raises:
        ValueError: It is none.
    """
    given = text.strip()
    if _BARE.fullmatch(given):
        return Decimal(given)
    parts = _PART.findall(given)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != given:
        raise ValueError(f"{text!r} is no duration")
    return sum((Decimal(number) * _UNITS_IN_MS[unit] for number, unit in parts), Decimal(0))


def plain(number: Decimal) -> str:
    """Return a number's digits without exponent and trailing zeros."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
