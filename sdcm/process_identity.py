"""Which process it is, and whether it still runs: what the ledger knows an owner by."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

_STAT = Path("/proc/self/stat")
#: Field 22 of /proc/PID/stat, counted behind the command name; proc(5).
_START_TICKS = 19
#: Seconds that two tellings of one start time may differ where only the wall clock tells (no /proc).
_CLOCK_SLACK = 2.0


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that cannot be confused with a later one of the same number.

    Attributes:
        pid: Process id.
        start_ticks: Clock ticks from boot to its start, as the kernel counts them (0 where there is no /proc).
        start_time: Seconds since the epoch at which it started; only told, and compared, where ticks are not.
        boot_id: The kernel's boot id (empty where the system has none).
        host: Host name.
        pid_namespace: Inode of its pid namespace (0 where the system has none).
    """

    pid: int
    start_ticks: int
    start_time: float
    boot_id: str
    host: str
    pid_namespace: int

    def to_record(self) -> dict[str, object]:
        """Return the identity as JSON values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> "ProcessIdentity":
        """Rebuild an identity from `to_record`."""
        return cls(
            pid=int(str(record["pid"])),
            start_ticks=int(str(record.get("start_ticks", 0))),
            start_time=float(str(record["start_time"])),
            boot_id=str(record["boot_id"]),
            host=str(record["host"]),
            pid_namespace=int(str(record["pid_namespace"])),
        )


def identify(pid: int | None = None) -> ProcessIdentity:
    """Return the identity of a live process, this one when no pid is given.

    Raises:
        ProcessLookupError: There is no such process.
    """
    number = os.getpid() if pid is None else pid
    _, ticks = _kernel_says(number)
    if not ticks and _STAT.exists():
        raise ProcessLookupError(number)
    start_time = 0.0 if ticks else _start_time(number)
    return ProcessIdentity(number, ticks, start_time, _boot_id(), os.uname().nodename, _pid_namespace())


def is_judgeable(identity: ProcessIdentity) -> bool:
    """Whether this process can tell if that one lives: same host, and same pid namespace or an earlier boot."""
    return identity.host == os.uname().nodename and (
        identity.boot_id != _boot_id() or identity.pid_namespace == _pid_namespace()
    )


def is_alive(identity: ProcessIdentity) -> bool:
    """Whether the very process still runs; one of an earlier boot does not, a zombie does not."""
    if identity.boot_id != _boot_id():
        return False
    if identity.start_ticks:
        state, ticks = _kernel_says(identity.pid)
        return ticks == identity.start_ticks and state not in {"Z", "X"}
    try:
        return abs(_start_time(identity.pid) - identity.start_time) < _CLOCK_SLACK
    except ProcessLookupError:
        return False


def _kernel_says(pid: int) -> tuple[str, int]:
    """Return a process's state and start in clock ticks; nothing and 0 when there is none, or no /proc."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return "", 0
    return words[0], int(words[_START_TICKS])


def _start_time(pid: int) -> float:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            raise ProcessLookupError(pid)
        return process.create_time()
    except psutil.NoSuchProcess as exc:
        raise ProcessLookupError(pid) from exc


def _boot_id() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _pid_namespace() -> int:
    with contextlib.suppress(OSError):
        return Path("/proc/self/ns/pid").stat().st_ino
    return 0
