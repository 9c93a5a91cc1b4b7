"""A step that never falls silent for long."""

import threading
import time
from types import TracebackType
from typing import Self

from sdcm.environment.step import Step

_SILENCE = 2.0
_SETTLE = 0.4


class Heartbeat:
    """Says what is going on while the caller works.

    A new text is said once it has stood for a moment, so that forty cached build steps do not make forty lines, and
    is repeated with the time it has taken every other second.
    """

    def __init__(self, step: Step, text: str) -> None:
        """Begin with `text`; nothing is said before the block is entered."""
        self._step = step
        self._changed = threading.Condition()
        self._text = text
        self._since = self._said_at = time.monotonic()
        self._said = ""
        self._ended = False
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        """Begin to speak."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Fall silent."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    @property
    def text(self) -> str:
        """What is going on now."""
        return self._text

    def now(self, text: str, *, fresh: bool = True) -> None:
        """Set what is going on.

        Args:
            text: One line.
            fresh: It is another activity, whose time starts now; otherwise a new state of the same one.
        """
        with self._changed:
            if text == self._text:
                return
            self._text = text
            if fresh:
                self._since = time.monotonic()
                self._changed.notify()

    def _beat(self) -> None:
        with self._changed:
            while not self._ended:
                self._changed.wait(_SETTLE)
                now = time.monotonic()
                news = self._text != self._said and self._since > self._said_at
                if self._ended or not (now - self._said_at >= _SILENCE or (news and now - self._since >= _SETTLE)):
                    continue
                self._said, self._said_at = self._text, now
                elapsed = now - self._since
                self._step.say(f"{self._text} ({elapsed:.0f} s)" if elapsed >= 1 else self._text)
