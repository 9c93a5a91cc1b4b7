"""Port forwards: they give an address, tell why not, and leave no process behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sdcm.errors import DeadlinePassed, EnvironmentFailed
from sdcm.kubernetes import tether
from sdcm.kubernetes.port_forward import port_forward
from sdcm.wait import wait_for

PROGRAM = f"""#!{sys.executable}
import os, pathlib, sys, time
pathlib.Path(__file__).with_name("pid").write_text(str(os.getpid()))
pathlib.Path(__file__).with_name("argv").write_text(" ".join(sys.argv[1:]))
"""


@pytest.fixture
def kubectl(tmp_path: Path) -> Callable[[str], list[str]]:
    def make(body: str) -> list[str]:
        program = tmp_path / "kubectl"
        program.write_text(PROGRAM + body)
        program.chmod(0o755)
        return [str(program), "--context=c"]

    return make


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_the_address_is_what_kubectl_says(kubectl: Callable[[str], list[str]], tmp_path: Path) -> None:
    command = kubectl('print("Forwarding from 127.0.0.1:41234 -> 9042", flush=True); time.sleep(600)\n')
    with port_forward(command, "service/db", 9042, timeout=60) as address:
        assert address == ("127.0.0.1", 41234)
        pid = int((tmp_path / "pid").read_text())
        assert not _gone(pid)
    assert (tmp_path / "argv").read_text() == "--context=c port-forward --address=127.0.0.1 service/db :9042"
    wait_for(_gone, step=0.02, timeout=60, pid=pid)


def test_what_kubectl_says_is_the_cause(kubectl: Callable[[str], list[str]]) -> None:
    command = kubectl('print("error: no such pod", file=sys.stderr); sys.exit(1)\n')
    with (
        pytest.raises(EnvironmentFailed, match="cannot forward to pod/none:1: error: no such pod"),
        port_forward(command, "pod/none", 1, timeout=60),
    ):
        pytest.fail("it gave an address")


def test_silence_has_a_deadline(kubectl: Callable[[str], list[str]], tmp_path: Path) -> None:
    with (
        pytest.raises(DeadlinePassed, match=r"port 1 of pod/p was not forwarded after 0.05 s"),
        port_forward(kubectl("time.sleep(600)\n"), "pod/p", 1, timeout=0.05),
    ):
        pytest.fail("it gave an address")


@pytest.fixture
def tethered(tmp_path: Path) -> "subprocess.Popen[bytes]":
    """A program under a tether whose input ends with this fixture's owner."""
    code = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    child = subprocess.Popen(
        [sys.executable, "-ISE", tether.__file__, sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), step=0.02, timeout=60)
    return child


def test_the_program_dies_with_whoever_holds_the_pipe(tethered: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    pid = int((tmp_path / "pid").read_text())
    assert tethered.stdin is not None
    tethered.stdin.close()
    wait_for(_gone, step=0.02, timeout=60, pid=pid)
    tethered.wait(60)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's kernel ends a process with its parent")
def test_the_program_dies_with_its_tether(tethered: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    pid = int((tmp_path / "pid").read_text())
    os.kill(tethered.pid, signal.SIGKILL)
    wait_for(_gone, step=0.02, timeout=60, pid=pid)
    tethered.wait(60)


def test_the_tether_ends_with_the_program(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-ISE", tether.__file__, "/bin/true"], stdin=subprocess.PIPE)
    assert child.wait(60) == 1
    assert child.stdin is not None
    child.stdin.close()
