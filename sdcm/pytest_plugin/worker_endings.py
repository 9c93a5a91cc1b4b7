"""Tells how a worker ended that was lost: xdist itself knows only that it is gone."""

import signal
import subprocess
from contextlib import suppress
from typing import Any

import pytest

from sdcm.pytest_plugin.session import acts

#: Seconds until a worker's end is known once its pipe is closed.
_PATIENCE = 1.0
_HINTS = {signal.SIGKILL: "sent from outside, or the system had no memory left"}


def ending_of(node: Any) -> str:
    """Return how the process of a worker that is gone has ended, empty when that cannot be told.

    Args:
        node: xdist's controller of the worker.
    """
    # execnet has no public name for the process behind a gateway
    process = getattr(getattr(node.gateway, "_io", None), "popen", None)
    if process is None:
        return ""
    with suppress(subprocess.TimeoutExpired, OSError):
        return _told(process.wait(_PATIENCE))
    return ""


def _told(status: int) -> str:
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        number = signal.Signals(-status)
    except ValueError:  # a real-time signal
        return f"ended by signal {-status}"
    hint = f" ({_HINTS[number]})" if number in _HINTS else ""
    return f"ended by {number.name}{hint}"


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(report: pytest.TestReport) -> None:
    """Say how the worker ended in the failure of the test that it ran."""
    node: Any = getattr(report, "node", None)
    if node is not None and acts(node.config) and (ending := ending_of(node)):
        report.longrepr = f"{report.longrepr}, {ending}"
