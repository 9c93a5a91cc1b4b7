"""The lines of a log: which one says most, and when they were written."""

import re
from datetime import UTC, datetime

_FATAL = re.compile(r"\b(?:FATAL|CRITICAL|PANIC|panic:|OutOfMemoryError|Segmentation fault|core dumped)\b|^fatal ")
_ERROR = re.compile(r"\b(?:ERROR|[A-Z]\w*(?:Exception|Error):)|\b[Ee]rror:")
_STAMP = re.compile(r"^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d\.\d{3})\d*(?:Z|[+-]\d\d:\d\d) ?", re.MULTILINE)
#: Docker's stamp before a line that begins with its writer's own.
_TWICE = re.compile(_STAMP.pattern + r"(?=(?:\w+ +)?(?:\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d))", re.MULTILINE)
#: Characters of a line that are told.
_LONGEST = 300


def short_stamps(text: str) -> str:
    """Return a log that docker has stamped: the time of day (UTC) before each line that has none of its own."""
    return _STAMP.sub(r"\1 ", _TWICE.sub("", text))


def worst_line(text: str) -> str:
    """Return the last line that tells of something fatal, else the last that tells of an error; empty without one."""
    for pattern in (_FATAL, _ERROR):
        found = [line for line in text.splitlines() if pattern.search(line)]
        if found:
            return shown(found[-1])
    return ""


def last_line(text: str) -> str:
    """Return the last line that says anything."""
    return next((shown(line) for line in reversed(text.splitlines()) if line.strip()), "")


def shown(line: str) -> str:
    """Return a line as short as a line should be."""
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def time_of_day(at: float) -> str:
    """Return the time of day (UTC) to the millisecond."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3]


def seconds_of(stamp: str) -> float:
    """Return epoch seconds of a time as docker writes it; 0 for one that is not set or cannot be read."""
    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*(Z|[+-]\d\d:\d\d)$", stamp)
    if match is None:
        return 0.0
    zone = "+00:00" if match[3] == "Z" else match[3]
    at = datetime.fromisoformat(f"{match[1]}{match[2] or ''}{zone}")
    return at.timestamp() if at.year > 1 else 0.0
