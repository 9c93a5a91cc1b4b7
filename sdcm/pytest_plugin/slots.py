"""Tests that cannot run beside others: `run_alone`, `weight`, `concurrency`.

A worker takes its places before a test's set-up and gives them back after its teardown. The places are
locks on files of the run, so they hold under any scheduler, and a worker that dies gives its own back.
Where no chosen test carries one of the markers, nothing is locked.

A worker whose module holds a node may wait for a place, and one that holds the place for room to boot a node in. So
who waits here tells the broker, which lets a node in beyond the budget once only those who wait hold any.
"""

import fcntl
import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path

import pytest

from sdcm import journal, paths
from sdcm.errors import DeadlinePassed, SctError
from sdcm.pytest_plugin import collecting, markers, stopping
from sdcm.pytest_plugin.session import acts, context_of
from sdcm.services.selected import SelectedTest

_SLOTS = pytest.StashKey["Slots"]()
_LATE = pytest.StashKey[DeadlinePassed]()
#: Seconds between two looks for free places.
_STEP = 0.05
#: Seconds after which the broker is told of a wait; most are shorter.
_WORTH_TELLING = 1.0
#: Seconds a test may wait for its places: several tests of others, each with all the time that it may take by default.
DEADLINE = 3600.0
#: The name of the places that weights are counted in; no marker can give it.
_MACHINE = ""


class Stopped(Exception):
    """The run was asked to stop while a test waited for its places."""


class Slots:
    """The places of a run: as many as it has workers, and as many a limit as that allows."""

    def __init__(
        self,
        folder: Path,
        workers: int,
        *,
        deadline: float = DEADLINE,
        stopped: Callable[[], bool] = lambda: False,
        held_back: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """Keep the locks in `folder`, which is made.

        Args:
            folder: Where.
            workers: How many the run has.
            deadline: Seconds a test may wait.
            stopped: Whether no further test is to start.
            held_back: Entered for the rest of a wait that is no short one.
        """
        self._folder = paths.make_private(folder)
        self._workers = max(workers, 1)
        self._deadline = deadline
        self._stopped = stopped
        self._held_back = held_back

    @contextmanager
    def held(self, test: SelectedTest) -> Iterator[None]:
        """Wait for the test's places and hold them.

        The machine's own places are taken last: who waits for a limit keeps nobody else from running.

        Raises:
            DeadlinePassed: They did not come free in time; names the tests that have them.
            Stopped: No further test is to start.
        """
        weight = self._workers if test.alone else min(test.weight, self._workers)
        with ExitStack() as stack:
            with ExitStack() as waiting:
                pause = _Patience(self._deadline, self._stopped, lambda: waiting.enter_context(self._held_back()))
                for name, limit in sorted(test.limits):
                    self._take(stack, test.nodeid, (name, 1, limit), pause)
                self._take(stack, test.nodeid, (_MACHINE, weight, self._workers), pause)
            yield

    def _take(self, stack: ExitStack, holder: str, wish: tuple[str, int, int], pause: "_Patience") -> None:
        """Take as many places of a name as are wished for, of as many as there are."""
        name, wanted, places = wish
        stem = self._folder / f"places-{name.encode().hex()}"
        free = [stem.with_suffix(f".{number}") for number in range(places)]
        what = f"concurrency({name!r})" if name else "its place among the workers"
        # One at a time gathers places of a name: two that each hold half of what they want would wait for ever.
        turn = stem.with_suffix(".turn")
        with ExitStack() as gathering:
            while (lock := _try_lock(turn, holder)) is None:
                pause.step(what, [turn, *free])
            gathering.callback(os.close, lock)
            while wanted > 0:
                for path in list(free):
                    if wanted > 0 and (lock := _try_lock(path, holder)) is not None:
                        stack.callback(os.close, lock)
                        free.remove(path)
                        wanted -= 1
                if wanted > 0:
                    pause.step(what, free)


class _Patience:
    """One test's wait for all its places."""

    def __init__(self, deadline: float, stopped: Callable[[], bool], tell: Callable[[], object]) -> None:
        self._deadline = deadline
        self._stopped = stopped
        self._tell = tell
        self._told = False
        self._started = time.monotonic()

    def step(self, what: str, taken: list[Path]) -> None:
        """Wait a little.

        Args:
            what: What is waited for.
            taken: The locks that somebody else has, or may have.

        Raises:
            DeadlinePassed: The time is up.
            Stopped: No further test is to start.
        """
        if self._stopped():
            raise Stopped
        waited = time.monotonic() - self._started
        if waited >= self._deadline:
            holders = sorted({path.read_text() for path in taken if path.exists()} - {""})
            raise DeadlinePassed(
                f"the test had to wait longer than {self._deadline:g} s for {what}",
                why=f"held, or held last, by {', '.join(holders)}",
                mend="run fewer workers (-n), or give the tests that hold it a shorter timeout(...)",
            )
        if waited >= _WORTH_TELLING and not self._told:
            self._told = True
            self._tell()
        time.sleep(_STEP)


def _try_lock(path: Path, holder: str) -> int | None:
    """Lock a file and write into it who did; return its descriptor, None when another has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, holder.encode(), 0)
    return descriptor


@contextmanager
def _told_broker(config: pytest.Config) -> Iterator[None]:
    """Let the broker know that this worker gives nothing back for the time of the block."""
    client = context_of(config).client_at_hand()
    if client is None:
        yield
        return
    # A broker that is gone is told of where a test needs it.
    with suppress(SctError):
        client.ask("held-back", on=True)
    try:
        yield
    finally:
        with suppress(SctError):
            client.ask("held-back", on=False)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Find out whether places must be taken at all; every worker finds the same."""
    config = session.config
    workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
    if workers < 2 or config.option.collectonly:
        return
    if acts(config) and markers.carried(session, "run_alone", "weight", "concurrency"):
        folder = paths.from_environment().run_state(context_of(config).run_id) / "places"
        config.stash[_SLOTS] = Slots(
            folder,
            workers,
            stopped=lambda: stopping.no_more_tests(config),
            held_back=lambda: _told_broker(config),
        )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run the test when it has its places."""
    if _SLOTS not in item.config.stash:
        return (yield)
    slots = item.config.stash[_SLOTS]
    started = time.monotonic()
    with ExitStack() as held:
        try:
            held.enter_context(slots.held(collecting.needs_of(item)))
        except DeadlinePassed as exc:
            item.stash[_LATE] = exc
        except Stopped:
            return (yield)  # `stopping` leaves the test out
        waited = time.monotonic() - started
        if waited > _STEP:
            journal.note("held-back", test=item.nodeid, seconds=round(waited, 3))
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test that did not get its places."""
    if _LATE in item.stash:
        raise item.stash[_LATE]
