"""How a container came to its end, and who wanted it to."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sdcm.containers.engine_client import engine_errors
from sdcm.errors import EnvironmentFailed

if TYPE_CHECKING:
    from docker.models.containers import Container as EngineContainer

_ALIVE = ("created", "running", "paused", "restarting")
#: Seconds that a container must have been down: one that is being restarted from outside is down for less.
_DOWN_FOR = 1.0


class ContainerEnded(EnvironmentFailed):
    """A container that was needed has ended by itself."""


@dataclass(frozen=True)
class Ending:
    """That a container has ended by itself.

    Attributes:
        text: One clause that names it.
        memory: The kernel killed it for its use of memory.
        removed: Somebody removed it.
    """

    text: str
    memory: bool = False
    removed: bool = False


@dataclass
class Lifeline:
    """What one process knows of a container's life.

    Attributes:
        stopped: The process itself has stopped it: its end is no surprise.
        down_since: When it was first seen down, monotonic; None while it runs.
    """

    stopped: bool = False
    down_since: float | None = field(default=None)

    def lasts(self, ending: Ending | None) -> bool:
        """Whether it has been down for longer than a restart takes; told of each look."""
        if ending is None:
            self.down_since = None
            return False
        now = time.monotonic()
        self.down_since = self.down_since if self.down_since is not None else now
        return now - self.down_since >= _DOWN_FOR


def ending_of(container: "EngineContainer") -> Ending | None:
    """Look at a container afresh; None while it lives.

    Raises:
        EnvironmentFailed: The engine does not answer.
    """
    from docker.errors import NotFound

    try:
        with engine_errors(f"container {container.name} could not be looked at"):
            container.reload()
    except EnvironmentFailed as exc:
        if isinstance(exc.__cause__, NotFound):
            return Ending(f"container {container.name} was removed", removed=True)
        raise
    state = container.attrs["State"]
    if state["Status"] in _ALIVE:
        return None
    if state.get("OOMKilled"):
        limit = container.attrs["HostConfig"].get("Memory", 0) // 2**20
        text = f"container {container.name} was killed by the kernel for using more than its {limit} MiB of memory"
        return Ending(text, memory=True)
    return Ending(f"container {container.name} ended by itself with status {state['ExitCode']}")
