"""Tells how a worker ended that was lost: xdist itself knows only that it is gone."""

import subprocess
from contextlib import suppress
from typing import Any

import pytest

from sdcm import process_status
from sdcm.pytest_plugin.session import acts

#: Seconds until the process is gone whose pipe is closed; all other workers wait meanwhile.
_PATIENCE = 0.5
#: Set on xdist's controller of a worker once that has been told of.
_TOLD = "sct_ending"
#: xdist's reason of a worker that is gone without a word; one that gave another has ended its session, and may live.
_SILENT = "Not properly terminated"


def reason_of(node: Any, error: object) -> str:
    """Return why a worker is gone: how its process has ended where it went without a word, else what xdist says.

    Args:
        node: xdist's controller of the worker.
        error: What xdist says.
    """
    if error != _SILENT:
        return str(error or "")
    # execnet has no public name for the process behind a gateway, and another host's is only the way there
    process = getattr(getattr(node.gateway, "_io", None), "popen", None) if node.gateway.spec.popen else None
    ending = ""
    if process is not None:
        with suppress(subprocess.TimeoutExpired, OSError):
            ending = process_status.ended(process.wait(_PATIENCE))
    setattr(node, _TOLD, ending)
    return ending or _SILENT


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(report: pytest.TestReport) -> None:
    """Say how the worker ended in the failure of the test that it ran; `reason_of` has been asked by then."""
    node: Any = getattr(report, "node", None)
    if node is not None and acts(node.config) and (ending := getattr(node, _TOLD, "")):
        report.longrepr = f"{report.longrepr}, {ending}"
