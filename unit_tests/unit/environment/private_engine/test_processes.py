import os
import resource
import signal
import subprocess
import time
from pathlib import Path

from sdcm.environment.private_engine import processes
from sdcm.environment.private_engine.stop import mounts_below

MOUNTINFO = """\
22 1 254:1 / / rw - ext4 /dev/vda rw
30 22 0:5 / /var/lib/sct/engine/data/overlay2/ab/merged rw - overlay overlay rw
31 22 0:6 net:[1] /run/sct/engine-0a1b2c/exec/netns/1 rw - nsfs nsfs rw
32 30 0:7 / /var/lib/sct/engine/data/overlay2/ab/merged/with\\040space rw - tmpfs tmpfs rw
33 22 0:8 / /var/lib/sct/engine-other rw - tmpfs tmpfs rw
34 22 0:9 / /var/lib/sct/engine rw - tmpfs tmpfs rw
"""


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def state_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def test_a_detached_program_is_nobodys_child(tmp_path: Path) -> None:
    program = script(tmp_path, "dockerd", 'echo "got $1"; exec sleep 60')
    pid = processes.detach([str(program), "word"], log=tmp_path / "log", env={"PATH": "/bin:/usr/bin"})
    try:
        _, parent, group, session = state_of(pid)[:4]
        assert int(parent) != os.getpid()
        assert int(group) != os.getpgrp()
        assert int(session) != os.getsid(0)
        end = time.monotonic() + 5
        while (tmp_path / "log").read_text() != "got word\n" and time.monotonic() < end:
            time.sleep(0.02)
        assert (tmp_path / "log").read_text() == "got word\n"
    finally:
        processes.end([pid], grace=0)
    assert processes.is_gone(pid)


def test_a_detached_program_ignores_no_signal(tmp_path: Path) -> None:
    program = script(tmp_path, "dockerd", "exec grep -E 'Sig(Ign|Blk)' /proc/self/status")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        pid = processes.detach([str(program)], log=tmp_path / "log", env={"PATH": "/bin:/usr/bin"})
    finally:
        signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    end = time.monotonic() + 5
    while not processes.is_gone(pid) and time.monotonic() < end:
        time.sleep(0.02)
    # Above 31 are the C library's own, which nobody can change.
    masks = [int(line.split()[1], 16) & 0x7FFFFFFF for line in (tmp_path / "log").read_text().splitlines()]
    assert masks == [0, 0]


def pretend(name: str, argument: Path) -> subprocess.Popen[bytes]:
    """Start a shell that looks like another program with that argument, and waits."""
    argv = [name, "-c", f": {argument}; read line"]
    return subprocess.Popen(argv, executable="/bin/sh", stdin=subprocess.PIPE)


def test_a_detached_program_may_open_many_files(tmp_path: Path) -> None:
    program = script(tmp_path, "dockerd", "ulimit -n")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        pid = processes.detach([str(program)], log=tmp_path / "log", env={"PATH": "/bin:/usr/bin"})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    end = time.monotonic() + 5
    while not processes.is_gone(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert int((tmp_path / "log").read_text()) == min(hard, 1048576)


def test_an_engines_processes_are_found_by_their_arguments(tmp_path: Path) -> None:
    engine = tmp_path
    runs = [
        pretend("/usr/sbin/dockerd", engine / "live" / "daemon.json"),
        pretend("containerd-shim-runc-v2", engine / "live" / "containerd.sock"),
        pretend("dockerd", engine / "other" / "daemon.json"),
        pretend("tail", engine / "live" / "dockerd.log"),
    ]
    try:
        assert processes.find(engine / "live") == sorted(run.pid for run in runs[:2])
        assert processes.daemon(engine / "live") == runs[0].pid
        assert processes.find(engine / "live", ("containerd",)) == [runs[1].pid]
        assert processes.find(engine / "none") == []
    finally:
        for run in runs:
            run.kill()
            run.wait()
            assert run.stdin is not None
            run.stdin.close()


def test_ending_asks_first_and_then_kills(tmp_path: Path) -> None:
    polite = subprocess.Popen(["sleep", "60"])
    deaf = subprocess.Popen(["sh", "-c", "trap '' TERM; echo on; while :; do sleep 0.05; done"], stdout=subprocess.PIPE)
    assert deaf.stdout is not None
    deaf.stdout.readline()
    processes.end([polite.pid, deaf.pid, 2**22 - 1], grace=0.3)
    assert polite.wait(5) == -signal.SIGTERM
    assert deaf.wait(5) == -signal.SIGKILL
    deaf.stdout.close()


def test_mounts_are_found_innermost_first() -> None:
    """The engine directory, a mount of the user's own here, is left alone."""
    assert mounts_below(MOUNTINFO, Path("/run/sct/engine-0a1b2c"), Path("/var/lib/sct/engine")) == [
        "/var/lib/sct/engine/data/overlay2/ab/merged/with space",
        "/run/sct/engine-0a1b2c/exec/netns/1",
        "/var/lib/sct/engine/data/overlay2/ab/merged",
    ]
