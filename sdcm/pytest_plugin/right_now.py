"""Answers what this process is doing, with the stacks of all its threads, when the runner was asked (SIGUSR1).

A thread looks for the question once a second: it needs nothing of the main thread, which may be in a test that hangs.
"""

import os
import threading
from pathlib import Path

import pytest

from sdcm import journal
from sdcm.pytest_plugin.session import context_of, is_worker, worker_name
from sdcm.pytest_plugin.stacks import stacks
from sdcm.right_now import CONTROLLER, RightNow

#: Seconds between two looks, each of which opens a file that is not there.
_LOOK_EVERY = 1.0
#: What pytest names the running test by.
_CURRENT = "PYTEST_CURRENT_TEST"
_ANSWERER = pytest.StashKey["Answerer"]()


class Answerer:
    """Looks for questions until closed."""

    def __init__(self, questions: RightNow, who: str, every: float = _LOOK_EVERY) -> None:
        """Look for new ones at once.

        Args:
            questions: The run's.
            who: Name of this process.
            every: Seconds between two looks.
        """
        self._questions = questions
        self._who = who
        self._every = every
        self._answered = questions.asked()
        self._closed = threading.Event()
        threading.Thread(target=self._look, name="sct-right-now", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()

    def _look(self) -> None:
        while not self._closed.wait(self._every):
            if (number := self._questions.asked()) > self._answered:
                self._answered = number
                self._questions.answer(number, self._who, what_it_does())


def what_it_does() -> str:
    """Return the running test and its phase, and the stacks of all threads but the asking one, the main one first."""
    return f"pid {os.getpid()}: {os.environ.get(_CURRENT) or 'no test'}\n{stacks()}"


def pytest_configure(config: pytest.Config) -> None:
    """Answer from every process of a run under `sct.py`, from before it collects."""
    path = os.environ.get(journal.ENVIRONMENT_VARIABLE, "")
    if config.option.collectonly or not path or not Path(path).exists() or context_of(config).plain:
        return
    distributes = not is_worker(config) and bool(config.getoption("numprocesses", None))
    who = CONTROLLER if distributes else worker_name(config)
    config.stash[_ANSWERER] = Answerer(RightNow(Path(path).parent), who)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the thread end."""
    if _ANSWERER in config.stash:
        config.stash[_ANSWERER].close()
