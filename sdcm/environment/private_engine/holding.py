"""Joining, leaving and stopping the private engine that runs share."""

import contextlib
import time
from collections.abc import Iterator

from sdcm.environment.private_engine import processes
from sdcm.environment.private_engine.layout import Layout
from sdcm.environment.private_engine.locks import FileLock, gate, users_lock
from sdcm.environment.private_engine.start import start
from sdcm.environment.private_engine.stop import is_anything_left, stop
from sdcm.environment.step import Step
from sdcm.errors import EnvironmentFailed
from sdcm.ownership import docker_objects
from sdcm.paths import Paths

_LEAVING = 30.0
_SLOW_ANSWER = 20.0


def is_up(layout: Layout) -> bool:
    """Whether the engine answers."""
    return not layout.endpoint.silence()


@contextlib.contextmanager
def hold(paths: Paths, step: Step) -> Iterator[Layout]:
    """Use the private engine: start it if it is down, and stop it at the end if nobody else uses it.

    Args:
        paths: Where it lives.
        step: Reported to; its deadline (seconds) holds for waiting and start.

    Raises:
        EnvironmentFailed: It did not come up.
    """
    base = Layout.of(paths).base
    with gate(base, deadline=step.deadline, say=step.say):
        mine = users_lock(base)
        try:
            layout = _ensure_up(paths, mine, step)
        except BaseException:
            mine.close()
            raise
    try:
        yield layout
    finally:
        _leave(paths, mine)


def _ensure_up(paths: Paths, mine: FileLock, step: Step) -> Layout:
    """Bring the engine up and hold the users' lock shared."""
    layout = Layout.of(paths)
    base = layout.base
    alone = mine.try_exclusive()
    if not _answers(layout, step):
        if not alone and processes.daemon(layout.live) is not None:
            raise EnvironmentFailed(
                "the private engine does not answer, and another run uses it",
                why=f"no answer from {layout.endpoint.host} within {_SLOW_ANSWER:g} s",
                mend="sct.py env status",
            )
        if is_anything_left(layout):
            step.say("clearing what a private engine left that did not end properly")
            stop(layout)
        layout = Layout.of(paths)
        start(layout, step)
        docker_objects.remove_all_ours(layout.endpoint, step.say)
    if not mine.try_shared():
        raise EnvironmentFailed("the private engine's users' lock cannot be shared", mend=f"fuser {base}/users.lock")
    return layout


def _answers(layout: Layout, step: Step) -> bool:
    """Whether the engine answers; one that runs is given time, the machine may be busy."""
    end = time.monotonic() + _SLOW_ANSWER
    while layout.endpoint.silence():
        if time.monotonic() > end or processes.daemon(layout.live) is None:
            return False
        step.say("the private engine runs but does not answer yet")
        time.sleep(0.5)
    return True


def _leave(paths: Paths, mine: FileLock) -> None:
    base = Layout.of(paths).base
    try:
        with gate(base, deadline=_LEAVING, say=lambda _: None):
            if mine.try_exclusive():
                stop(Layout.of(paths))
    finally:
        mine.close()


def stop_if_unused(paths: Paths) -> bool:
    """Stop the private engine, or clear what it left, unless somebody uses it.

    Returns:
        Whether there is no engine now.

    Raises:
        EnvironmentFailed: Something could not be removed.
    """
    if not is_anything_left(Layout.of(paths)):
        return True
    with gate(Layout.of(paths).base, deadline=_LEAVING, say=lambda _: None):
        lock = users_lock(Layout.of(paths).base)
        try:
            if not lock.try_exclusive():
                return False
            layout = Layout.of(paths)
            if is_anything_left(layout):
                stop(layout)
            return True
        finally:
            lock.close()
