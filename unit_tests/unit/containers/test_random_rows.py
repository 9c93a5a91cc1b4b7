import datetime
import decimal
import ipaddress
import uuid

import pytest

from sdcm.containers.random_rows import RandomValues
from sdcm.errors import UsageProblem

TYPES = {
    "ascii": str, "bigint": int, "blob": bytes, "boolean": bool, "date": datetime.date, "decimal": decimal.Decimal,
    "double": float, "float": float, "inet": str, "int": int, "smallint": int, "text": str, "time": int,
    "timestamp": datetime.datetime, "timeuuid": uuid.UUID, "tinyint": int, "uuid": uuid.UUID, "varchar": str,
    "varint": int, "list<int>": list, "frozen<set<text>>": set, "map<text, frozen<list<int>>>": dict,
    "tuple<int, text>": tuple, "vector<float, 3>": list, "set<frozen<list<int>>>": set,
}  # fmt: skip


@pytest.mark.parametrize("cql_type", TYPES)
def test_each_type_has_values_of_its_kind(cql_type: str) -> None:
    values = [RandomValues(seed).value(cql_type) for seed in range(20)]
    assert {type(value) for value in values} == {TYPES[cql_type]}
    assert len({repr(value) for value in values}) > 1


def test_values_fit_their_types() -> None:
    values = RandomValues(1)
    assert {values.value("tinyint") in range(-128, 128) for _ in range(300)} == {True}
    assert len(values.value("vector<float, 3>")) == 3
    assert ipaddress.ip_address(values.value("inet"))
    key, value = next(iter(values.value("map<text, tuple<int, boolean>>").items()))
    assert (type(key), type(value[0]), type(value[1])) == (str, int, bool)


def test_the_same_seed_makes_the_same_rows() -> None:
    columns = dict.fromkeys(TYPES, "") | {name: name for name in TYPES}
    assert RandomValues("7:t").rows(columns, 5) == RandomValues("7:t").rows(columns, 5)
    assert RandomValues("7:t").rows(columns, 5) != RandomValues("8:t").rows(columns, 5)


def test_no_two_rows_have_the_same_key() -> None:
    rows = RandomValues(3).rows({"a": "boolean", "b": "boolean", "v": "text"}, 4, key=["a", "b"])
    assert {(row["a"], row["b"]) for row in rows} == {(a, b) for a in (True, False) for b in (True, False)}
    with pytest.raises(UsageProblem, match="a key of a has too few values for 3 rows"):
        RandomValues(3).rows({"a": "boolean"}, 3, key=["a"])


def test_a_type_without_values_is_named() -> None:
    with pytest.raises(UsageProblem, match="type counter"):
        RandomValues(1).value("counter")
