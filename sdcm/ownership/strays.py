"""Threads and processes that tests leave in, or behind, the process that runs them.

A process is known for a test's by what it was started with: pytest names the running test in the environment, which
whatever the test starts inherits, however far it goes off on its own.
"""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sdcm import process_identity

#: What pytest names the running test by, in the environment.
CURRENT_TEST = "PYTEST_CURRENT_TEST"
_WORKER = "PYTEST_XDIST_WORKER"
_PROC = Path("/proc")
#: What the programs of multiprocessing's own helpers are known by. Both end with the process they serve.
_FORK_SERVER, _RESOURCE_TRACKER = "multiprocessing.forkserver", "multiprocessing.resource_tracker"
_PAUSE = 0.05
_END_DEADLINE = 6.0
#: Threads that libraries keep for the whole process, whoever used them first: the drivers' event loop, the timers and
#: channels of pytest's plugins, a debugger's. Our own are named for what they are.
_KEPT = re.compile(
    r"event_loop|asyncio_thread|cassandra_driver|tqdm|pydevd|pytest|execnet|runner-pipe|broker-|sct-", re.IGNORECASE
)
_PYTESTS_AND_OURS = ("_pytest.", "xdist.", "execnet.", "pytest_timeout", "sdcm.")


@dataclass(frozen=True)
class Stray:
    """A thread or process that nobody waits for.

    Attributes:
        kind: `thread` or `process`.
        name: What people knew it by when it was found; a process may have become another program since (`called`).
        lives: Whether it still runs.
        end: Ends it; returns why it could not.
        called: Tells what people know it by now.
        test: Node id of the test that started it, where it tells.
    """

    kind: str
    name: str
    lives: Callable[[], bool]
    end: Callable[[], str]
    called: Callable[[], str]
    test: str = ""


@dataclass(frozen=True)
class Seen:
    """The threads and processes of one moment."""

    threads: frozenset[threading.Thread]
    pids: frozenset[int]


def look() -> Seen:
    """Return what runs now."""
    return Seen(frozenset(threading.enumerate()), frozenset(_pids()))


def strays_since(before: Seen, run_id: str) -> list[Stray]:
    """Return what this process's tests started since, and still runs.

    Args:
        before: What ran then.
        run_id: The run, by whose id in their environment processes are known that went off on their own.
    """
    threads = [_stray_thread(thread) for thread in threading.enumerate() if thread not in before.threads]
    mine = os.environ.get(_WORKER)
    processes = [
        stray
        for pid in _pids()
        if pid not in before.pids and (stray := _stray_process(pid, run_id, mine, os.getpid())) is not None
    ]
    return [stray for stray in threads if stray is not None] + processes


def processes_of_run(run_id: str, patience: float = 2.0) -> list[Stray]:
    """Return the processes that tests of a run have left, whichever worker ran them.

    Args:
        run_id: The run.
        patience: Seconds for fork servers to notice that the worker which they served is gone.
    """
    mine = {os.getpid(), os.getppid()}
    looked_at = (_stray_process(pid, run_id, None, 0) for pid in _pids() if pid not in mine)
    found = [stray for stray in looked_at if stray is not None]
    servers = [stray for stray in found if _FORK_SERVER in stray.name]
    staying = outlasting(servers, patience)
    return [stray for stray in found if stray not in servers or stray in staying]


def outlasting(strays: Iterable[Stray], patience: float) -> list[Stray]:
    """Give strays a moment to end by themselves; return those that do not."""
    left, end = list(strays), time.monotonic() + patience
    while (left := [stray for stray in left if stray.lives()]) and time.monotonic() < end:
        time.sleep(_PAUSE)
    return left


def _stray_thread(thread: threading.Thread) -> Stray | None:
    made_for = getattr(getattr(thread, "_target", None), "__module__", None) or ""
    if _KEPT.search(thread.name) or made_for.startswith(_PYTESTS_AND_OURS) or type(thread).__name__ == "_DummyThread":
        return None
    why_not = "a thread cannot be ended from outside"
    return Stray("thread", thread.name, thread.is_alive, lambda: why_not, lambda: thread.name)


def _pids() -> Iterator[int]:
    if _PROC.is_dir():
        yield from (int(name) for name in os.listdir(_PROC) if name.isdigit())  # noqa: PTH208 - as with `_environ`
        return
    import psutil

    yield from (child.pid for child in psutil.Process().children(recursive=True))


def _stray_process(pid: int, run_id: str, worker: str | None, parent: int) -> Stray | None:
    """Return a process as a stray, None when it is no test's.

    Args:
        pid: The process.
        run_id: The run.
        worker: The xdist worker whose tests are meant; None: of any.
        parent: Process whose children count in any case; none when 0.
    """
    try:
        told = _environ(pid)
        if not parent and f"SCT_RUN={run_id}".encode() not in told:
            return None  # most of a machine's: no more is asked of them
        status = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        command = _command(pid)
        identity = process_identity.identify(pid)
    except (OSError, IndexError):
        return None
    environ = dict(pair.decode(errors="replace").split("=", 1) for pair in told.split(b"\0") if b"=" in pair)
    is_child = bool(parent) and int(status[1]) == parent
    if status[0] in "ZX" or _is_multiprocessings(command, is_child=is_child):
        return None
    by_environ = environ.get("SCT_RUN") == run_id and CURRENT_TEST in environ
    of_worker = (worker is None and not parent) or environ.get(_WORKER) == worker
    if not (by_environ and of_worker) and not is_child:
        return None

    def end() -> str:
        from sdcm.ownership import removers
        from sdcm.ownership.ledger import Entry

        facts = {"identity": json.dumps(identity.to_record())}
        left = removers.remove([Entry(0, "process", str(pid), facts)], None, _END_DEADLINE)
        return left[0].reason if left else ""

    def lives() -> bool:
        # What has just been forked is known by this process's own name until it becomes another program.
        return process_identity.is_alive(identity) and not _is_multiprocessings(_command(pid), is_child=is_child)

    # What a fork server forks has the server's environment, which names the test that was the first to use it.
    test = "" if _FORK_SERVER in command else environ.get(CURRENT_TEST, "").rpartition(" (")[0]
    return Stray(
        kind="process",
        name=f"{command} (pid {pid})",
        lives=lives,
        end=end,
        called=lambda: f"{_command(pid)} (pid {pid})",
        test=test,
    )


def _is_multiprocessings(command: str, *, is_child: bool) -> bool:
    """Whether a process is kept by multiprocessing for as long as the one that it serves lives.

    What a fork server forks goes by the server's name: it is a test's, and no child of the process that is served.
    """
    return _RESOURCE_TRACKER in command or (is_child and _FORK_SERVER in command)


def _command(pid: int) -> str:
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "?"
    return b" ".join(words).decode(errors="replace").strip() or "?"


def _environ(pid: int) -> bytes:
    """Return what a process was started with, `NAME=value` by zeroes; a path object for each costs more."""
    with open(f"{_PROC}/{pid}/environ", "rb") as file:  # noqa: PTH123
        return file.read()
