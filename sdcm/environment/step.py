"""What a set-up function is given to report with."""

from pathlib import Path
from typing import Protocol


class Step(Protocol):
    """One step of set-up as the code that performs it sees it."""

    @property
    def log(self) -> Path:
        """File that all output of the step is appended to."""

    @property
    def deadline(self) -> float:
        """Seconds that the step may take."""

    def say(self, text: str) -> None:
        """Show and journal a line of progress."""
