"""What Ctrl-C, SIGTERM and a closed terminal do to a run."""

import signal
from types import FrameType, TracebackType
from typing import Any

from sdcm.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Counts requests to stop; outside pytest's time the first one ends the run at once.

    Attributes:
        count: Requests so far.
        deferred: A request is only counted: whoever waits passes it on.
        keys_are_pytests: pytest has the terminal: a Ctrl-C reaches it from there, and may be meant for a debugger.
            It is no request to us.
    """

    def __init__(self) -> None:
        """Start at none."""
        self.count = 0
        self.deferred = False
        self.keys_are_pytests = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interrupts":
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.keys_are_pytests and number == signal.SIGINT:
            return
        self.count += 1
        if not self.deferred and self.count == 1:
            raise Interrupted("interrupted", why=signal.Signals(number).name)
