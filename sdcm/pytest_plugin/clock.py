"""Ends what a test does when its time is up, so that its process survives.

Three stages, each harder:

    the deadline            a signal to the main thread, whose handler raises there: sleeps, locks, sockets are left
    `GRACE` later           the same again, for a `finally` or an `except` that hangs
    `GRACE` after that       the process is ended, its last words in a file of the run's: where signals cannot reach, as
                            in C code, nothing else helps. C code that never lets Python run is ended by faulthandler

The signal is SIGURG: nothing uses it, and its default is to be ignored, so a test that resets it is not killed by us.
"""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from sdcm.pytest_plugin.last_resort import LastResort
from sdcm.pytest_plugin.stacks import debugged, stacks
from sdcm.pytest_plugin.timed_phase import Phase
from sdcm.real_time import RealTime
from sdcm.stop_flag import StopFlag

#: Seconds between two looks for a request to stop.
_LOOK_EVERY = 1.0
#: Seconds for teardown, once a request to stop has ended the test before it.
_TEARDOWN_AFTER_STOP = 20.0
_SIGNAL = signal.SIGURG
#: What `signal.getsignal` is made of: that one looks for a name of the handler first, by an exception that it catches.
_handler_of = getattr(signal, "_signal", signal).getsignal
#: Seconds until a signal that was not heard is sent again: one that comes between the main thread's last look for
#: signals and its call of the system's `sleep` or `read` does not wake it.
_AGAIN_AFTER = 0.2
_ENDLESS = float("inf")
#: Stages that the process survives.
_STAGES = 2


