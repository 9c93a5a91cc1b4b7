"""What the scheduler uses of the world outside: xdist's workers, the services' state, the report of a mismatch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

#: Tells by a service's label whether tests that need it would start at once.
Ready = Callable[[str], bool]
#: Seconds each test took before, by node id.
Durations = Mapping[str, float]
#: User property of a test's set-up report: seconds it waited for its services, which are none of its own.
WAITED_PROPERTY = "sct_waited"
#: Reports that a worker collected other tests than the rest: the worker's id and what differs.
ReportMismatch = Callable[[str, str], None]
#: Notes what the scheduler does, for `--debug`.
Log = Callable[..., None]


class Gateway(Protocol):
    """The connection to a worker process."""

    @property
    def id(self) -> str:
        """Name of the worker, for example `gw0`."""


class Worker(Protocol):
    """A worker as xdist's controller sees it (its `WorkerController`).

    A worker starts a test only when it also holds the one after it, or was told to shut down. A
    shutdown is final: what is sent later is never run.
    """

    @property
    def gateway(self) -> Gateway:
        """The connection to it."""

    @property
    def shutting_down(self) -> bool:
        """Whether it ends after what it holds, or has ended."""

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        """Append tests, by their place in the worker's own collection, to what it holds.

        Raises:
            OSError: The worker is gone.
        """

    def shutdown(self) -> None:
        """Let it run what it holds, and end."""
