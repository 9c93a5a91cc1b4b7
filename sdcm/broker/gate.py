"""Lets things be made until the run ends, and lets teardown wait for what is just being made."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sdcm.errors import Interrupted


class Gate:
    """Open until closed; counts who is between asking for an object and its existence.

    Teardown closes the gate, waits until nobody is inside, and only then removes: so nothing can
    come into being after it looked.
    """

    def __init__(self) -> None:
        """Start open, with nobody inside."""
        self._change = threading.Condition()
        self._inside = 0
        self._closed = False

    def enter(self) -> None:
        """Begin to make something.

        Raises:
            Interrupted: The run ends.
        """
        with self._change:
            if self._closed:
                raise Interrupted("nothing more is started", why="the run ends")
            self._inside += 1

    def leave(self) -> None:
        """Say that it exists, or never will."""
        with self._change:
            self._inside -= 1
            self._change.notify_all()

    @contextmanager
    def making(self) -> Iterator[None]:
        """Make something inside the block.

        Raises:
            Interrupted: The run ends.
        """
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def close(self, deadline: float) -> bool:
        """Let nobody in any more and wait until nobody is inside.

        Returns:
            Whether that was so within `deadline` seconds.
        """
        end = time.monotonic() + deadline
        with self._change:
            self._closed = True
            while self._inside:
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._change.wait(left)
            return True
