"""Kinds of event that are not tied to one tool."""

from dataclasses import dataclass

from sdcm.events.continuous import ContinuousEvent
from sdcm.events.event import Event
from sdcm.events.severity import Severity


@dataclass(kw_only=True, eq=False)
class InfoEvent(Event):
    """Something worth knowing; never worse than normal."""


@dataclass(kw_only=True, eq=False)
class TestFrameworkEvent(Event):
    """The test's own machinery failed.

    Attributes:
        source: Which part of it.
    """

    __test__ = False  # pytest is not to collect it

    severity: Severity = Severity.ERROR
    source: str = ""


@dataclass(kw_only=True, eq=False)
class NodetoolEvent(ContinuousEvent):
    """One call of nodetool.

    Attributes:
        node: Where.
        nodetool_command: Sub-command with its arguments.
        options: Options before the sub-command.
    """

    node: str = ""
    nodetool_command: str = ""
    options: str = ""


@dataclass(kw_only=True, eq=False)
class StressEvent(ContinuousEvent):
    """One run of a stress tool; each tool has a kind of its own below it.

    Attributes:
        node: The loader it runs on.
        stress_cmd: Its command line.
    """

    node: str = ""
    stress_cmd: str = ""
