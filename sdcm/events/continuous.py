"""Events that last: they begin, may gather errors, and end."""

import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sdcm.events import registry
from sdcm.events.event import Event
from sdcm.events.severity import Severity

if TYPE_CHECKING:
    from sdcm.events.device import EventsDevice


@dataclass(kw_only=True, eq=False)
class ContinuousEvent(Event):
    """Something with a beginning and an end, published at both under one id.

    Best as a context manager; what escapes from its body makes it an error that carries the traceback:

        with NodetoolEvent(node="n1", nodetool_command="flush"):
            ...

    Attributes:
        errors: What went wrong while it lasted.
        log_file_name: Where what happened meanwhile was written, if anywhere.
    """

    errors: list[str] = field(default_factory=list)
    log_file_name: str = ""
    _period: str = field(default="not-set", init=False, repr=False)
    _began: float | None = field(default=None, init=False, repr=False)
    _ended: float | None = field(default=None, init=False, repr=False)
    _device: "EventsDevice | None" = field(default=None, init=False, repr=False)

    @property
    def duration_seconds(self) -> float | None:
        """Seconds it lasted, None while it lasts."""
        if self._began is None or self._ended is None:
            return None
        return self._ended - self._began

    @property
    def duration(self) -> str:
        """How long it lasted as text such as `1.500s`; empty while it lasts."""
        seconds = self.duration_seconds
        return "" if seconds is None else f"{seconds:.3f}s"

    @property
    def is_running(self) -> bool:
        """Whether it began and has not ended."""
        return self._began is not None and self._ended is None

    def attributes(self) -> dict[str, Any]:
        """Return what there is to tell about it now, its period and duration too."""
        own = {name: value for name, value in super().attributes().items() if not name.startswith("_")}
        own["errors"] = list(self.errors)
        return {**own, "period_type": self._period, "duration": self.duration}

    def begin_event(self, device: "EventsDevice | None" = None) -> Self:
        """Publish its beginning.

        Args:
            device: Who is told, of the end too; the innermost active device when omitted.

        Raises:
            RuntimeError: It has begun already.
        """
        if self._began is not None:
            raise RuntimeError(f"{self.base} {self.event_id} has begun already")
        self._device = device or registry.active()
        self._began, self._period = time.monotonic(), "begin"
        self.publish(self._device)
        return self

    def end_event(self) -> None:
        """Publish its end, with how long it lasted; an end without a beginning, or a second one, is not told.

        What begins under a device ends there, even if another is in use by then.
        """
        if not self.is_running:
            return
        self._ended, self._period = time.monotonic(), "end"
        self.publish(self._device)

    def add_error(self, errors: Iterable[str] | None) -> None:
        """Note what went wrong; a single text counts as one error."""
        self.errors.extend([errors] if isinstance(errors, str) else errors or ())

    def __enter__(self) -> Self:
        return self.begin_event()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.severity = max(self.severity, Severity.ERROR)
            self.add_error(["".join(traceback.format_exception(error)).rstrip()])
        self.end_event()
