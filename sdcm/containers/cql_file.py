"""Files of CQL statements: cut into statements, and executed by a session."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm.errors import UsageProblem

if TYPE_CHECKING:
    from cassandra.cluster import Session

#: What may hold a semicolon that ends no statement: texts, names, code, comments.
_PIECE = re.compile(
    r"(?P<comment>--[^\n]*|//[^\n]*|/\*.*?\*/)|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$\$.*?\$\$|(?P<end>;)", re.DOTALL
)
_BATCH = re.compile(r"\s*BEGIN\s+(?:(?:UNLOGGED|COUNTER)\s+)?BATCH\b", re.IGNORECASE)
_BATCH_ENDS = re.compile(r"\bAPPLY\s+BATCH\s*$", re.IGNORECASE)
_SHOWN = 60


@dataclass(frozen=True)
class Statement:
    """One statement of a file.

    Attributes:
        text: The statement, without comments and the semicolon.
        line: Line of the file that it begins on, from 1.
    """

    text: str
    line: int


def statements(text: str) -> Iterator[Statement]:
    """Cut a text into statements at the semicolons that end one; a batch is one statement."""
    taken, begun = "", 0
    for start, part, kind in _parts(text):
        if not taken.strip():
            taken, begun = "", start
        if kind == "comment":
            taken += " "
        elif kind != "end" or (_BATCH.match(taken) and not _BATCH_ENDS.search(taken)):
            taken += part
        else:
            if taken.strip():
                yield Statement(taken.strip(), text.count("\n", 0, begun) + 1)
            taken = ""
    if taken.strip():
        yield Statement(taken.strip(), text.count("\n", 0, begun) + 1)


def _parts(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield where each part begins, the part, and `comment` or `end` where it is one of these."""
    position = 0
    for piece in [*_PIECE.finditer(text), None]:
        plain = text[position : piece.start() if piece else len(text)]
        if plain.strip():
            yield position + len(plain) - len(plain.lstrip()), plain, ""
        elif plain:
            yield position, plain, ""
        if piece:
            yield piece.start(), piece[0], piece.lastgroup or ""
            position = piece.end()


def apply_file(session: "Session", path: Path) -> int:
    """Execute the statements of a file one after the other.

    Args:
        session: Who executes them; names without a keyspace are in its own.
        path: The file, in UTF-8.

    Returns:
        How many there were.

    Raises:
        FileNotFoundError: There is no such file.
        UsageProblem: The database refused one; says where it is.
    """
    from cassandra import DriverException

    found = list(statements(path.read_text(encoding="utf-8")))
    for statement in found:
        try:
            session.execute(statement.text)
        except DriverException as exc:
            shown = " ".join(statement.text.split())
            shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
            raise UsageProblem(f"{path}:{statement.line}: `{shown}` was refused", why=str(exc)) from exc
    return len(found)
