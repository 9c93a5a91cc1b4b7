"""Random values and rows for tables, the same for the same seed."""

import datetime
import decimal
import ipaddress
import random
import re
import string
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sdcm.errors import UsageProblem

_LETTERS = string.ascii_letters + string.digits + " äßé€漢"
_LENGTH = 12
_ITEMS = 4
_WHOLE = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64, "varint": 96}
#: Milliseconds of times: until 2100.
_LATEST = 4_102_444_800_000
_DAYS = 47_482


class RandomValues:
    """Makes values for columns.

    Args:
        seed: What makes them the same again.
    """

    def __init__(self, seed: int | str) -> None:
        self.seed = seed
        self.random = random.Random(seed)  # noqa: S311 - nothing here is secret
        self._simple: dict[str, Callable[[], Any]] = {
            "ascii": lambda: self.text(string.ascii_letters),
            "blob": lambda: self.random.randbytes(_LENGTH),
            "boolean": lambda: self.random.random() < 0.5,
            "date": lambda: datetime.date(1970, 1, 1) + datetime.timedelta(days=self.random.randrange(_DAYS)),
            "decimal": lambda: decimal.Decimal(self.random.randrange(-(10**9), 10**9)) / 1000,
            "double": lambda: self.random.uniform(-1e9, 1e9),
            # Those that 32 bits hold exactly, so that what is read equals what was written.
            "float": lambda: float(self.random.randrange(-(2**20), 2**20)) / 64,
            "inet": lambda: str(ipaddress.IPv4Address(self.random.getrandbits(32))),
            "text": lambda: self.text(_LETTERS),
            "time": lambda: self.random.randrange(86_400 * 10**9),
            "timestamp": lambda: datetime.datetime(1970, 1, 1) + datetime.timedelta(
                milliseconds=self.random.randrange(_LATEST)
            ),
            "timeuuid": lambda: uuid.UUID(int=self.random.getrandbits(128), version=1),
            "uuid": lambda: uuid.UUID(int=self.random.getrandbits(128), version=4),
            "varchar": lambda: self.text(_LETTERS),
        }  # fmt: skip

    def text(self, letters: str, length: int = _LENGTH) -> str:
        """Return a text of so many of these letters."""
        return "".join(self.random.choices(letters, k=length))

    def value(self, cql_type: str) -> Any:
        """Return a value for a column.

        Args:
            cql_type: Its type as CQL writes it: `int`, `frozen<list<text>>`, `vector<float, 3>`.

        Raises:
            UsageProblem: No value of that type can be made up: counters, types of the schema's own.
        """
        name, inner = _parts(cql_type)
        if name in self._simple:
            return self._simple[name]()
        if name in _WHOLE:
            return self.random.getrandbits(_WHOLE[name]) - 2 ** (_WHOLE[name] - 1)
        return self._of_several(name, inner, cql_type)

    def _of_several(self, name: str, inner: list[str], cql_type: str) -> Any:
        makers: dict[str, Callable[[], Any]] = {
            "frozen": lambda: self.value(inner[0]),
            "list": lambda: [self.value(inner[0]) for _ in range(self._count())],
            "set": lambda: {_hashable(self.value(inner[0])) for _ in range(self._count())},
            "map": lambda: {_hashable(self.value(inner[0])): self.value(inner[1]) for _ in range(self._count())},
            "tuple": lambda: tuple(self.value(one) for one in inner),
            "vector": lambda: [self.value(inner[0]) for _ in range(int(inner[1]))],
        }
        if name not in makers:
            raise UsageProblem(f"no random value can be made for the type {cql_type}")
        return makers[name]()

    def _count(self) -> int:
        # An empty collection is read back as null.
        return self.random.randint(1, _ITEMS)

    def rows(self, columns: Mapping[str, str], count: int, key: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Return rows.

        Args:
            columns: Name of a column to its type.
            count: How many rows.
            key: Columns of the primary key: no two rows have the same.

        Raises:
            UsageProblem: A type has no random values, or the key too few for so many rows.
        """
        found: dict[Any, dict[str, Any]] = {}
        for tries in range(count * 20):
            if len(found) == count:
                break
            row = {name: self.value(cql_type) for name, cql_type in columns.items()}
            found.setdefault(tuple(map(repr, (row[name] for name in key))) if key else tries, row)
        if len(found) < count:
            raise UsageProblem(f"a key of {', '.join(key)} has too few values for {count} rows")
        return list(found.values())


def _hashable(value: Any) -> Any:
    """Return the value in a form that sets and maps take, and the driver takes for it."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_hashable, value))
    return frozenset(value) if isinstance(value, set) else value


def _parts(cql_type: str) -> tuple[str, list[str]]:
    """Return a type's name and the types between its brackets."""
    name, _, rest = cql_type.strip().partition("<")
    inner, depth = [""], 0
    for letter in rest.strip()[:-1]:
        depth += (letter == "<") - (letter == ">")
        if letter == "," and not depth:
            inner.append("")
        else:
            inner[-1] += letter
    return re.sub(r"\s", "", name).lower(), [one.strip() for one in inner if one.strip()]
