"""The scheduler as pytest-xdist's controller wants it."""

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pytest

from sdcm.scheduling.protocol import Durations, Ready
from sdcm.scheduling.scheduler import UnitScheduler
from sdcm.services.selected import SelectedTest

if TYPE_CHECKING:
    from xdist.remote import Producer

#: Database nodes that a core can serve: with more, tests wait for their boots, and their workers for the tests.
_NODES_A_CORE = 2


def make_scheduler(
    config: pytest.Config,
    log: "Producer | None",
    selected: Iterable[SelectedTest] | Callable[[], Iterable[SelectedTest]],
    ready: Ready,
    durations: Durations | None = None,
) -> UnitScheduler:
    """Return what `pytest_xdist_make_scheduler` is to return.

    Args:
        config: The controller's configuration.
        log: The hook's own argument.
        selected: The selection, or a function giving it, which is asked when all workers have
            collected. Tests that it lacks are known by their node ids alone.
        ready: Whether tests that need a service (by label) would start at once. A service that has
            failed counts as ready: its tests tell so without waiting.
        durations: Seconds by node id from earlier runs.
    """
    from xdist.workermanage import parse_tx_spec_config

    def report(worker: str, difference: str) -> None:
        problem = pytest.CollectReport(nodeid=worker, outcome="failed", longrepr=difference, result=[])
        config.hook.pytest_collectreport(report=problem)

    workers = len(parse_tx_spec_config(config))
    notes: Any = log.units if log is not None else None
    given = selected if callable(selected) else tuple(selected)
    return UnitScheduler(
        workers,
        selected=given if callable(given) else lambda: given,
        ready=ready,
        report=report,
        durations=durations,
        nodes_at_once=_NODES_A_CORE * (os.cpu_count() or 1),
        log=notes,
    )
