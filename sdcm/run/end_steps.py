"""The steps of an end: each is taken, whatever became of the one before, and one that fails is journalled by name."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from sdcm.broker.defects import note_failure
from sdcm.journal import Journal

#: Name that a broker's own failure is journalled under, as a step.
BROKER = "broker"


class EndSteps:
    """Calls functions at the end of a block, the last one given first.

    Attributes:
        failed: Names of the steps that failed.
    """

    def __init__(self, journal: Journal) -> None:
        """Journal failures to `journal`, as failed steps of the environment."""
        self.failed: list[str] = []
        self._journal = journal
        self._stack = ExitStack()

    def callback(self, action: Callable[..., Any], *arguments: Any) -> None:
        """Call a function at the end; its name is the step's."""
        self._stack.callback(self._take, action, arguments)

    def __enter__(self) -> "EndSteps":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _take(self, action: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        started = time.monotonic()
        try:
            action(*arguments)
        except Exception as exc:  # noqa: BLE001 - what this step should have ended is for teardown or the next sweep
            name = f"end: {getattr(action, '__qualname__', repr(action))}"
            self.failed.append(name)
            note_failure(self._journal, name, exc, time.monotonic() - started)
