"""The one place that runs other programs."""

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sdcm import process_output, process_status
from sdcm.errors import DeadlinePassed, EnvironmentFailed

_TAIL_LINES = 40
#: Seconds for the output of a killed process group to end.
_GRACE = 2.0


@dataclass(frozen=True)
class Completed:
    """A program that has ended.

    Attributes:
        argv: What was run.
        exit_status: Its exit status; negative for a signal.
        stdout: Its standard output as text.
        stderr: Its standard error as text (empty where it was merged into stdout).
        duration: Seconds it took.
    """

    argv: tuple[str, ...]
    exit_status: int
    stdout: str
    stderr: str
    duration: float

    @property
    def ok(self) -> bool:
        """Whether it ended with status 0."""
        return self.exit_status == 0


class CommandFailed(EnvironmentFailed):
    """A program ended with a status other than 0, or could not be started."""

    def __init__(self, what: str, *, result: Completed | None = None, why: str = "", mend: str = "") -> None:
        super().__init__(what, why=why, mend=mend, evidence=_tail(result) if result else "")
        self.result = result


class CommandTimedOut(DeadlinePassed):
    """A program was killed because its time was up."""


def _tail(result: Completed) -> str:
    text = result.stdout + ("\n" + result.stderr if result.stderr else "")
    return "\n".join(text.strip().splitlines()[-_TAIL_LINES:])


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    timeout: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    input: str | bytes | None = None,
    check: bool = True,
    log: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    pass_fds: Sequence[int] = (),
) -> Completed:
    """Run a program in a process group of its own and wait for it.

    Args:
        argv: Program and arguments; never a shell line.
        timeout: Seconds, after which the whole process group is killed.
        env: The whole environment; this process's own when omitted.
        cwd: Where to run it.
        input: Given to its standard input; otherwise that is empty.
        check: Raise unless it ends with status 0. A program that was killed because its time was up raises in
            any case: its output is not whole, and who tolerates a status has not asked for that.
        log: File that all output is appended to; merges stderr into stdout.
        on_line: Called with each output line as it comes; merges stderr into stdout.
        pass_fds: Descriptors to keep open in it.

    Returns:
        What the program did.

    Raises:
        CommandFailed: It ended with another status (and `check`), or cannot be started.
        CommandTimedOut: The time was up, whatever `check` says.
    """
    args = tuple(os.fspath(part) for part in argv)
    merged = log is not None or on_line is not None
    started = time.monotonic()
    try:
        child = subprocess.Popen(
            args,
            stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
            pass_fds=tuple(pass_fds),
        )
    except OSError as exc:
        raise CommandFailed(f"cannot run {args[0]}", why=exc.strerror or str(exc)) from exc
    timed_out = threading.Event()

    def end_group() -> None:
        timed_out.set()
        kill_group(child.pid)

    timer = threading.Timer(timeout, end_group)
    timer.daemon = True
    timer.start()
    try:
        process_output.feed(child, input.encode() if isinstance(input, str) else input)
        out, err = process_output.collect(child, log, on_line, until=started + timeout + _GRACE)
        child.wait()
    except BaseException:
        kill_group(child.pid)
        child.wait()
        raise
    finally:
        timer.cancel()
        process_output.close(child)
    result = Completed(
        args,
        child.returncode,
        out.decode(errors="replace"),
        err.decode(errors="replace"),
        time.monotonic() - started,
    )
    if timed_out.is_set() and not result.ok:
        raise CommandTimedOut(f"`{' '.join(args)}` did not end within {timeout:g} s", evidence=_tail(result))
    if check and not result.ok:
        last = _tail(result).splitlines()[-1:] or [""]
        ending = process_status.ended(result.exit_status)
        raise CommandFailed(f"`{' '.join(args)}` {ending}", why=last[0], result=result)
    return result


def spawn(
    argv: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    new_session: bool = True,
    inherit_output: bool = False,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program and return at once.

    Args:
        argv: Program and arguments.
        env: The whole environment; this process's own when omitted.
        cwd: Where to run it.
        log: File that its output is appended to; otherwise the output is dropped, unless inherited.
        stdin: Descriptor for its standard input; otherwise that is empty, unless inherited.
        stdout: Descriptor for its standard output; the log then gets standard error only.
        stderr: Descriptor for its standard error.
        new_session: Put it into a session (and process group) of its own.
        inherit_output: Let it write to (and, without `stdin`, read from) this process's terminal.
        pass_fds: Descriptors to keep open in it.

    Raises:
        CommandFailed: It cannot be started.
    """
    args = tuple(os.fspath(part) for part in argv)
    with contextlib.ExitStack() as stack:
        out: IO[bytes] | int | None = subprocess.DEVNULL
        if inherit_output:
            out = None
        elif log is not None:
            out = stack.enter_context(log.open("ab"))
        apart = inherit_output or stdout is not None
        err = (out if apart else subprocess.STDOUT) if stderr is None else stderr
        try:
            return subprocess.Popen(
                args,
                stdin=stdin if stdin is not None or inherit_output else subprocess.DEVNULL,
                stdout=out if stdout is None else stdout,
                stderr=err,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=new_session,
                pass_fds=tuple(pass_fds),
            )
        except OSError as exc:
            raise CommandFailed(f"cannot run {args[0]}", why=exc.strerror or str(exc)) from exc


def ended(child: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Wait for a program's end, told of it by the kernel where it can: `Popen.wait` with a bound sleeps between looks.

    Args:
        child: The program.
        seconds: The longest wait.

    Returns:
        Its exit status, None where it still runs.
    """
    if (status := child.poll()) is not None or seconds <= 0:
        return status
    with contextlib.suppress(AttributeError, OSError):  # not on every system
        descriptor = os.pidfd_open(child.pid)
        try:
            select.select([descriptor], [], [], seconds)
        finally:
            os.close(descriptor)
        return child.poll()
    with contextlib.suppress(subprocess.TimeoutExpired):
        return child.wait(seconds)
    return None


def kill_group(pid: int, sig: int = signal.SIGKILL) -> None:
    """Send a signal to the process group led by `pid`; nothing happens when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, sig)
