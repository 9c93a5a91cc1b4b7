"""How a process has ended, in words."""

import signal

import pytest

from sdcm.process_status import ended


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0, "ended with status 0"),
        (7, "ended with status 7"),
        (-signal.SIGSEGV, "ended by SIGSEGV"),
        (-signal.SIGKILL, "ended by SIGKILL (sent from outside, or the system had no memory left)"),
        (-(signal.SIGRTMIN + 3), f"ended by signal {signal.SIGRTMIN + 3}"),
    ],
)
def test_exit_status_or_signal(status, expected):
    """A signal has its name, where it has one."""
    assert ended(status) == expected
