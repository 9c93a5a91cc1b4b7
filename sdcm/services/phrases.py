"""How people write services down: sections of a docstring, items of a list, words of an item."""

import inspect
import re
from collections.abc import Iterator, Sequence

from sdcm.services.table import CLOUD_LABELS, LABELS, SERVICES

_HEADING = re.compile(r"(?P<indent>\s*)[*_]*external\s+services?[*_]*\s*:[*_]*\s*(?P<rest>.*)", re.IGNORECASE)
_WORD = re.compile(r"external\s", re.IGNORECASE)
_OTHER_HEADING = re.compile(r"[A-Z][\w ]*:(\s|$)")
_BULLET = re.compile(r"\s*(?:[-*+]|\d+[.)])\s+")
_JOINTS = re.compile(r"[,;+/&]|\band\b", re.IGNORECASE)
_PARENTHESES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_NONE = re.compile(r"\b(?:none|nothing|n/a|not needed|no external services?|no services?)\b|^[-\u2013\u2014]$")
_NOT_REAL = re.compile(r"\b(?:moto|mock\w*|fake\w*|emulated|simulated|stubbed)\b")


def sections(text: str) -> Iterator[list[str]]:
    """Yield the lines of each `External services:` section of a docstring, without heading and bullets."""
    if not _WORD.search(text):  # most docstrings say nothing of the kind
        return
    lines = inspect.cleandoc(text).splitlines()
    while lines:
        heading = _HEADING.fullmatch(lines.pop(0))
        if heading is None:
            continue
        rest = heading["rest"].strip()
        section = [rest] if rest else []
        while not section and lines and not lines[0].strip():
            del lines[0]
        # With its items below it, a heading that opens the docstring has them on its own level: cleandoc.
        loose = not rest and bool(lines) and not _BULLET.match(lines[0]) and not _OTHER_HEADING.match(lines[0])
        indent = len(heading["indent"]) - loose
        while lines and _continues(lines[0], indent, section):
            section.append(_BULLET.sub("", lines.pop(0), count=1).strip())
        yield section


def _continues(line: str, indent: int, section: Sequence[str]) -> bool:
    if not line.strip() or _HEADING.fullmatch(line):
        return False
    deeper = len(line) - len(line.lstrip()) > indent
    return deeper or _BULLET.match(line) is not None or (bool(section) and _is_unfinished(section))


def _is_unfinished(section: Sequence[str]) -> bool:
    text = " ".join(section)
    return text.endswith((",", ";", "+", "/", "&")) or text.count("(") > text.count(")")


def items(section: Sequence[str]) -> list[str]:
    """Split lines into items at commas, semicolons, `and`, `+`, `/` and `&` that stand outside parentheses.

    A line that ends within parentheses goes on in the next.
    """
    found: list[str] = []
    text = ""
    for line in section:
        text = f"{text} {line}".strip()
        if text.count("(") > text.count(")"):
            continue
        found.extend(_split(text))
        text = ""
    found.extend(_split(text))
    return found


def _split(text: str) -> list[str]:
    hidden = _PARENTHESES.sub(lambda match: "\0" * len(match[0]), text)
    # "n/a" is one word, not two items.
    hidden = re.sub(r"\bn/a\b", "\0\0\0", hidden, flags=re.IGNORECASE)
    ends = [(match.start(), match.end()) for match in _JOINTS.finditer(hidden)]
    starts = [0, *(end for _, end in ends)]
    stops = [*(start for start, _ in ends), len(text)]
    pieces = (text[start:stop].strip().rstrip(".").strip("`*_ ") for start, stop in zip(starts, stops, strict=True))
    return [piece for piece in pieces if piece]


def meaning(item: str) -> set[str] | None:
    """Return the labels one item stands for, None when it names no service.

    What stands outside parentheses decides, what stands inside helps where that says nothing. A label's own
    name wins over the names of what it covers, so that `S3 storage in Docker` is docker. A cloud that is said
    to be mocked is not needed.
    """
    lowered = item.lower()
    outside = _PARENTHESES.sub(" ", lowered).strip()
    if _NONE.search(outside):
        return set()
    labels = _labels_in(outside) or _labels_in(lowered)
    if _NOT_REAL.search(lowered):
        return labels - CLOUD_LABELS
    return labels or None


def _labels_in(text: str) -> set[str]:
    named = {label for label in LABELS if re.search(rf"\b{label}\b", text)}
    if named:
        return named
    return {row.label for row in SERVICES for word in row.words if re.search(rf"\b{word}s?\b", text)}
