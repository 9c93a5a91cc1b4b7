"""How bad an event is, and how bad events of one kind can be at most."""

import functools
import tomllib
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from types import MappingProxyType


class Severity(IntEnum):
    """The severity of an event; the higher the worse."""

    SUPPRESS = -2
    DEBUG = -1
    UNKNOWN = 0
    NORMAL = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4

    def __str__(self) -> str:
        """Return `Severity.NAME`, as event lines show it."""
        return f"Severity.{self.name}"


@functools.cache
def maximums() -> Mapping[str, Severity]:
    """Return the worst severity that events of a kind may have, by the kind's name; unlisted kinds have no limit."""
    table = tomllib.loads(Path(__file__).with_name("severities.toml").read_text())
    return MappingProxyType({name: Severity[value] for name, value in table["maximum"].items()})
