"""Making one container for a test: written down before it exists, journalled, and gone again when it fails."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sdcm.broker.asking import Asking
from sdcm.broker.gate import Gate
from sdcm.broker.removal import pull_the_plug, remove_container
from sdcm.broker.supplies import Supplies
from sdcm.ownership.ledger import Entry

if TYPE_CHECKING:
    from docker import DockerClient

T = TypeVar("T")
#: Starts what is to be made, with a client of the engine; calls what it is given as soon as the container exists.
Launch = Callable[["DockerClient", Callable[[str], None]], T]


class Making:
    """Makes containers for as long as the gate is open; safe to use from several threads."""

    def __init__(self, supplies: Supplies, gate: Gate) -> None:
        """Make them in the environment of `supplies`."""
        self._supplies = supplies
        self._gate = gate
        self._lock = threading.Lock()
        self._numbers: Counter[str] = Counter()

    def alias(self, fixture: str) -> str:
        """Return the next name on its network for a container of a fixture: `scylla-1`."""
        with self._lock:
            self._numbers[fixture] += 1
            return f"{fixture}-{self._numbers[fixture]}"

    def full_name(self, alias: str) -> str:
        """Return the container's name, which no other run's has."""
        return f"sct-{self._supplies.run_id}-{alias}"

    def make(self, name: str, image: str, test: str, asking: Asking, launch: Launch[T]) -> tuple[T, Entry]:
        """Make one.

        Args:
            name: Its full name.
            image: What it is made from, for the journal.
            test: Node id of the test it is made for.
            asking: Tells whether anybody still waits; without that it is taken away at once.
            launch: Starts it.

        Returns:
            What `launch` returned, and the container in the ledger.

        Raises:
            Interrupted: Nobody waits any more, or the run ends; what was made is removed.
            SctError: As `launch`; what was made is removed.
        """
        engine = self._supplies.engine()
        journal = self._supplies.journal
        started = time.monotonic()
        with ExitStack() as stack:
            self._gate.enter()
            leave = _once(self._gate.leave)
            stack.callback(leave)
            entry = self._supplies.ledger.will_make("container", name, **engine.facts())
            journal.write("container", name=name, image=image, test=test, state="starting")
            client = stack.enter_context(closing(engine.client()))

            def on_created(_container_id: str) -> None:
                leave()
                asking.require()

            try:
                with asking.when_given_up(partial(pull_the_plug, engine.endpoint, name)):
                    made = launch(client, on_created)
                asking.require()
            except BaseException:
                remove_container(self._supplies, entry, image, test)
                asking.require()
                raise
        seconds = round(time.monotonic() - started, 3)
        journal.write("container", name=name, image=image, test=test, state="ready", seconds=seconds)
        return made, entry


def _once(function: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls `function` on its first call only."""
    calls = itertools.count()

    def call() -> None:
        if next(calls) == 0:
            function()

    return call
