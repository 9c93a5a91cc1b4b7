"""The one place that runs other programs."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sdcm import process_output
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
) -> Completed:
    """Run a program in a process group of its own and wait for it.

    Args:
        argv: Program and arguments; never a shell line.
        timeout: Seconds, after which the whole process group is killed.
        env: The whole environment; this process's own when omitted.
        cwd: Where to run it.
        input: Given to its standard input; otherwise that is empty.
        check: Raise unless it ends with status 0.
        log: File that all output is appended to; merges stderr into stdout.
        on_line: Called with each output line as it comes; merges stderr into stdout.

    Returns:
        What the program did.

    Raises:
        CommandFailed: It ended with another status (and `check`), or cannot be started.
        CommandTimedOut: The time was up.
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
        raise CommandFailed(f"`{' '.join(args)}` ended with status {result.exit_status}", why=last[0], result=result)
    return result


def spawn(
    argv: Sequence[str | os.PathLike[str]],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
    stdin: int | None = None,
    stdout: int | None = None,
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
        try:
            return subprocess.Popen(
                args,
                stdin=stdin if stdin is not None or inherit_output else subprocess.DEVNULL,
                stdout=out if stdout is None else stdout,
                stderr=out if inherit_output or stdout is not None else subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=cwd,
                start_new_session=new_session,
                pass_fds=tuple(pass_fds),
            )
        except OSError as exc:
            raise CommandFailed(f"cannot run {args[0]}", why=exc.strerror or str(exc)) from exc


def kill_group(pid: int, sig: int = signal.SIGKILL) -> None:
    """Send a signal to the process group led by `pid`; nothing happens when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, sig)


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that cannot be confused with a later one of the same number.

    Attributes:
        pid: Process id.
        start_time: Seconds since the epoch at which it started, as psutil tells.
        boot_id: The kernel's boot id (empty where the system has none).
        host: Host name.
        pid_namespace: Inode of its pid namespace (0 where the system has none).
    """

    pid: int
    start_time: float
    boot_id: str
    host: str
    pid_namespace: int

    def to_record(self) -> dict[str, object]:
        """Return the identity as JSON values."""
        return dict(vars(self))

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> "ProcessIdentity":
        """Rebuild an identity from `to_record`."""
        return cls(
            pid=int(str(record["pid"])),
            start_time=float(str(record["start_time"])),
            boot_id=str(record["boot_id"]),
            host=str(record["host"]),
            pid_namespace=int(str(record["pid_namespace"])),
        )


def _boot_id() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _pid_namespace() -> int:
    with contextlib.suppress(OSError):
        return Path("/proc/self/ns/pid").stat().st_ino
    return 0


def identify(pid: int | None = None) -> ProcessIdentity:
    """Return the identity of a live process, this one when no pid is given.

    Raises:
        ProcessLookupError: There is no such process.
    """
    import psutil

    number = os.getpid() if pid is None else pid
    try:
        start = psutil.Process(number).create_time()
    except psutil.NoSuchProcess as exc:
        raise ProcessLookupError(number) from exc
    return ProcessIdentity(number, start, _boot_id(), os.uname().nodename, _pid_namespace())


def is_judgeable(identity: ProcessIdentity) -> bool:
    """Whether this process can tell if that one lives: same host and same pid namespace."""
    return identity.host == os.uname().nodename and (
        identity.boot_id != _boot_id() or identity.pid_namespace == _pid_namespace()
    )


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether the very process still runs; one of an earlier boot does not, a zombie does not."""
    import psutil

    if identity.boot_id != _boot_id():
        return False
    try:
        process = psutil.Process(identity.pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - identity.start_time) < 2.0
    except psutil.NoSuchProcess:
        return False
