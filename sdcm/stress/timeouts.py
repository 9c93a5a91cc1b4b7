"""The event of a tool that takes longer than it was meant to."""

from dataclasses import dataclass

from sdcm.events.event import Event
from sdcm.events.severity import Severity


@dataclass(kw_only=True, eq=False)
class SoftTimeoutEvent(Event):
    """A stress tool still runs past its soft timeout; it goes on.

    Attributes:
        node: The loader.
        soft_timeout: Seconds.
    """

    severity: Severity = Severity.WARNING
    node: str = ""
    soft_timeout: float = 0.0
