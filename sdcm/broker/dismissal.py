"""Takes a service down as soon as no test to come needs it, while other tests still run.

pytest's controller says that the last test that needs a service has ended. By then a worker may still look at what that
test has left, and leases on the service may still be given back; the service goes when all of that is over, too.
"""

import threading
from collections import Counter
from collections.abc import Callable

#: Takes a service down, given its label; returns at once.
Dismiss = Callable[[str], None]


class Dismissal:
    """Which services are needed no more, and what still uses them; safe to use from several threads."""

    def __init__(self, dismiss: Dismiss, *, is_watched: Callable[[str], bool], times: int = 1) -> None:
        """Dismiss nothing yet.

        Args:
            dismiss: Called once for each service, from whichever thread finds that it may go.
            is_watched: Whether a test that needs a service is being watched for what it leaves.
            times: How many sessions of pytest there will be (`--repeat`): each of them says that it is done.
        """
        self._dismiss = dismiss
        self._is_watched = is_watched
        self._times = times
        self._lock = threading.Lock()
        self._done: Counter[str] = Counter()
        self._uses: Counter[str] = Counter()
        self._gone: set[str] = set()

    def unneeded(self, service: str) -> None:
        """Note that the last test that needs a service has ended in this session of pytest."""
        with self._lock:
            self._done[service] += 1
        self.look()

    def use(self, service: str) -> None:
        """Note that something on the service is being made; it stays until `used` is called as often."""
        with self._lock:
            self._uses[service] += 1

    def used(self, service: str) -> None:
        """Note that it is gone again."""
        with self._lock:
            self._uses[service] -= 1
        self.look()

    def is_gone(self, service: str) -> bool:
        """Whether it was dismissed."""
        with self._lock:
            return service in self._gone

    def look(self) -> None:
        """Dismiss what may go now; to be called whenever that may have changed."""
        with self._lock:
            free = [
                service
                for service, sessions in self._done.items()
                if sessions >= self._times
                and not self._uses[service]
                and service not in self._gone
                and not self._is_watched(service)
            ]
            self._gone.update(free)
        for service in free:
            self._dismiss(service)
