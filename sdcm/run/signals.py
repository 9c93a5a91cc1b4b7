"""What Ctrl-C, SIGTERM, a closed terminal and SIGUSR1 do to a run."""

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
        asked: How often SIGUSR1 has asked what goes on right now.
        keys_are_pytests: pytest has the terminal: a Ctrl-C reaches it from there, and may be meant for a debugger.
            It is no request to us.
    """

    def __init__(self) -> None:
        """Start at none."""
        self.count = 0
        self.asked = 0
        self.deferred = False
        self.keys_are_pytests = False
        self._before: dict[signal.Signals, Any] = {}
        self._last = ""

    def __enter__(self) -> "Interrupts":
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        self._before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """End the run when it was asked to stop: Python swallows what is raised in the callbacks of an import.

        Raises:
            Interrupted: There was a request.
        """
        if self.count:
            raise Interrupted("interrupted", why=self._last)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.keys_are_pytests and number == signal.SIGINT:
            return
        self.count += 1
        self._last = signal.Signals(number).name
        if not self.deferred and self.count == 1:
            self.check()
