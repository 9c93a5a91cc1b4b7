"""Set-up as a graph of named steps, each started once, as soon as what it needs is there.

A step is a function in a thread of its own. It reports through the `Step` it is given; its result or
error stays with the graph, so whoever asks for the same step later gets the same answer. There is no
undo here: what a step makes is in the ledger before it exists, and teardown works from the ledger.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from sdcm.environment import passing
from sdcm.errors import DeadlinePassed, EnvironmentFailed, Interrupted, SctError, ServiceUnavailable
from sdcm.journal import Journal
from sdcm.redaction import Redactor

T = TypeVar("T")
#: Seconds that a step may be silent after its time is up, before it is given up with its thread.
_SILENT = 10.0


class StepCancelled(Interrupted):
    """The run ends, so the step stops at its next line of progress."""


def _status_of(error: SctError) -> str:
    """Tell what is not to be had here, and what was given up, from what failed."""
    if isinstance(error, StepCancelled):
        return "cancelled"
    return "unavailable" if isinstance(error, ServiceUnavailable) else "failed"


class RunningStep:
    """A step as its function sees it; `say` is also where a cancelled or overdue step stops."""

    def __init__(self, name: str, log: Path, deadline: float, journal: Journal, closing: threading.Event) -> None:
        """Start the step's clock."""
        self.name = name
        self._log = log
        self._deadline = deadline
        self._journal = journal
        self._closing = closing
        self._started = time.monotonic()
        self.ended = False
        #: What the line of its end shows beside its time.
        self.detail = ""

    @property
    def log(self) -> Path:
        """File that all output of the step is appended to."""
        return self._log

    @property
    def deadline(self) -> float:
        """Seconds that the step may take in all."""
        return self._deadline

    @property
    def elapsed(self) -> float:
        """Seconds since the step's function was called."""
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """Journal a line of progress.

        Raises:
            StepCancelled: The run ends.
            DeadlinePassed: The step's time is up.
        """
        if self._closing.is_set():
            raise StepCancelled(f"{self.name} was cancelled", why="the run ends")
        if self.elapsed > self._deadline:
            raise DeadlinePassed(
                f"{self.name} did not end within {self._deadline:g} s", why=f"last: {text}", mend=f"see {self._log}"
            )
        self._journal.write("step-say", step=self.name, text=text)


class Graph:
    """All steps of a run."""

    def __init__(self, journal: Journal, logs: Path) -> None:
        """Keep each step's log as a file under `logs`."""
        self._journal = journal
        self._logs = logs
        self._lock = threading.Lock()
        self._futures: dict[str, Future[Any]] = {}
        self._threads: list[threading.Thread] = []
        self.closing = threading.Event()

    def step(
        self,
        name: str,
        action: Callable[[RunningStep], T],
        *,
        needs: Sequence["Future[Any]"] = (),
        deadline: float,
    ) -> "Future[T]":
        """Start a step unless it was started before.

        Args:
            name: Its name, unique in the graph.
            action: What to do; gets the step, returns the step's result.
            needs: Results it must wait for; when one fails, this step fails with it.
            deadline: Seconds it may take once its needs are there.

        Returns:
            The step's future result; its exception is always an `SctError`.
        """
        with self._lock:
            if name in self._futures:
                return self._futures[name]
            future: Future[T] = Future()
            self._futures[name] = future
            thread = threading.Thread(
                target=self._run, args=(name, action, tuple(needs), deadline, future), name=f"step {name}", daemon=True
            )
            self._threads.append(thread)
        thread.start()
        return future

    def forget(self, *names: str) -> None:
        """Let steps begin anew when they are next asked for: what they have made is being taken down."""
        with self._lock:
            for name in names:
                self._futures.pop(name, None)

    def names(self, futures: Iterable["Future[Any]"]) -> list[str]:
        """Return the names of those of the futures that are steps' results."""
        wanted = {id(future) for future in futures}
        with self._lock:
            return [name for name, future in self._futures.items() if id(future) in wanted]

    def state(self) -> dict[str, str]:
        """Return each step's state: `running`, `done` or `failed`."""
        with self._lock:
            items = list(self._futures.items())
        return {
            name: "running" if not future.done() else "failed" if future.exception() else "done"
            for name, future in items
        }

    def close(self, deadline: float) -> list[str]:
        """Cancel what runs and wait for it.

        Args:
            deadline: Seconds to wait in all.

        Returns:
            Names of the steps that still run after that.
        """
        self.closing.set()
        end = time.monotonic() + deadline
        for thread in list(self._threads):
            thread.join(max(0.0, end - time.monotonic()))
        return [thread.name.removeprefix("step ") for thread in self._threads if thread.is_alive()]

    def _attempt(self, action: Callable[[RunningStep], T], step: RunningStep) -> T:
        """Perform a step; what fails for a reason that may pass is tried again, and says so."""
        step.say("starting")
        return passing.again(lambda: action(step), step.say, self.closing.wait)

    def _overdue(self, step: RunningStep, future: "Future[Any]") -> None:
        """Fail a step that hangs without a word; its thread is left behind."""
        error = DeadlinePassed(f"{step.name} did not end within {step.deadline:g} s", mend=f"see {step.log}")
        self._end(step, future, "failed", error=error)

    def _run(
        self,
        name: str,
        action: Callable[[RunningStep], T],
        needs: tuple["Future[Any]", ...],
        deadline: float,
        future: "Future[T]",
    ) -> None:
        failed_need = next((error for need in needs if (error := need.exception()) is not None), None)
        if failed_need is not None:
            future.set_exception(failed_need)
            return
        log = self._logs / f"{name.replace('/', '_').replace(':', '_').replace(' ', '-')}.log"
        step = RunningStep(name, log, deadline, self._journal, self.closing)
        overdue = threading.Timer(deadline + _SILENT, self._overdue, (step, future))
        overdue.daemon = True
        overdue.start()
        try:
            self._logs.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._journal.write("step-start", step=name, needs=self.names(needs))
            result = self._attempt(action, step)
        except SctError as exc:
            # What a step's programs say when teardown ends them tells nothing of the step.
            error = StepCancelled(f"{name} was cancelled", why="the run ends") if self.closing.is_set() else exc
            self._end(step, future, _status_of(error), error=error)
        except Exception as exc:  # noqa: BLE001 - one step's defect ends that step; its tests report it
            import traceback

            failure = EnvironmentFailed(
                f"step {name} failed", why=repr(exc), mend=f"see {log}", evidence=traceback.format_exc()
            )
            failure.__cause__ = exc
            self._end(step, future, "failed", error=failure)
        else:
            self._end(step, future, "done", result=result)
        finally:
            overdue.cancel()

    def _end(
        self,
        step: RunningStep,
        future: "Future[Any]",
        status: str,
        *,
        error: SctError | None = None,
        result: object = None,
    ) -> None:
        """Write down how a step ended and let those that wait for it go on; once."""
        with self._lock:
            if step.ended:
                return
            step.ended = True
        try:
            self._write_end(step, status, error)
        except OSError as exc:
            # A disk that is full: whoever waits for the step has to learn of its end all the same.
            error = error or EnvironmentFailed(f"the end of step {step.name} cannot be written down", why=str(exc))
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def _write_end(self, step: RunningStep, status: str, error: SctError | None) -> None:
        # Programs wrote to it too.
        Redactor(os.environ).file(step.log)
        self._journal.write(
            "step-end",
            step=step.name,
            status=status,
            seconds=round(step.elapsed, 3),
            error=error.to_record() if error else None,
            log=str(step.log) if step.log.exists() else "",
            detail=step.detail,
        )
