"""The private engine's processes: started as nobody's children, found again by what they were started with."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sdcm import process

# Forks twice, so that the program is a child of init and in a session of its own. Signals that Python or a
# background shell ignores would otherwise stay ignored in every container, and a shell's low limit of open files,
# which a service manager would lift, would hold in every database.
_DETACH = """\
import os, resource, signal, sys
log, *argv = sys.argv[1:]
if os.fork():
    os._exit(0)
os.setsid()
child = os.fork()
if child:
    print(child, flush=True)
    os._exit(0)
for number in signal.valid_signals():
    try:
        signal.signal(number, signal.SIG_DFL)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_SETMASK, [])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
limit = 1048576 if hard == resource.RLIM_INFINITY else min(hard, 1048576)
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
os.chdir("/")
null = os.open(os.devnull, os.O_RDWR)
out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
os.dup2(null, 0), os.dup2(out, 1), os.dup2(out, 2)
os.execvp(argv[0], argv)
"""
_PROGRAMS = ("dockerd", "containerd")
_SHIM = "containerd-shim"


def detach(argv: Sequence[str], *, log: Path, env: Mapping[str, str]) -> int:
    """Start a program that outlives this process and its group.

    Args:
        argv: Program (an absolute path) and arguments.
        log: File that its output is appended to.
        env: Its whole environment.

    Returns:
        Its process id.

    Raises:
        CommandFailed: It could not be started.
    """
    starter = [sys.executable, "-I", "-S", "-c", _DETACH, str(log), *argv]
    return int(process.run(starter, timeout=30, env=env).stdout)


def find(mark: Path, programs: Iterable[str] = (*_PROGRAMS, _SHIM)) -> list[int]:
    """Return the ids of live engine processes that have a path below `mark` among their arguments.

    Args:
        mark: The engine's runtime folder.
        programs: Names that the program's own name must begin with.
    """
    wanted, prefix = tuple(programs), os.fsencode(f"{mark}/")
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            name = os.fsdecode(words[0]).rpartition("/")[2]
            if name.startswith(wanted) and any(prefix in word for word in words[1:]):
                found.append(int(folder.name))
    return sorted(found)


def daemon(mark: Path) -> int | None:
    """Return the id of the engine's dockerd, None when it does not run."""
    return next(iter(find(mark, ("dockerd",))), None)


def any_dockerd() -> bool:
    """Whether any dockerd runs that shares this process's network, and so its forwarding switch."""
    mine = Path("/proc/self/ns/net").stat().st_ino
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            named = (folder / "comm").read_text().strip() == "dockerd"
            if named and (folder / "ns" / "net").stat().st_ino == mine:
                return True
    return False


def end(pids: Sequence[int], *, grace: float) -> None:
    """End processes: SIGTERM, `grace` seconds of time, SIGKILL; returns when they are gone."""
    for pid in pids:
        _signal(pid, signal.SIGTERM)
    if grace and _wait_gone(pids, grace):
        return
    for pid in pids:
        _signal(pid, signal.SIGKILL)
    _wait_gone(pids, 5.0)


def descendants(pids: Iterable[int]) -> list[int]:
    """Return every process below these."""
    import psutil

    found: list[int] = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            found += [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def is_gone(pid: int) -> bool:
    """Whether no such process runs; a zombie does not run."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in {"Z", "X"}


def _wait_gone(pids: Iterable[int], seconds: float) -> bool:
    left, end_time = set(pids), time.monotonic() + seconds
    while left := {pid for pid in left if not is_gone(pid)}:
        if time.monotonic() > end_time:
            return False
        time.sleep(0.02)
    return True
