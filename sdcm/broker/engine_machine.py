"""What the engine's machine has, where that is another than this one: a server, or a laptop's virtual machine."""

import platform
from contextlib import suppress
from dataclasses import dataclass

from sdcm.errors import EnvironmentFailed
from sdcm.ownership.docker_endpoint import Endpoint

_ANSWER = 10.0


@dataclass(frozen=True)
class Machine:
    """A machine.

    Attributes:
        memory_mb: All its memory, in MiB.
        cores: Its processors.
    """

    memory_mb: int
    cores: int


def other_machine(endpoint: Endpoint) -> Machine | None:
    """Return the engine's machine; None when it is this one, or the engine does not say.

    An address tells little: a virtual machine's engine is reached by a socket of this one, and one in a container
    beside us over tcp. What an engine here says of its machine (GET /info) is what the same kernel tells us.
    """
    import psutil

    told: object = None
    with suppress(EnvironmentFailed):
        _, told = endpoint.call("GET", "/info", timeout=_ANSWER)
    if not isinstance(told, dict) or not told.get("MemTotal") or not told.get("NCPU"):
        return None
    if told["MemTotal"] == psutil.virtual_memory().total and told.get("KernelVersion") == platform.release():
        return None
    return Machine(int(told["MemTotal"]) // 2**20, int(told["NCPU"]))
