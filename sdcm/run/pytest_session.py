"""pytest as a child process: its arguments, its environment, and what signals do to it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm import process
from sdcm.broker.protocol import RUNNER_PIPE_VARIABLE
from sdcm.run import display
from sdcm.run.options import RunOptions
from sdcm.run.pytest_options import DEBUGGERS
from sdcm.run.selection import selection_arguments
from sdcm.stop_flag import StopFlag

if TYPE_CHECKING:
    from sdcm.run.relay import Relay

#: Seconds that running tests have to end after a request to stop, and that their teardown has after that.
GRACE = 10.0
_FOR_TEARDOWN = 25.0
#: The same, where what the tests run on is gone.
_FAULT_GRACE = 1.0
_FAULT_TEARDOWN = 4.0
_TICK = 0.2
#: Failures, and nothing else: the summary is ours (see `sdcm.pytest_plugin.quiet`).
_QUIET = ["-qq", "-o", "console_output_style=classic"]
#: Options with which pytest must have the terminal itself.
_TAKES_TERMINAL = DEBUGGERS | {"-s", "--capture=no"}


@dataclass(frozen=True)
class PytestOutcome:
    """How pytest ended.

    Attributes:
        status: Its exit status; negative for a signal.
        interrupted: The user asked to stop.
        fault: What the tests ran on and lost, which ended them; empty when nothing.
    """

    status: int
    interrupted: bool = False
    fault: str = ""


def keeps_terminal(options: RunOptions, workers: int) -> bool:
    """Whether pytest must own the terminal: it runs in one process that was asked for, or a debugger may open."""
    return workers == 0 or any(word in _TAKES_TERMINAL for word in options.pytest_args)


def pytest_argv(options: RunOptions, targets: tuple[str, ...], workers: int) -> list[str]:
    """Return the command line of the child."""
    argv = [sys.executable, "-m", "pytest"]
    argv += _QUIET if options.verbosity < 0 else ["-v" if options.verbosity == 0 else "-vv"]
    if options.test_timeout is not None:
        argv.append(f"--test-timeout={options.test_timeout:g}")
    return [*argv, "-n", str(workers), *selection_arguments(options, targets)]


class PytestSession:
    """A running pytest."""

    def __init__(
        self,
        argv: list[str],
        project: Path,
        environ: Mapping[str, str],
        *,
        own_terminal: bool,
        relay: "Relay | None" = None,
        stderr: int | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Start it.

        Args:
            argv: Its command line.
            project: Folder to run in.
            environ: Its environment.
            own_terminal: It stays in the terminal's foreground group, so that a debugger can read
                keys; Ctrl-C then reaches it from the terminal and not from us.
            relay: A terminal for what it writes; None: it writes where we do.
            stderr: Where its standard error goes instead.
            pass_fds: Descriptors to keep open in it.
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
                stdout=display.own_terminal(1, relay),
                stderr=display.own_terminal(2, relay) if stderr is None else stderr,
                pass_fds=[read_end, *pass_fds],
            )
        finally:
            os.close(read_end)
        if relay is not None:
            relay.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def status(self, seconds: float = 0.0) -> int | None:
        """Return its exit status, None where it still runs after so many seconds."""
        return process.ended(self._child, seconds)

    def wait(
        self, interrupts: Callable[[], int], fault: Callable[[], str], flag: StopFlag, say: Callable[[str], None]
    ) -> PytestOutcome:
        """Wait for its end; pass requests to stop on, and end it when what it stands on is gone.

        Args:
            interrupts: Tells how often the user has asked to stop.
            fault: Tells what of the environment is gone for good, empty while nothing is.
            flag: Asks the tests to stop.
            say: Tells the user.
        """
        passed_on, kill_at, lost = 0, float("inf"), ""
        while True:
            if (status := self.status(_TICK)) is not None:
                self._end_stragglers()
                os.close(self._pipe)
                return PytestOutcome(status, interrupts() > 0, lost)
            if not lost and (lost := fault()):
                say(f"{lost}: tests end")
                flag.put_up(time.time() + _FAULT_GRACE, lost, StopFlag.ENVIRONMENT)
                kill_at = min(kill_at, time.monotonic() + _FAULT_GRACE + _FAULT_TEARDOWN)
            # Two may have come since the last look: the second counts as such.
            for before in range(passed_on, interrupts()):
                kill_at = min(kill_at, self._pass_on(before, flag, say))
                passed_on = before + 1
            if time.monotonic() >= kill_at:
                self.kill()

    def _pass_on(self, before: int, flag: StopFlag, say: Callable[[str], None]) -> float:
        """Ask it to stop, or end it when it was asked before; return when it must have ended (monotonic)."""
        if before:
            say("interrupted again: tests and containers are killed now")
            return 0.0
        say(f"interrupted: no test starts, running ones have {GRACE:g} s to end; once more kills them")
        flag.put_up(time.time() + GRACE, "the run was interrupted", StopFlag.INTERRUPTED)
        if flag.debugging():
            # Whoever sits at the prompt will not see a file.
            _signal(self._child.pid, signal.SIGTERM)
        return time.monotonic() + GRACE + _FOR_TEARDOWN

    def _end_stragglers(self) -> None:
        """End workers that have outlived their controller, which was killed."""
        if not self._own_terminal:
            process.kill_group(self._child.pid)

    def kill(self) -> None:
        """End it and its workers at once, if it has not ended."""
        if self._child.poll() is not None:
            return
        if self._own_terminal:
            _kill_tree(self._child.pid)
        else:
            process.kill_group(self._child.pid)


def _kill_tree(pid: int) -> None:
    """Kill a process with its descendants: one that shares our process group leads none of its own."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        for each in (top, *top.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


def _signal(pid: int, number: int) -> None:
    """Send a signal to one process; nothing happens when it is gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
