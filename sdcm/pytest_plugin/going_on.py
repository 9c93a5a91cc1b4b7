"""A pytest that has collected tells the runner, waits, and goes on as the one that runs, or ends: as the runner says.

Where one process is enough for a run (docs/decisions/0028-one-pytest.md) a second pytest would only start, import and
collect once more. While this one collects, nothing of it is seen: what pytest's reporter writes is held back, and
standard error goes into a file of the runner's. Once it goes on, what was held back is written, and standard error is
what it would have been. If it ends instead, the runner has both.
"""

import io
import json
import os
import socket
import sys
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sdcm.broker.protocol import COLLECTED, GO_ON_VARIABLE
from sdcm.pytest_plugin import collecting
from sdcm.services import selected

_PAUSE = pytest.StashKey["Pause"]()
_STDERR = 2


class Pause:
    """The runner's end of the line, and what is held back until it answers."""

    def __init__(self, line: int, stderr: int, log: int) -> None:
        """Take the descriptors over; programs that conftests start do not get them.

        Args:
            line: A socket to the runner.
            stderr: Where standard error is to go once this process goes on.
            log: Where it goes until then.
        """
        for descriptor in (line, stderr, log):
            os.set_inheritable(descriptor, False)
        self._line = socket.socket(fileno=line)
        self._stderr = stderr
        self._log = log
        self._writer: Any = None
        self._file: Any = None
        self._header = ""

    def hold(self, writer: Any) -> None:
        """Hold back what pytest's terminal writer writes from now on."""
        # Not public, but as old as the class; a writer without it (of another reporter) is let be.
        if hasattr(writer, "_file"):
            self._writer, self._file = writer, writer._file
            writer._file = io.StringIO()

    def header_is_over(self) -> None:
        """Keep what was written so far, the session's header, apart from what is said of collecting."""
        if self._writer is not None:
            self._header = self._writer._file.getvalue()
            self._writer._file = io.StringIO()

    def release(self) -> None:
        """Write what was held back where it belongs, and hold nothing back any more."""
        said = self._let_go()
        if self._file is not None:
            self._file.write(self._header + said)
            self._file.flush()
        _redirect(self._log, self._stderr)
        os.close(self._stderr)
        os.close(self._log)

    def tell(self) -> None:
        """Give the runner what was said of collecting, which has failed."""
        sys.stderr.write(self._let_go())
        sys.stderr.flush()

    def _let_go(self) -> str:
        if self._writer is None:
            return ""
        said: str = self._writer._file.getvalue()
        self._writer._file, self._writer = self._file, None
        return said

    def goes_on(self) -> bool:
        """Tell that the tests are chosen, and wait for the answer; take over what it adds to the environment.

        A runner that is gone says no; this process then ends by `session.end_with_runner` anyway.
        """
        answer: dict[str, Any] = {}
        with suppress(OSError, ValueError), self._line, self._line.makefile("rwb") as stream:
            stream.write(COLLECTED)
            stream.flush()
            answer = json.loads(stream.readline())
        os.environ.update(answer.get("environ", {}))
        return bool(answer.get("go"))


def _redirect(log: int, to: int) -> None:
    """Let all descriptors that are open on the log's file be another: pytest's capture, for one, keeps a second."""
    old = os.fstat(log)
    for descriptor in [int(path.name) for path in Path("/dev/fd").iterdir()]:
        with suppress(OSError):  # the listing's own is closed
            this = os.fstat(descriptor)
            if (this.st_dev, this.st_ino) == (old.st_dev, old.st_ino):
                os.dup2(to, descriptor, inheritable=descriptor <= _STDERR)


def take(config: pytest.Config) -> None:
    """Take the line to the runner over, if there is one, out of the environment; done once."""
    if (value := os.environ.pop(GO_ON_VARIABLE, None)) is not None:
        config.stash[_PAUSE] = Pause(*map(int, value.split(",")))


def is_paused(config: pytest.Config) -> bool:
    """Whether this process only collects so far."""
    return _PAUSE in config.stash


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> Generator[None, None, None]:
    """Hold the header back, and all that follows."""
    pause = session.config.stash.get(_PAUSE, None)
    if pause is not None and session.config.pluginmanager.hasplugin("terminalreporter"):
        pause.hold(session.config.get_terminal_writer())
    yield
    if pause is not None:
        pause.header_is_over()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Write the selection, ask, and do what the runner says; where a file could not be collected, end."""
    result = yield
    config = session.config
    pause = config.stash.get(_PAUSE, None)
    if pause is None:
        return result
    if session.testsfailed:
        config.option.continue_on_collection_errors = False
        return result
    file = Path(os.environ[selected.ENVIRONMENT_VARIABLE])
    selected.write(file, [collecting.needs_of(item) for item in session.items])
    if pause.goes_on():
        pause.release()
        del config.stash[_PAUSE]
    else:
        config.option.collectonly = True
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Hand on why nothing could be collected: the reporter's summary is among it."""
    yield
    if (pause := session.config.stash.get(_PAUSE, None)) is not None:
        pause.tell()
