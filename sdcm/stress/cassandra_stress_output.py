"""The output of cassandra-stress, which cql-stress keeps to as well: rows while it runs, figures at the end.

Apache Cassandra's documentation, tools/cassandra_stress, shows both.
"""

import re
from collections.abc import Callable, Iterable, Mapping

from sdcm.stress import live
from sdcm.stress.live import Sample
from sdcm.stress.quantity import Quantity
from sdcm.stress.summary import Summary, require, unreadable

_RESULTS, _END = "Results:", "END"
#: The last figure of both tools.
_LAST = "total operation time"
_FIGURE = re.compile(
    r"^(?P<name>[A-Za-z][^:]*?)\s*:\s*(?P<text>\S+)(?:\s+(?P<unit>[^\s\[]+))?(?:\s*\[(?P<parts>.*)\])?\s*$"
)
_PART = re.compile(r"(?P<operation>\w+):\s*(?P<text>[\d,.]+|NaN)")
#: Units of figures that older tools print without.
_UNITS = {"op rate": "op/s", "partition rate": "pk/s", "row rate": "row/s"}
_REQUIRED = ("op rate", "latency mean", "latency 99th percentile")
#: Kind of live figure -> its column, behind the row's name.
_COLUMNS = {
    live.OPS: 1, live.MEAN: 4, live.MEDIAN: 5, live.P95: 6, live.P99: 7, live.P999: 8, live.MAX: 9, live.ERRORS: 12,
}  # fmt: skip
#: The same in rows of cql-stress, which have no name.
_COLUMNS_WITHOUT_NAME = {
    live.OPS: 1, live.MEAN: 2, live.MEDIAN: 3, live.P95: 4, live.P99: 5, live.P999: 6, live.MAX: 7, live.ERRORS: 9,
}  # fmt: skip


def parse_summary(tool: str, output: str) -> Summary:
    """Return the figures behind `Results:`, to `END` where the tool writes it.

    Names are lower-cased (`op rate`, `latency 99th percentile`); of a mixed run each operation's figure stands beside
    under `<name> read`, `<name> write`.

    Raises:
        UnreadableOutput: There are none, they break off, or a figure that must be there is missing.
    """
    _, found, rest = output.rpartition(_RESULTS)
    if not found:
        raise unreadable(tool, output, f"it has no {_RESULTS!r}")
    quantities: dict[str, Quantity] = {}
    for line in map(str.strip, rest.splitlines()):
        if line == _END:
            break
        if match := _FIGURE.match(line):
            name = match["name"].lower()
            unit = match["unit"] or ("ms" if name.startswith("latency") else _UNITS.get(name, ""))
            quantities[name] = Quantity(_digits(match["text"]), unit)
            parts = _PART.findall(match["parts"] or "")
            if len(parts) > 1:
                quantities |= {f"{name} {part.lower()}": Quantity(_digits(text), unit) for part, text in parts}
    if _LAST not in quantities:
        raise unreadable(tool, output, f"its results break off before {_LAST!r}")
    require(tool, output, quantities, _REQUIRED)
    return Summary(quantities)


def _digits(text: str) -> str:
    return text.strip(",").replace(",", "")


def total_rows(operation: str) -> Callable[[str], Iterable[Sample]]:
    """Return a function that reads the rows named `total`."""

    def samples(line: str) -> Iterable[Sample]:
        name, *cells = (cell.strip() for cell in line.split(","))
        return _sample(operation, cells, _COLUMNS) if name == "total" else ()

    return samples


def rows_after_header(operation: str) -> Callable[[str], Iterable[Sample]]:
    """Return a function that reads the rows between the header that begins with `total ops` and `Results:`."""
    inside = False

    def samples(line: str) -> Iterable[Sample]:
        nonlocal inside
        cells = [cell.strip() for cell in line.split(",")]
        if cells[0] == "total ops":
            inside = True
        elif _RESULTS in line:
            inside = False
        elif inside:
            return _sample(operation, cells, _COLUMNS_WITHOUT_NAME)
        return ()

    return samples


def _sample(operation: str, cells: list[str], columns: Mapping[str, int]) -> Iterable[Sample]:
    try:
        values = {kind: float(cells[column]) for kind, column in columns.items() if column < len(cells)}
    except ValueError:
        return ()
    return (Sample(operation, values),) if live.OPS in values else ()
