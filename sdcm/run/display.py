"""What the user sees while a run goes on: live rows on a terminal, else plain lines, made of the run's journal.

What these are made with is imported when the first record is shown: pytest is started sooner without it.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from sdcm import journal
from sdcm.run import report

if TYPE_CHECKING:
    from sdcm.reporters.fields import Record
    from sdcm.reporters.live import LiveRun
    from sdcm.reporters.live_rows import Size
    from sdcm.reporters.terminal import SetupLines
    from sdcm.run.pen import Pen
    from sdcm.run.relay import Relay
    from sdcm.run.screen import Screen

#: Seconds between two looks at the journal, and so between two pictures.
_TICK = 0.25
#: Seconds of silence after which it is told what runs now, where there is no terminal.
HEARTBEAT = 30.0
#: Records after which something has been printed: by pytest, a line for each test.
_HEARD = {"test-end", "pytest-end", "pytest-start", "run-end"}
#: Records after which pytest's line is unfinished: it names the test that runs, and ends the line with its outcome.
_UNFINISHED = {"test-start", "test-end"}
_FINISHED = {"pytest-start", "pytest-end"}
#: Learns of the chosen tests: their services by node id, and seconds by node id.
Known = tuple[Mapping[str, tuple[str, ...]], Mapping[str, float]]


def wants_live(verbosity: int, environ: Mapping[str, str]) -> bool:
    """Whether there is a terminal that can show live rows, and they are wanted."""
    return verbosity >= 0 and environ.get("TERM", "dumb") not in {"", "dumb", "unknown"} and sys.stdout.isatty()


class JournalDisplay:
    """Follows a journal in a thread, and shows what it tells.

    Attributes:
        asked: Called at each look; see `sdcm.run.right_now`.
    """

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        *,
        verbosity: int = 0,
        known: Callable[[], Known] = lambda: ({}, {}),
        asked: "Callable[[Callable[[], LiveRun]], None]" = lambda _: None,
    ) -> None:
        """Follow the journal at `path`, which need not exist yet.

        Args:
            path: The journal.
            environ: Environment of the run: `TERM`, `NO_COLOR`.
            verbosity: -1 shows nothing, 1 what steps say as lines on a terminal too.
            known: Tells of the chosen tests; called in this object's thread when they are collected.
            asked: Called at each look, in that thread, with what returns what goes on.
        """
        self.asked = asked
        self._path = path
        self._quiet = verbosity < 0
        self._plain = bool(environ.get("NO_COLOR"))
        self._screen = _screen(plain=self._plain) if wants_live(verbosity, environ) else None
        self._tells_progress = self._screen is None or verbosity > 0
        self._size: Size | None = None
        self._known = known
        self._knows = False
        self._relay: Relay | None = None
        self._shared = False
        self._unfinished = False
        self._heard = time.time()
        self._stack = ExitStack()
        self._stop = threading.Event()
        self._offset = 0
        self._rest = b""
        self._thread = threading.Thread(target=self._follow, name="display", daemon=True)

    def __enter__(self) -> "JournalDisplay":
        if self._screen is not None:
            self._stack.callback(self._screen.close)
            self._stack.enter_context(_in_place_of("stdout", self._screen))
            self._stack.enter_context(_in_place_of("stderr", self._screen))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show what is left and stop; the live rows are gone then."""
        self._stop.set()
        self._thread.join()
        if not self._quiet:
            self._read()
        self._stack.close()

    @cached_property
    def _live(self) -> "LiveRun":
        from sdcm.reporters.live import LiveRun

        return LiveRun()

    @cached_property
    def _lines(self) -> "SetupLines":
        from sdcm.reporters.terminal import LOG_BEAT, TERMINAL_BEAT, SetupLines

        return SetupLines(TERMINAL_BEAT if sys.stdout.isatty() else LOG_BEAT, progress=self._tells_progress)

    @cached_property
    def _pen(self) -> "Pen":
        from sdcm.run.pen import Pen

        return Pen(coloured=not self._plain)

    @property
    def live(self) -> bool:
        """Whether there are live rows."""
        return self._screen is not None

    def say(self, line: str) -> None:
        """Print a line of ours; where pytest writes beside us, below the one that it has not finished."""
        if self._unfinished and self._screen is None:
            report.say("")
        self._unfinished = False
        report.say(line)

    @contextlib.contextmanager
    def for_pytest(self, *, keeps_terminal: bool) -> "Iterator[Relay | None]":
        """Give pytest what it is to write to for the time of the block.

        Args:
            keeps_terminal: pytest must have the user's terminal itself: the live rows go.

        Yields:
            A terminal of its own above the live rows; None: it writes where we do.
        """
        if self._screen is None or keeps_terminal:
            self._shared = keeps_terminal
            self._leave_screen()
            yield None
            return
        from sdcm.run.relay import Relay
        from sdcm.run.screen import Lines

        with Relay(Lines(self._screen), self._screen.size) as relay:
            self._relay = relay
            try:
                yield relay
            finally:
                self._relay = None

    def _leave_screen(self) -> None:
        screen, self._screen = self._screen, None
        if screen is not None:
            self._stack.close()

    def _follow(self) -> None:
        while not self._stop.wait(_TICK):
            if not self._quiet:
                self._read()
                self._print(self._lines.tick())
            self.asked(self._up_to_now)
            if self._screen is not None:
                self._show(self._screen)
            else:
                self._beat()

    def _show(self, screen: "Screen") -> None:
        relay, pen, size = self._relay, self._pen, screen.size
        if size != self._size:
            self._size = size
            if relay is not None:
                relay.resize(size)
            screen.redraw()
        unfinished = relay.lines.unfinished if relay is not None else ""
        screen.show(pen.rows(self._live, time.time(), size), pen.line(unfinished, size))

    def _up_to_now(self) -> "LiveRun":
        """Return what goes on; where nothing is shown, the journal is read for it only now."""
        if self._quiet:
            self._read()
        return self._live

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        records = [record for line in whole if (record := journal.parse(line)) is not None]
        # pytest has printed what they tell of before the first of them is shown.
        for record in records:
            self._note_line(record["event"])
        for record in records:
            self._feed(record)

    def _note_line(self, event: str) -> None:
        """Note whether pytest leaves a line unfinished; xdist's waits for the next test, whichever ends or begins."""
        if event in _FINISHED:
            self._unfinished = False
        elif event in _UNFINISHED:
            self._unfinished = event == "test-start" or not self._shared

    def _feed(self, record: "Record") -> None:
        self._live.feed(record)
        self._print(self._lines.feed(record))
        if record["event"] in _HEARD:
            self._heard = time.time()
        if record["event"] == "collected" and not self._knows:
            self._knows = True
            self._live.know(*self._known())

    def _beat(self) -> None:
        """Tell what runs now, where nothing was heard for long: a log that says nothing looks dead."""
        now = time.time()
        # Somebody may sit at a debugger's prompt.
        disturbs = self._shared and sys.stdout.isatty()
        if self._quiet or disturbs or now - self._heard < HEARTBEAT:
            return
        from sdcm.reporters.live_words import now_line
        from sdcm.reporters.terminal import row_of

        self._heard = now
        if self._live.stage != "over" and (said := now_line(self._live, now)):
            self._print([row_of("still", said)])

    def _print(self, lines: list[str]) -> None:
        if lines and not self._quiet:
            self._heard = time.time()
            for line in lines:
                self.say(line)


def _screen(*, plain: bool) -> "Screen":
    from sdcm.run.screen import AnsiPainter, PlainPainter, Screen

    return Screen(sys.stdout.fileno(), PlainPainter() if plain else AnsiPainter())


@contextlib.contextmanager
def _in_place_of(name: str, screen: "Screen") -> Iterator[None]:
    """Let what this process prints come above the live rows, if it goes to a terminal."""
    stream: TextIO = getattr(sys, name)
    if not stream.isatty():
        yield
        return
    from sdcm.run.screen import Lines, LinesFile

    stream.flush()
    lines = Lines(screen)
    file = LinesFile(lines, stream.fileno())
    redirect = contextlib.redirect_stdout if name == "stdout" else contextlib.redirect_stderr
    with redirect(file):
        try:
            yield
        finally:
            lines.close()


def own_terminal(descriptor: int, relay: "Relay | None") -> int | None:
    """Return where pytest writes what it would write to a descriptor of ours; None for there.

    Args:
        descriptor: 1 or 2.
        relay: Its own terminal, if it has one; what goes to a file goes on to do so.
    """
    return relay.descriptor if relay is not None and os.isatty(descriptor) else None
