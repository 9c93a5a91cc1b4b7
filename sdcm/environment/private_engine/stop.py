"""Stopping the private engine, and clearing what a crashed one left; only its images stay."""

import contextlib
import json
import re
import shutil
from pathlib import Path

from sdcm import process
from sdcm.environment.private_engine import firewall, processes
from sdcm.environment.private_engine.layout import Layout, read_record, remove_record
from sdcm.environment.private_engine.programs import locate
from sdcm.errors import EnvironmentFailed
from sdcm.ownership import docker_objects

#: Seconds that dockerd gives the containers it still has.
CONTAINER_GRACE = 3
_DAEMON_GRACE = 8.0
_EMPTYING = 5.0


def is_anything_left(layout: Layout) -> bool:
    """Whether an engine is up, or a dead one left something on the machine."""
    return read_record(layout.base) is not None or layout.live.exists() or bool(processes.find(layout.live))


def stop(layout: Layout) -> None:
    """End the engine's processes, take down its network, its mounts and its runtime folder.

    Works from whatever state a crash left and does nothing when there is nothing. To be called by whoever holds
    the gate, and knows that nobody uses the engine.

    Raises:
        EnvironmentFailed: Something could not be removed; the next call tries again.
    """
    record = read_record(layout.base)
    if processes.find(layout.live, ("dockerd",)):
        _empty(layout)
    processes.end(processes.find(layout.live, ("dockerd",)), grace=_DAEMON_GRACE)
    shim_sockets = _shim_sockets(layout)
    _end_containers(layout)
    processes.end(processes.find(layout.live, ("containerd-shim",)), grace=0)
    processes.end(processes.find(layout.live), grace=3.0)
    for path in shim_sockets:
        path.unlink(missing_ok=True)
    # A data root that is a volume of the user's stays mounted; dockerd's own mount of it goes.
    data = layout.data if record is None or record.data_was_mounted else layout.base
    unmount_below(layout.live, data, layout.base / "containerd")
    if record is not None:
        firewall.take_down(layout, record, restore_forwarding=not processes.any_dockerd())
    shutil.rmtree(layout.live, ignore_errors=True)
    shutil.rmtree(layout.wrapper.parent, ignore_errors=True)
    left = [*processes.find(layout.live), *([layout.live] if layout.live.exists() else [])]
    if left:
        raise EnvironmentFailed(
            "the private engine did not stop cleanly",
            why=f"still there: {', '.join(map(str, left))}",
            mend="the next run tries again; see `sct.py doctor`",
        )
    remove_record(layout.base)


def _empty(layout: Layout) -> None:
    """Remove what is ours from a live engine and kill what else runs in it; a slow stop would wait for each."""
    with contextlib.suppress(EnvironmentFailed):
        docker_objects.remove_all_ours(layout.endpoint, lambda _: None, deadline=_EMPTYING)
        docker_objects.kill_running(layout.endpoint, timeout=_EMPTYING)


def _end_containers(layout: Layout) -> None:
    """End containers that outlived their dockerd; runc also removes their cgroups."""
    root = layout.exec_root / "runtime-runc" / "moby"
    runc = locate("runc")
    for container in root.iterdir() if runc and root.is_dir() else ():
        with contextlib.suppress(process.CommandTimedOut):  # its processes are killed below
            process.run([runc or "runc", "--root", root, "delete", "--force", container.name], timeout=10, check=False)
    shims = processes.find(layout.live, ("containerd-shim",))
    processes.end(processes.descendants(shims), grace=0)


def _shim_sockets(layout: Layout) -> list[Path]:
    """Return the sockets of live shims; they lie in a folder that all containerds of a machine share."""
    found = []
    for folder in layout.containerd_state.glob("io.containerd.runtime.v2.task/*/*"):
        with contextlib.suppress(OSError, ValueError):
            bootstrap = folder / "bootstrap.json"
            text = json.loads(bootstrap.read_text())["address"] if bootstrap.is_file() else None
            address = text or (folder / "address").read_text().strip()
            found.append(Path(address.removeprefix("unix://")))
    return [path for path in found if path.is_socket()]


def mounts_below(mountinfo: str, *folders: Path) -> list[str]:
    """Return the mount points below `folders`, the innermost first.

    A folder that is itself a mount point (a volume of the user's for our images) is not the engine's doing.

    Args:
        mountinfo: Text in the form of /proc/self/mountinfo.
        folders: Absolute paths.
    """
    prefixes = tuple(f"{folder}/" for folder in folders)
    points = []
    for line in mountinfo.splitlines():
        point = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), line.split()[4])
        if point.startswith(prefixes):
            points.append(point)
    return points[::-1]


def unmount_below(*folders: Path) -> None:
    """Detach every mount below `folders`."""
    for _ in range(3):  # mounts stacked on one point come away one at a time
        points = mounts_below(Path("/proc/self/mountinfo").read_text(), *folders)
        if not points:
            return
        with contextlib.suppress(process.CommandTimedOut):  # what stays mounted is found by the next stop
            process.run(["umount", "--lazy", *points], timeout=15, check=False)