class DeadlineClock:
    """The clock of one process; at most one phase runs at a time.

    Attributes:
        GRACE: Seconds between two stages.
    """

    GRACE = 20.0

    def __init__(
        self,
        raise_in_test: Callable[[str], None],
        *,
        stop: StopFlag | None = None,
        last_words: Path | None = None,
        last_resort: bool = True,
        evidence: Callable[[], str] = str,
        grace: float | None = None,
        die: Callable[[int], None] = os._exit,
    ) -> None:
        """Make a clock; it starts to watch with the first phase.

        Args:
            raise_in_test: Raises in the test, given the message; called in the main thread.
            stop: The run's request to stop.
            last_words: File for what is known when the process must be ended.
            last_resort: Let faulthandler end the process when even that is not possible; it has one timer only, which
                the project may use for itself.
            evidence: Gives what else there is to say about the phase then.
            grace: Seconds between two stages; `GRACE` when omitted.
            die: Ends the process.
        """
        self._raise_in_test = raise_in_test
        self._stop = stop
        self._last_words = last_words
        self._last_resort = LastResort(last_words) if last_resort and last_words is not None else None
        self._evidence = evidence
        self._grace = self.GRACE if grace is None else grace
        self._die = die
        self._phase: Phase | None = None
        self._change = threading.Condition(threading.RLock())
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0

    def phase(
        self, test: str, what: str, seconds: float | None, ended: Callable[[Phase], None] | None = None
    ) -> "_Block":
        """Give the block so many seconds; None for as long as it likes.

        Args:
            test: Node id.
            what: What the block is: `the test`, `its set-up`, `its teardown`.
            seconds: How long it may take, the times in `paused` left out.
            ended: Told of a block that had to be ended, once it is over.
        """
        phase = Phase(test, what, _ENDLESS if seconds is None else seconds)
        if seconds is not None:
            phase.message = f"{what} did not end within its deadline of {seconds:g} s"
        return _Block(self, phase, ended)

    def _begin(self, phase: Phase) -> Phase | None:
        """Let its clock run; return the phase that it interrupts."""
        self._watch()
        before, self._phase = self._phase, phase
        self._run(phase)
        return before

    def _over(self, phase: Phase, before: Phase | None) -> None:
        try:
            self._phase = before
        finally:
            # Once more: the signal may have come, and raised, just before it was done.
            self._phase = before
            self._halt(phase)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the clock stand still for the block: a wait that something else bounds."""
        phase = self._phase
        if phase is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        self.suspend()
        try:
            yield
        finally:
            self.resume()

    def suspend(self) -> None:
        """Let the clock stand still until `resume`."""
        phase = self._phase
        if phase is not None:
            phase.pauses += 1
            if phase.pauses == 1:
                self._halt(phase)

    def resume(self) -> None:
        """Let the clock run on."""
        phase = self._phase
        if phase is not None and phase.pauses:
            phase.pauses -= 1
            if not phase.pauses:
                self._run(phase)

    def close(self) -> None:
        """Watch no more."""
        self._phase = None
        with self._change:
            self._thread = None
            self._change.notify()
            if self._last_resort is not None:
                self._last_resort.close()

    # -- the main thread -------------------------------------------------------------------------------

    def _run(self, phase: Phase) -> None:
        phase.since = RealTime.monotonic()
        with self._change:
            if phase.left == _ENDLESS:
                phase.due = None
                return
            phase.due = phase.since + phase.left
            if phase.due < self._wakes_at:  # Waking it for each phase would cost more than a short test.
                self._change.notify()
            if self._last_resort is not None:
                self._last_resort.cover(phase.test, phase.message, phase.left + 3 * self._grace)

    def _halt(self, phase: Phase) -> None:
        if phase.since is not None:
            phase.left = max(0.0, phase.left - (RealTime.monotonic() - phase.since))
        phase.since = None
        # The watching thread may have found it due by now, whatever lock were taken: `_handle` looks once more.
        phase.due = None

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        __tracebackhide__ = True
        phase = self._phase
        if phase is None or not phase.stage:
            return  # What was to be ended has ended in the meantime.
        if phase.heard == phase.stage:
            return  # It has been raised, and this signal is a repetition.
        phase.heard = phase.stage
        if debugged() and not phase.blame:
            with self._change:
                phase.stage, phase.heard, phase.due = 0, 0, None
            return
        self._raise_in_test(phase.message)

    def _watch(self) -> None:
        if _handler_of(_SIGNAL) != self._handle:
            signal.signal(_SIGNAL, self._handle)
        if self._thread is None:
            self._thread = threading.Thread(target=self._tick, name="sct-deadlines", daemon=True)
            self._thread.start()

    # -- the watching thread ---------------------------------------------------------------------------

    def _tick(self) -> None:
        me = threading.current_thread()
        while self._thread is me:
            with self._change:
                phase = self._phase
                due = phase.due if phase is not None else None
                if due is None and self._last_resort is not None:
                    self._last_resort.rest()
                patience = _AGAIN_AFTER if self._unheard(phase) else self._patience(due)
                self._wakes_at = float("inf") if patience is None else RealTime.monotonic() + patience
                self._change.wait(patience)
            stopped = self._look_for_stop()
            with self._change:  # The main thread may end or pause the phase at any moment.
                phase = self._phase
                due = phase.due if phase is not None else None
                over = due is not None and RealTime.monotonic() >= due
            if phase is not None and (stopped or over):
                self._end(phase)
            elif self._unheard(phase):
                signal.pthread_kill(threading.main_thread().ident or 0, _SIGNAL)

    @staticmethod
    def _unheard(phase: Phase | None) -> bool:
        """Whether the main thread has not heard yet of the stage that its phase is in."""
        return phase is not None and phase.heard < phase.stage <= _STAGES

    def _patience(self, due: float | None) -> float | None:
        left = None if due is None else max(0.0, due - RealTime.monotonic())
        if self._stop is None:
            return left
        return _LOOK_EVERY if left is None else min(left, _LOOK_EVERY)

    def _look_for_stop(self) -> bool:
        """Whether the user's request to stop ends the phase now.

        Set-up ends at once, as nothing of the test's own has begun; teardown gets a little more than its test.
        """
        phase = self._phase
        if self._stop is None or phase is None or phase.stage or (said := self._stop.read()) is None:
            return False
        until = said.until + (_TEARDOWN_AFTER_STOP if "teardown" in phase.what else 0.0)
        if RealTime.time() < until and "set-up" not in phase.what:
            return False
        phase.message, phase.blame = f"{phase.what} was ended: {said.why}", said.blame
        return True

    def _end(self, phase: Phase) -> None:
        """Take the next stage."""
        phase.stacks = phase.stacks or stacks()
        phase.stage += 1
        last = phase.stage > _STAGES
        with self._change:
            phase.due = None if last else RealTime.monotonic() + self._grace
        if last:
            self._end_process(phase)
            return
        signal.pthread_kill(threading.main_thread().ident or 0, _SIGNAL)

    def _end_process(self, phase: Phase) -> None:
        if self._last_words is not None:
            words = f"{json.dumps({'test': phase.test, 'message': phase.message})}\n{stacks()}\n{self._evidence()}\n"
            with suppress(OSError):
                self._last_words.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._last_words.write_text(words)
        self._die(1)


class _Block:
    """The block that is a phase; a class, as three of them for each test make a generator's cost felt."""

    __slots__ = ("_before", "_bounds", "_clock", "_ended", "_phase")

    def __init__(self, clock: DeadlineClock, phase: Phase, ended: Callable[[Phase], None] | None) -> None:
        self._clock = clock
        self._phase = phase
        self._ended = ended
        self._before: Phase | None = None
        # Elsewhere there is no way to raise; the broker's and the tools' own deadlines hold.
        self._bounds = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Phase:
        if self._bounds:
            self._before = self._clock._begin(self._phase)
        return self._phase

    def __exit__(self, *exc: object) -> None:
        try:
            if self._bounds:
                self._clock._over(self._phase, self._before)
        finally:
            if self._phase.stage and self._ended is not None:
                self._ended(self._phase)
