"""What the machine itself is short of, or set so that tests fail."""

import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from sdcm.run.doctor.finding import Finding, Fix, Machine, sysctl

#: What building every image takes, and what a run with Kind takes on top of images that are there; GiB.
_DISK_GIB, _FULL_GIB = 15, 2
#: MiB of a database node, and the share of the available memory that nodes may take (`broker/admission.py`).
_NODE_MIB, _SHARE = 512, 0.75
#: https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files
_INOTIFY = {"fs.inotify.max_user_instances": 512, "fs.inotify.max_user_watches": 524288}
#: One pod network, kubelet and containerd of a single small node; below it a Kind node's systemd does not start.
_INOTIFY_LEAST = {"fs.inotify.max_user_instances": 64, "fs.inotify.max_user_watches": 8192}
_PORTS = "net.ipv4.ip_local_port_range"
_DEFAULT_PORTS = "32768 60999"
_PORTS_LEAST = 2000
_FILES_LEAST = 1024
#: A unix socket's path, with the ending zero (unix(7)); and what a run adds to its directory.
_SOCKET_PATH, _IN_RUNTIME = 108, "/00000000/broker.sock"


def disk(machine: Machine) -> Iterator[Finding]:
    """Too little room where the engine keeps images and containers."""
    folder = Path(str(machine.info.get("DockerRootDir") or machine.places.engine))
    if not folder.is_dir():
        folder = machine.places.engine
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    text = f"{free:.1f} GiB free below {folder}"
    if free >= _DISK_GIB:
        yield Finding("disk", "ok", text)
        return
    why = f"all images together take {_DISK_GIB} GiB while they are built; a full disk stops nodes in mid-test"
    mend = "`sct.py clean --images`, or a disk with more room: `export SCT_ENGINE_DIR=/path/on/it`"
    yield Finding("disk", "bad" if free < _FULL_GIB else "note", text, why, mend)


def memory(machine: Machine) -> Iterator[Finding]:
    """Too little memory for as many nodes as there are workers."""
    words = next((line.split() for line in machine.text("proc/meminfo").splitlines() if "MemAvailable" in line), [])
    mib = int(words[1]) // 1024 if len(words) > 1 else 0
    total = int(machine.info.get("MemTotal") or 0) // 2**20
    mib = min(mib or total, total or mib)
    if not mib:
        return
    nodes = int(mib * _SHARE) // _NODE_MIB
    text = f"{mib / 1024:.1f} GiB available: room for {nodes} {'node' if nodes == 1 else 'nodes'} at a time"
    if nodes >= machine.workers:
        yield Finding("memory", "ok", text)
        return
    why = f"-n {machine.workers} wants {machine.workers}; workers wait for room, and a Kind cluster wants 1.5 GiB more"
    mend = f"`sct.py integration-tests -n {max(1, nodes)}`"
    yield Finding("memory", "note" if nodes else "bad", text, why, mend)


def inotify(machine: Machine) -> Iterator[Finding]:
    """Too few inotify instances or watches, which Kind's nodes die of without saying so."""
    low, least = {}, {}
    for name, wanted in _INOTIFY.items():
        value = machine.number("proc/sys/" + name.replace(".", "/"))
        if value is not None and value < wanted:
            low[name] = f"{name} is {value}"
            least[name] = value < _INOTIFY_LEAST[name]
    if not low:
        yield Finding("inotify", "ok", "limits are high enough")
        return
    settings = {name: str(_INOTIFY[name]) for name in low}
    mend = "sudo sysctl -w " + " ".join(f"{name}={value}" for name, value in settings.items())
    fix = Fix(mend.removeprefix("sudo "), sysctl(machine.root, settings)) if machine.uid == 0 else None
    why = "pods of a Kind cluster, and its node beside others, fail with `too many open files`"
    yield Finding("inotify", "bad" if any(least.values()) else "note", ", ".join(low.values()), why, mend, fix)


def cgroup(machine: Machine) -> Iterator[Finding]:
    """The old cgroup hierarchy, which Kubernetes from 1.35 on does not start on."""
    if (machine.root / "sys/fs/cgroup/cgroup.controllers").exists():
        yield Finding("cgroup", "ok", "version 2")
        return
    if not _is_filled(machine.root / "sys/fs/cgroup"):
        yield Finding(
            "cgroup", "bad", "none is mounted", "no container starts", "sudo mount -t cgroup2 none /sys/fs/cgroup"
        )
        return
    yield Finding(
        "cgroup",
        "note",
        "version 1",
        "Kubernetes from 1.35 on does not start on it; the cluster of a run is an older one",
        "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line, and reboot",
    )


def _is_filled(folder: Path) -> bool:
    """Whether something is mounted there: the kernel makes the folder, and what is in it comes with the mount."""
    return folder.is_dir() and any(folder.iterdir())


def ports(machine: Machine) -> Iterator[Finding]:
    """Few ports to publish on, or ports that other programs are given too."""
    words = machine.text("proc/sys/" + _PORTS.replace(".", "/")).split()
    if len(words) != 2:
        return
    low, high = int(words[0]), int(words[1])
    text = f"{high - low + 1} ports from {low} to {high} are given out"
    if high - low + 1 >= _PORTS_LEAST:
        yield Finding("ports", "ok", text)
        return
    why = "nodes publish on such ports, and each connection to one takes another: `address already in use`"
    fix = Fix(f"sysctl -w {_PORTS}", sysctl(machine.root, {_PORTS: _DEFAULT_PORTS})) if machine.uid == 0 else None
    yield Finding("ports", "bad", text, why, f'sudo sysctl -w {_PORTS}="{_DEFAULT_PORTS}"', fix)


def open_files(_machine: Machine) -> Iterator[Finding]:
    """A low limit of open files, which workers with many sessions of a driver reach."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= _FILES_LEAST:
        yield Finding("open files", "ok", f"{soft} at most in one process")
        return
    why = "sessions of drivers, followed logs and sockets of workers fail with `too many open files`"
    enough = hard == resource.RLIM_INFINITY or hard >= _FILES_LEAST
    mend = f"ulimit -n {4096 if hard == resource.RLIM_INFINITY or hard >= 4096 else hard}"
    if not enough:
        mend = "echo '* - nofile 4096' | sudo tee -a /etc/security/limits.conf, then log in again"
    yield Finding("open files", "bad", f"{soft} at most in one process", why, mend)


def directories(machine: Machine) -> Iterator[Finding]:
    """Directories of the runner that cannot be written, or whose path is too long for a socket."""
    runtime = machine.places.runtime
    length = len(f"{runtime}{_IN_RUNTIME}") + 1
    if length > _SOCKET_PATH:
        text = f"{runtime} is {length - _SOCKET_PATH} characters too long for the sockets in it"
        yield Finding(
            "directories", "bad", text, "the broker's socket cannot be made", "export SCT_RUNTIME_DIR=/tmp/sct"
        )
        return
    for name, folder in (("SCT_RUNTIME_DIR", runtime), ("SCT_STATE_DIR", machine.places.state)):
        above = folder
        while not above.exists():
            above = above.parent
        if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
            why = "sockets, journals and reports of a run go there"
            yield Finding(
                "directories", "bad", f"{folder} cannot be written", why, f"export {name}=/path/you/may/write"
            )
            return
    yield Finding("directories", "ok", f"{runtime} and {machine.places.state} can be written")
