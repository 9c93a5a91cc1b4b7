"""Runs that use a kept environment: its broker clears up after one that died, so that none needs a broker of its own.

Why so: docs/decisions/0031-no-broker-beside-a-kept-one.md.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sdcm import paths
from sdcm.broker import runs
from sdcm.broker.asking import Asking
from sdcm.broker.opener import clean_up_after
from sdcm.errors import DeadlinePassed
from sdcm.ownership import ledger
from sdcm.ownership.ledger import LedgerState
from sdcm.process_identity import is_alive
from sdcm.wait import wait_for

#: Seconds in which a process whose connection was closed has ended, if its end was what closed it.
_TO_END = 10.0
_LOOK_EVERY = 0.05
_CLEAN_UP_DEADLINE = 240.0


class WatchedRuns:
    """The runs whose runners are connected, each known by its connection; safe to use from several threads."""

    def __init__(
        self,
        background: Callable[[Callable[[], None], str], None],
        clean_up: Callable[[str], object] | None = None,
        *,
        patience: float = _TO_END,
    ) -> None:
        """Watch over none yet.

        Args:
            background: Runs what nobody waits for, under a name for the journal.
            clean_up: Tears a dead run down, by its id, and writes its reports; in a process of its own when omitted.
            patience: Seconds in which a process whose connection was closed has ended.
        """
        self._background = background
        self._clean_up = clean_up or (lambda run_id: clean_up_after(run_id, os.environ, _CLEAN_UP_DEADLINE))
        self._patience = patience
        self._runs: dict[str, str] = {}

    def watch(self, worker: str, arguments: Mapping[str, Any], _asking: Asking) -> Mapping[str, Any]:
        """Watch over a run for as long as its runner is connected; meanwhile sweep up after those that died before."""
        self._runs[worker] = str(arguments["run"])
        self._background(self._sweep, "dead runs")
        return {}

    def move(self, old: str, new: str) -> None:
        """Know a run by its runner's new connection."""
        if (run_id := self._runs.pop(old, None)) is not None:
            self._runs[new] = run_id

    def left(self, worker: str) -> None:
        """Clear up, in the background, after a run whose runner has gone without doing so."""
        if (run_id := self._runs.pop(worker, None)) is not None:
            self._background(lambda: self._look_after(run_id), f"run {run_id}")

    def _sweep(self) -> None:
        for dead in runs.dead_runs(paths.from_environment()):
            self._clean_up(dead.run_id)

    def _look_after(self, run_id: str) -> None:
        if self._left_by(run_id) is None:
            return

        def dead() -> bool:
            state = self._left_by(run_id)
            return state is None or not is_alive(state.owner)

        # One that lives has only lost its connection: it does it itself, at its end.
        with suppress(DeadlinePassed):
            wait_for(dead, timeout=self._patience, step=_LOOK_EVERY, text=f"run {run_id} has ended")
            if self._left_by(run_id) is not None:
                self._clean_up(run_id)

    def _left_by(self, run_id: str) -> LedgerState | None:
        """Return the ledger of a run that has something left; None where nothing is."""
        state = ledger.read(paths.from_environment().run_state(run_id) / ledger.FILE_NAME)
        return state if state is not None and state.entries else None
