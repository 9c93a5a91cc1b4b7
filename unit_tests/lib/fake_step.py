"""A step of set-up that only remembers what it was told."""

import threading
from pathlib import Path


class FakeStep:
    """Fulfils `sdcm.environment.step.Step`.

    Attributes:
        said: Every line of progress.
    """

    def __init__(self, folder: Path, deadline: float = 30.0) -> None:
        self.said: list[str] = []
        self._log = folder / "step.log"
        self._deadline = deadline
        self._lock = threading.Lock()

    @property
    def log(self) -> Path:
        return self._log

    @property
    def deadline(self) -> float:
        return self._deadline

    def say(self, text: str) -> None:
        with self._lock:
            self.said.append(text)
