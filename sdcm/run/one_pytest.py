"""One pytest that collects, tells what it has chosen, and goes on as the one that runs, where one process is enough.

A second pytest would start, import and collect once more, which is most of what a run with one short test takes
(docs/decisions/0028-one-pytest.md). Its other end is `sdcm.pytest_plugin.going_on`.
"""

import json
import os
import select
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from sdcm import process
from sdcm.broker.protocol import COLLECTED, GO_ON_VARIABLE
from sdcm.run import display
from sdcm.run.display import JournalDisplay
from sdcm.run.options import RunOptions
from sdcm.run.pytest_options import DISTRIBUTING
from sdcm.run.pytest_session import PytestSession, pytest_argv

#: Seconds between two looks at a pytest that says nothing: one that has ended may have left a child with the line.
_LOOK_EVERY = 0.2
#: Seconds for one that is not to run to end its session.
_TO_END = 20.0


def may_do(options: RunOptions, targets: tuple[str, ...]) -> bool:
    """Whether one process may turn out to be enough: it was asked for, or so little is that it may be a single test.

    Args:
        options: The run's options.
        targets: Files, folders and node ids.
    """
    if options.plan_only or options.shard is not None or options.repeat > 1 or not options.integration:
        return False
    if any(word.startswith(DISTRIBUTING) for word in options.pytest_args):
        return False
    if options.workers == 0:
        return True
    narrow = bool(options.keyword) or all("::" in target or target.endswith(".py") for target in targets)
    return narrow and not options.workers_asked


class OnePytest:
    """Such a pytest, from its start until it goes on or has ended.

    Attributes:
        argv: Its command line.
        session: Its process; who lets it go on waits for that.
    """

    def __init__(
        self,
        options: RunOptions,
        targets: tuple[str, ...],
        project: Path,
        environ: Mapping[str, str],
        log: Path,
        shown: JournalDisplay | None,
        *,
        own_terminal: bool,
    ) -> None:
        """Start it.

        Args:
            options: The run's options.
            targets: Files, folders and node ids.
            project: Folder to run in.
            environ: Its environment while it collects.
            log: Gets what it says meanwhile on standard error, and why it could not collect.
            shown: What shows the run to the user.
            own_terminal: It is to have the user's terminal when it goes on.
        """
        self.argv = pytest_argv(options, targets, 0)
        self._log = log
        self._environ = environ
        self._shown = shown
        self._own_terminal = own_terminal
        self._waits = False
        self._stack = ExitStack()
        self._line, theirs = socket.socketpair()
        self._stack.callback(self._line.close)
        with ExitStack() as handed, closing(theirs):
            relay = None
            if shown is not None and not own_terminal:
                relay = self._stack.enter_context(shown.for_pytest(keeps_terminal=False))
            meanwhile = handed.enter_context(log.open("ab"))
            instead = display.own_terminal(2, relay)
            stderr = os.dup(2 if instead is None else instead)
            handed.callback(os.close, stderr)
            descriptors = (theirs.fileno(), stderr, meanwhile.fileno())
            self.session = PytestSession(
                self.argv,
                project,
                {**environ, GO_ON_VARIABLE: ",".join(map(str, descriptors))},
                own_terminal=own_terminal,
                relay=relay,
                stderr=meanwhile.fileno(),
                pass_fds=descriptors,
            )

    def collected(self, deadline: float) -> process.Completed:
        """Wait until it has written the selection, or has ended because it could not.

        Args:
            deadline: Seconds.

        Returns:
            Status 0 when it has; else how it ended, with what it said.

        Raises:
            CommandTimedOut: The time was up; it is killed.
        """
        started = time.monotonic()
        status: int | None = None
        while not self._has_told(_LOOK_EVERY if status is None else 0.0):
            if status is not None:
                return self._ended(status, time.monotonic() - started)
            status = self.session.status()
            if time.monotonic() - started > deadline:
                self.session.kill()
                raise process.CommandTimedOut(f"pytest did not collect within {deadline:g} s", evidence=self._said())
        return process.Completed(tuple(self.argv), 0, "", "", time.monotonic() - started)

    def _has_told(self, seconds: float) -> bool:
        """Wait for word; a line that is closed is as good as none, but ends with its process soon."""
        if not select.select([self._line], [], [], seconds)[0]:
            return False
        with suppress(OSError):
            if self._line.recv(len(COLLECTED)) == COLLECTED:
                self._waits = True
                return True
        self.session.status(seconds)
        return False

    def _ended(self, status: int, seconds: float) -> process.Completed:
        return process.Completed(tuple(self.argv), status, self._said(), "", seconds)

    def _said(self) -> str:
        return self._log.read_text(errors="replace").strip()

    def go_on(self, environ: Mapping[str, str]) -> None:
        """Let it run what it has collected.

        Args:
            environ: Its environment from now on.
        """
        if self._shown is not None and self._own_terminal:
            self._stack.enter_context(self._shown.for_pytest(keeps_terminal=True))
        more = {name: value for name, value in environ.items() if self._environ.get(name) != value}
        self._answer(go=True, environ=more)

    def _answer(self, **answer: object) -> None:
        self._waits = False
        with suppress(OSError):  # it has just died: its status will tell
            self._line.sendall(json.dumps(answer).encode() + b"\n")

    def close(self) -> None:
        """End it, in order and without running anything where it waits for word, else at once."""
        if self._waits:
            self._answer(go=False)
            self.session.status(_TO_END)
        self.session.kill()
        self._stack.close()
