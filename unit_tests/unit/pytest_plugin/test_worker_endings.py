"""How a worker ended that was lost."""

import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from sdcm.pytest_plugin.worker_endings import ending_of


def _node(code: str) -> SimpleNamespace:
    popen = subprocess.Popen([sys.executable, "-Ic", code])
    return SimpleNamespace(gateway=SimpleNamespace(_io=SimpleNamespace(popen=popen)))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise SystemExit(3)", "ended with exit status 3"),
        ("import os; os.kill(os.getpid(), 11)", "ended by SIGSEGV"),
        (f"import os; os.kill(os.getpid(), {signal.SIGRTMIN + 3})", f"ended by signal {signal.SIGRTMIN + 3}"),
    ],
)
def test_exit_status_or_signal(code, expected):
    """Its process tells, whichever way it went."""
    assert ending_of(_node(code)) == expected


def test_a_worker_whose_process_is_elsewhere():
    """Nothing is said of a process that is not ours to wait for."""
    assert ending_of(SimpleNamespace(gateway=SimpleNamespace())) == ""


def test_a_process_that_does_not_end():
    """Its pipe may be closed and it may live on: nobody waits for it for long."""
    node = _node("import time; time.sleep(60)")
    try:
        assert ending_of(node) == ""
    finally:
        node.gateway._io.popen.kill()
        node.gateway._io.popen.wait()
