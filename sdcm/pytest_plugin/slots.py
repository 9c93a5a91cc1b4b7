"""Tests that cannot run beside others: `run_alone`, `weight`, `concurrency`.

A worker takes its places before a test's set-up and gives them back after its teardown. The places are
locks on files of the run, so they hold under any scheduler, and a worker that dies gives its own back.
Where no chosen test carries one of the markers, nothing is locked.
"""

import fcntl
import os
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from sdcm import journal, paths
from sdcm.pytest_plugin import collecting, markers
from sdcm.pytest_plugin.session import acts, context_of
from sdcm.services.selected import SelectedTest

_SLOTS = pytest.StashKey["Slots | None"]()
#: Seconds between two looks for free places.
_STEP = 0.05
#: The name of the places that weights are counted in; no marker can give it.
_MACHINE = ""


class Slots:
    """The places of a run: as many as it has workers, and as many a limit as that allows."""

    def __init__(self, folder: Path, workers: int) -> None:
        """Keep the locks in `folder`, which is made."""
        self._folder = paths.make_private(folder)
        self._workers = max(workers, 1)

    @contextmanager
    def held(self, test: SelectedTest) -> Iterator[None]:
        """Wait for the test's places and hold them.

        The machine's own places are taken last: who waits for a limit keeps nobody else from running.
        """
        weight = self._workers if test.alone else min(test.weight, self._workers)
        with ExitStack() as stack:
            for name, limit in sorted(test.limits):
                self._take(stack, name, 1, limit)
            self._take(stack, _MACHINE, weight, self._workers)
            yield

    def _take(self, stack: ExitStack, name: str, wanted: int, places: int) -> None:
        # One at a time gathers places of a name: two that each hold half of what they want would wait for ever.
        stem = self._folder / f"places-{name.encode().hex()}"
        with _locked(stem.with_suffix(".turn")):
            free = [stem.with_suffix(f".{number}") for number in range(places)]
            while wanted > 0:
                for path in list(free):
                    if wanted > 0 and (lock := _try_lock(path)) is not None:
                        stack.callback(os.close, lock)
                        free.remove(path)
                        wanted -= 1
                if wanted > 0:
                    time.sleep(_STEP)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _try_lock(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Find out whether places must be taken at all; every worker finds the same."""
    config = session.config
    workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
    if workers < 2 or config.option.collectonly:
        return
    if acts(config) and markers.carried(session.items, "run_alone", "weight", "concurrency"):
        folder = paths.from_environment().run_state(context_of(config).run_id) / "places"
        config.stash[_SLOTS] = Slots(folder, workers)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run the test when it has its places."""
    slots = item.config.stash.get(_SLOTS, None)
    if slots is None:
        return (yield)
    started = time.monotonic()
    with slots.held(collecting.needs_of(item)):
        waited = time.monotonic() - started
        if waited > _STEP:
            journal.note("held-back", test=item.nodeid, seconds=round(waited, 3))
        return (yield)
