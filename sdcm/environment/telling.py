"""Progress of work that looks around often: said when it changes, and every other second.

Unlike a `Heartbeat` this has no thread: the step is asked in the work's own loop, so a cancelled or overdue
step ends the work at once.
"""

import time

from sdcm.environment.step import Step

_SILENCE = 1.9


class Teller:
    """Says what a loop is doing."""

    def __init__(self, step: Step, text: str) -> None:
        """Begin with `text` and say it."""
        self._step = step
        self._text = ""
        self._since = self._said_at = 0.0
        self.now(text)

    def now(self, text: str) -> None:
        """Another activity begins; it is said at once.

        Raises:
            SctError: The step was cancelled or its time is up.
        """
        if text != self._text:
            self._text, self._since = text, time.monotonic()
            self._say(text)

    def still(self, state: str = "") -> None:
        """It goes on; said when nothing was said for a while.

        Args:
            state: Stands for the activity's text, for example with a new size.

        Raises:
            SctError: The step was cancelled or its time is up.
        """
        if time.monotonic() - self._said_at >= _SILENCE:
            self._say(f"{state or self._text} ({time.monotonic() - self._since:.0f} s)")

    def _say(self, text: str) -> None:
        self._said_at = time.monotonic()
        self._step.say(text)
