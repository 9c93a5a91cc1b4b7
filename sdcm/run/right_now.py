"""The answer to SIGUSR1: what every worker does at this moment, with stacks, and what the broker does."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sdcm.errors import DeadlinePassed, SctError
from sdcm.redaction import Redactor
from sdcm.right_now import CONTROLLER, RightNow

if TYPE_CHECKING:
    from sdcm.reporters.live import LiveRun

#: Seconds that processes have to answer; they look once a second.
_PATIENCE = 5.0
_INDENT = " " * 6


class Answering:
    """Answers each time it was asked, in a thread of its own: nothing waits for it."""

    def __init__(
        self,
        state: Path,
        asked: Callable[[], int],
        socket: Callable[[], Path | None],
        say: Callable[[str], None],
        *,
        patience: float = _PATIENCE,
    ) -> None:
        """Answer from now on.

        Args:
            state: The run's state directory.
            asked: How often it was asked so far.
            socket: The broker's socket; None while there is none.
            say: Prints a line.
            patience: Seconds that processes have to answer.
        """
        self._questions = RightNow(state)
        self._asked = asked
        self._socket = socket
        self._say = say
        self._patience = patience
        self._answered = asked()
        self._thread: threading.Thread | None = None

    def look(self, now: "Callable[[], LiveRun]") -> None:
        """Answer, if it was asked since the last look; not while an answer is being made.

        Args:
            now: Returns what goes on; called where there is something to answer.
        """
        if self._asked() == self._answered or (self._thread is not None and self._thread.is_alive()):
            return
        self._answered = self._asked()
        live = now()
        told = self._run(live)
        self._thread = threading.Thread(
            target=self._answer,
            args=(told, {CONTROLLER, *live.workers} if live.workers else {"main"}),
            name="right-now",
            daemon=True,
        )
        self._thread.start()

    def _run(self, live: "LiveRun") -> list[str]:
        from sdcm.reporters.live_words import clock, test_words
        from sdcm.reporters.terminal import row_of

        now = time.time()
        counted = f"{live.done} of {live.total or '?'} tests done, {live.failed} failed, {live.skipped} skipped"
        lines = [row_of("right now", f"{live.stage} for {clock(now - live.since)}, {counted}")]
        lines += [
            row_of("step", f"{step.name}: {step.said} ({clock(now - step.started)})") for step in live.steps.values()
        ]
        return [*lines, *(row_of("test", test_words(live, test, now)) for test in live.running.values())]

    def _answer(self, lines: list[str], workers: set[str]) -> None:
        redactor = Redactor(os.environ)
        for line in [*lines, *self._broker(), *self._processes(workers)]:
            self._say(redactor.text(line))

    def _broker(self) -> list[str]:
        socket = self._socket()
        if socket is None:
            return []
        from sdcm.broker.client import BrokerClient
        from sdcm.reporters.terminal import row_of

        try:
            with BrokerClient(socket, "right-now", deadline=self._patience) as client:
                status = client.ask("status")
        except SctError as exc:
            return [row_of("broker", str(exc))]
        return broker_lines(status)

    def _processes(self, workers: set[str]) -> list[str]:
        from sdcm.reporters.terminal import row_of
        from sdcm.wait import wait_for

        number = self._questions.ask()

        def all_have() -> bool:
            return workers <= self._questions.answers(number).keys()

        silent: set[str] = set()
        try:
            wait_for(all_have, timeout=self._patience, step=0.1, text="the workers answer")
        except DeadlinePassed:
            silent = workers - self._questions.answers(number).keys()
        lines = []
        for who, text in self._questions.answers(number).items():
            first, *rest = text.rstrip().splitlines()
            lines += [row_of(who, first), *(_INDENT + line for line in rest)]
        why = "no answer: it is not up yet, or in code that lets no other thread run"
        return [*lines, *(row_of(who, why) for who in sorted(silent))]


def broker_lines(status: Mapping[str, Any]) -> list[str]:
    """Return what a broker's answer to `status` says, as lines."""
    from sdcm.reporters.live_words import clock
    from sdcm.reporters.terminal import row_of

    services = ", ".join(f"{label} {state}" for label, state in (status.get("services") or {}).items())
    nodes = ", ".join(f"{count} {what}" for what, count in (status.get("nodes") or {}).items())
    lines = [row_of("broker", "; ".join(filter(None, (services, nodes and f"nodes: {nodes}"))))]
    lines += [
        row_of("lease", f"{lease['what']} to {lease['worker']} for {lease['test']}")
        for lease in status.get("leases") or ()
    ]
    return lines + [
        row_of("wait", f"{wait['worker']} waits for {wait['what']}, {clock(wait['seconds'])}: {wait['test']}")
        for wait in status.get("waits") or ()
    ]
