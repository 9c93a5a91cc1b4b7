"""How a worker ended that was lost."""

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from sdcm.pytest_plugin import worker_endings

SILENT = "Not properly terminated"


def _node(process, *, popen=True):
    gateway = SimpleNamespace(_io=SimpleNamespace(popen=process), spec=SimpleNamespace(popen=popen))
    return SimpleNamespace(gateway=gateway, config=None)


def _ended(code):
    process = subprocess.Popen([sys.executable, "-Ic", code])
    process.wait()
    return process


@pytest.fixture
def living():
    """A process that goes on."""
    process = subprocess.Popen([sys.executable, "-Ic", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def crash(monkeypatch):
    """Return the text of the failure that the crash of a node has made."""
    monkeypatch.setattr(worker_endings, "acts", lambda _config: True)

    def text(node):
        report = SimpleNamespace(longrepr="worker 'gw1' crashed", node=node)
        worker_endings.pytest_handlecrashitem(report)
        return report.longrepr

    return text


def test_the_process_tells(crash):
    """Both the reason for the loss and the failure of its test say how it ended."""
    node = _node(_ended("raise SystemExit(3)"))
    assert worker_endings.reason_of(node, SILENT) == "ended with status 3"
    assert crash(node) == "worker 'gw1' crashed, ended with status 3"


def test_a_worker_that_ended_its_session_itself_is_not_waited_for(living, crash):
    """It lives on until xdist ends it, and all others would wait meanwhile."""
    node, started = _node(living), time.monotonic()
    assert worker_endings.reason_of(node, "keyboard-interrupt") == "keyboard-interrupt"
    assert crash(node) == "worker 'gw1' crashed"
    assert time.monotonic() - started < worker_endings._PATIENCE


def test_a_worker_that_is_down_as_it_should():
    """There is nothing to tell."""
    assert worker_endings.reason_of(_node(None), None) == ""


@pytest.mark.parametrize("popen", [True, False], ids=["which goes on", "of the way to another host"])
def test_a_process_that_cannot_tell(living, crash, popen):
    """What xdist says stands; nobody waits for long."""
    node = _node(living if popen else _ended("raise SystemExit(255)"), popen=popen)
    assert worker_endings.reason_of(node, SILENT) == SILENT
    assert crash(node) == "worker 'gw1' crashed"
