"""Reads the fields of a journal's record; what is not as it should be counts as nothing."""

from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]
#: Times and lengths beyond it, the year 2286, are none, and no calendar holds the greater ones.
_SANE = 1e10


def text(record: Record, key: str) -> str:
    """Return a field as text, empty when it is missing or null."""
    value = record.get(key)
    return "" if value is None else str(value)


def number(record: Record, key: str) -> float:
    """Return a field as a number, 0 when it is missing or none, not finite or beyond all that is measured."""
    return number_or_none(record, key) or 0.0


def number_or_none(record: Record, key: str) -> float | None:
    """Return a field as `number` does, None where that gives 0 for want of one."""
    value = record.get(key)
    # NaN is not between any two.
    return float(value) if isinstance(value, (int, float)) and -_SANE < value < _SANE else None


def items(record: Record, key: str) -> tuple[Any, ...]:
    """Return the items of a field, nothing when it is missing or no list."""
    value = record.get(key)
    return tuple(value) if isinstance(value, (list, tuple)) else ()


def texts(record: Record, key: str) -> tuple[str, ...]:
    """Return the items of a field as texts."""
    return tuple(map(str, items(record, key)))


def pairs(record: Record, key: str) -> tuple[tuple[str, str], ...]:
    """Return the items of a field that are pairs, as texts."""
    found = (item for item in items(record, key) if isinstance(item, (list, tuple)) and len(item) == 2)
    return tuple((str(first), str(second)) for first, second in found)
