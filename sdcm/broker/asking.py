"""Whether whoever sent a request still waits for its answer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sdcm.errors import Interrupted


class Asking:
    """One request, as the side that answers it sees it.

    It is given up when its worker dies, or stops waiting (Ctrl-C, a test's deadline): what is being made for it is
    for nobody then, and is taken away at once.
    """

    def __init__(self) -> None:
        """Start as one that is waited for."""
        self._lock = threading.Lock()
        self._given_up = False
        self._actions: list[Callable[[], None]] = []

    @property
    def given_up(self) -> bool:
        """Whether nobody waits for the answer any more."""
        with self._lock:
            return self._given_up

    def give_up(self) -> None:
        """Say that nobody waits any more; calls what `when_given_up` was given, in this thread."""
        with self._lock:
            if self._given_up:
                return
            self._given_up = True
            actions = list(self._actions)
        for action in actions:
            action()

    def require(self) -> None:
        """Do nothing as long as somebody waits.

        Raises:
            Interrupted: Nobody does.
        """
        if self.given_up:
            raise Interrupted("nobody waits for it any more", why="the worker that asked is gone or was interrupted")

    @contextmanager
    def when_given_up(self, action: Callable[[], None]) -> Iterator[None]:
        """Call `action` should the request be given up during the block; at once when it is given up already.

        Args:
            action: Ends what the block waits for; called from another thread, so it must be safe there.
        """
        with self._lock:
            late = self._given_up
            self._actions.append(action)
        try:
            if late:
                action()
            yield
        finally:
            with self._lock:
                self._actions.remove(action)
