"""Rows of ours as a terminal can show them: broken between words, the rest below the words of the first row."""

import re

#: A row is a name and what is said of it, from this column on; see `sdcm.reporters.terminal.row_of`.
_SAID = 19
#: Column from which a word is shown that is too long for a row like the others: a path, a test's name.
_LONG = 4
#: Columns below which a column for names leaves too few for what is said.
_NARROW = 50
#: What is copied from the screen as a whole: a command, or what to export.
_WHOLE = re.compile(r"`[^`]*`|\bexport \S+")
_KEPT = "\x00"


def folded(row: str, columns: int) -> list[str]:
    """Return a row as several that fit into a terminal, where its words let them.

    Left to itself, a terminal breaks a row at its last column, amid a word. Long words, such as a path or a test's
    name, have a row of their own, so that they can be copied whole, and commands are not broken either.

    Args:
        row: Without its line's end.
        columns: The terminal's width.
    """
    if len(row) <= columns or not row.startswith("  ") or columns < _NARROW:
        return [row]
    kept = _WHOLE.sub(lambda found: found[0].replace(" ", _KEPT), row)
    # The name's own blanks are no place to break it; a longer one ends with the first blank after it.
    ends = max(_SAID, kept.find(" ", _SAID - 1) + 1)
    rows, current, has_room = [], kept[:ends], True
    for word in kept[ends:].split():
        blank = "" if current.endswith(" ") else " "
        if has_room and len(current) + len(blank) + len(word) <= columns:
            current += blank + word
            continue
        if current.strip():
            rows.append(current.rstrip())
        has_room = _SAID + len(word) <= columns
        current = " " * (_SAID if has_room else _LONG) + word
    return [each.replace(_KEPT, " ") for each in (*rows, current)]
