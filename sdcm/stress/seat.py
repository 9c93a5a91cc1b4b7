"""One run of a tool among those that one command starts."""

import re
import time
import uuid
from dataclasses import dataclass


@dataclass(frozen=True)
class Seat:
    """Where a run sits.

    Attributes:
        tool: Name of the tool.
        loader: Name of the loader.
        instance: Address of the loader.
        loader_idx: Number of the loader, from 1.
        cpu_idx: Number of the run on that loader, from 0.
        keyspace_idx: Number of its keyspace, from 1; 0 where the command names its own.
        keyspace: Name of that keyspace.
    """

    tool: str
    loader: str
    instance: str
    loader_idx: int
    cpu_idx: int
    keyspace_idx: int = 0
    keyspace: str = ""

    def __str__(self) -> str:
        place = f"{self.tool} l{self.loader_idx}-c{self.cpu_idx}"
        return f"{place}-k{self.keyspace_idx}" if self.keyspace_idx else place

    def new_log_name(self, operation: str) -> str:
        """Return a fresh name for the run's log file."""
        keyspace = f"-k{self.keyspace_idx}" if self.keyspace_idx else ""
        what = re.sub(r"[^\w.]+", "_", operation)
        place = f"l{self.loader_idx}-c{self.cpu_idx}{keyspace}"
        return f"{self.tool}-{what}-{place}-{time.strftime('%Y%m%d-%H%M%S')}-{uuid.uuid4()}.log"
