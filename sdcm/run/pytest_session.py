"""pytest as a child process: its arguments, its environment, and what signals do to it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sdcm import process
from sdcm.broker.protocol import RUNNER_PIPE_VARIABLE
from sdcm.run.options import RunOptions
from sdcm.run.selection import selection_arguments

#: Seconds pytest may take to end after it was asked to; the second signal ends it at once.
GRACE = 30.0
_TICK = 0.2


@dataclass(frozen=True)
class PytestOutcome:
    """How pytest ended.

    Attributes:
        status: Its exit status; negative for a signal.
        interrupted: The user asked to stop.
        broker_lost: The broker ended while tests ran.
    """

    status: int
    interrupted: bool = False
    broker_lost: bool = False


def keeps_terminal(options: RunOptions, workers: int) -> bool:
    """Whether pytest must own the terminal: it runs in one process, or a debugger may open."""
    return workers == 0 or any(word in {"-s", "--pdb", "--trace", "--capture=no"} for word in options.pytest_args)


def pytest_argv(options: RunOptions, targets: tuple[str, ...], workers: int) -> list[str]:
    """Return the command line of the child."""
    argv = [sys.executable, "-m", "pytest"]
    if options.verbosity >= 0:
        argv.append("-v" if options.verbosity == 0 else "-vv")
    if options.test_timeout is not None:
        argv.append(f"--test-timeout={options.test_timeout:g}")
    return [*argv, "-n", str(workers), *selection_arguments(options, targets)]


class PytestSession:
    """A running pytest."""

    def __init__(self, argv: list[str], project: Path, environ: Mapping[str, str], *, own_terminal: bool) -> None:
        """Start it.

        Args:
            argv: Its command line.
            project: Folder to run in.
            environ: Its environment.
            own_terminal: It stays in the terminal's foreground group, so that a debugger can read
                keys; Ctrl-C then reaches it from the terminal and not from us.
        """
        self._own_terminal = own_terminal
        read_end, self._pipe = os.pipe()
        try:
            self._child: subprocess.Popen[bytes] = process.spawn(
                argv,
                env={**environ, RUNNER_PIPE_VARIABLE: str(read_end)},
                cwd=project,
                new_session=not own_terminal,
                inherit_output=True,
                pass_fds=[read_end],
            )
        finally:
            os.close(read_end)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def wait(self, interrupts: Callable[[], int], broker_alive: Callable[[], bool]) -> PytestOutcome:
        """Wait for its end; pass interrupts on, and end it when the broker is gone.

        Args:
            interrupts: Tells how often the user has asked to stop.
            broker_alive: Tells whether the broker runs.
        """
        passed_on, asked_at, broker_lost = 0, 0.0, False
        while True:
            try:
                status = self._child.wait(_TICK)
            except subprocess.TimeoutExpired:
                pass
            else:
                return PytestOutcome(status, interrupts() > 0, broker_lost)
            if not broker_lost and not broker_alive():
                broker_lost = True
                asked_at = asked_at or time.monotonic()
                self._ask()
            if (count := interrupts()) > passed_on:
                if passed_on:
                    self.kill()
                else:
                    asked_at = time.monotonic()
                    self._ask()
                passed_on = count
            if asked_at and time.monotonic() - asked_at > GRACE:
                self.kill()

    def _ask(self) -> None:
        """Ask it to stop; where it owns the terminal a Ctrl-C has reached it already."""
        if not self._own_terminal or not sys.stdin.isatty():
            _signal(self._child.pid, signal.SIGINT)

    def kill(self) -> None:
        """End it and its workers at once, if it has not ended."""
        if self._child.poll() is not None:
            return
        if self._own_terminal:
            self._child.kill()
        else:
            process.kill_group(self._child.pid)


def _signal(pid: int, number: int) -> None:
    """Send a signal to one process; nothing happens when it is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
