"""Events: what tests and the threads they start tell about what happened."""

import contextlib
import logging
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sdcm.events import registry
from sdcm.events.severity import Severity

if TYPE_CHECKING:
    from sdcm.events.device import EventsDevice

_LOG = logging.getLogger(__name__)
_LOG_LEVELS = {
    Severity.SUPPRESS: logging.DEBUG,
    Severity.DEBUG: logging.DEBUG,
    Severity.UNKNOWN: logging.INFO,
    Severity.NORMAL: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.ERROR: logging.ERROR,
    Severity.CRITICAL: logging.CRITICAL,
}


@dataclass(kw_only=True, eq=False)
class Event:
    """Something that happened at one moment.

    Make a kind of event by subclassing, with fields of its own:

        @dataclass(kw_only=True, eq=False)
        class CompactionEvent(Event):
            node: str
            table: str = ""

        CompactionEvent(node="n1", severity=Severity.WARNING).publish()

    The event may be changed and published again: who receives it keeps a copy of what it was.

    Attributes:
        severity: How bad it is.
        type: Finer kind, below the class.
        subtype: Finer still.
        message: What happened.
        source_timestamp: Epoch seconds at which its source (a database log, say) saw it, if it has one.
        save_to_files: Whether it shows among the events by category.
        event_id: One id for all that is published of it.
    """

    #: Set on kinds that steer the event system itself; they are handled and not stored.
    is_system: ClassVar[bool] = False
    #: What a line calls the moment it speaks of.
    period_type: ClassVar[str] = "one-time"

    severity: Severity = Severity.NORMAL
    type: str = ""
    subtype: str = ""
    message: str = ""
    source_timestamp: float | None = None
    save_to_files: bool = True
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def base(self) -> str:
        """Name of its kind."""
        return type(self).__name__

    def attributes(self) -> dict[str, Any]:
        """Return what there is to tell about it now: kind, fields, period."""
        own = {item.name: getattr(self, item.name) for item in fields(self)}
        return {"base": self.base, "period_type": self.period_type, **own}

    def publish(self, device: "EventsDevice | None" = None) -> None:
        """Tell the event system in use, or the given one; where there is none, the log.

        Args:
            device: Who is told; the innermost active device when omitted.
        """
        receiver = device or registry.active()
        if receiver is None:
            _LOG.log(_LOG_LEVELS[self.severity], "%s", format_line(self.attributes(), time.time()))
        else:
            receiver.publish(self)


#: Attributes at the front of a line, or not shown on it.
_NOT_IN_THE_TAIL = {"base", "severity", "period_type", "event_id", "duration", "source_timestamp", "save_to_files"}


def format_line(attributes: dict[str, Any], at: float) -> str:
    """Return an event as one entry of a log.

    `2026-01-31 12:00:00.000: (InfoEvent Severity.NORMAL) period_type=one-time event_id=...: message=...`, with
    the source's own time in angle brackets behind the first where there is one.

    Args:
        attributes: As `Event.attributes` gives them.
        at: Epoch seconds at which it was published.
    """
    when = _time(at)
    if attributes.get("source_timestamp") is not None:
        when += f" <{_time(attributes['source_timestamp'])}>"
    head = f"{when}: ({attributes['base']} {attributes['severity']!s})"
    head += f" period_type={attributes['period_type']} event_id={attributes['event_id']}"
    if attributes.get("duration"):
        head += f" duration={attributes['duration']}"
    tail = " ".join(_pairs(attributes))
    return f"{head}: {tail}" if tail else head


def _pairs(attributes: dict[str, Any]) -> Iterator[str]:
    for name, value in attributes.items():
        if name in _NOT_IN_THE_TAIL or value in ("", None, [], {}):
            continue
        yield f"{name}=" + ("\n".join(map(str, value)) if isinstance(value, list) else str(value))


def _time(at: float) -> str:
    with contextlib.suppress(OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(at).astimezone().isoformat(sep=" ", timespec="milliseconds")[:23]
    return str(at)
