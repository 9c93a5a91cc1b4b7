"""How many nodes may boot, and how many may stand, at a time on the engine's machine."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sdcm.broker import memory_here
from sdcm.broker.asking import Asking
from sdcm.broker.engine_machine import Machine
from sdcm.errors import DeadlinePassed, EnvironmentFailed, SctError

#: Share of the memory that nodes may take together: of what was available at the start, of all of another machine's.
_MEMORY_SHARE = 0.75


class NotNeeded(SctError):
    """What waited for room needs none any more."""


class Admission:
    """A budget of memory for nodes that stand, and of processors for nodes that boot.

    A boot keeps one processor busy, so more boots at a time than processors only make each slower.
    """

    def __init__(self, memory_mb: int, boots: int) -> None:
        """Start with nothing admitted.

        Args:
            memory_mb: MiB that all nodes together may take.
            boots: Boots at a time.
        """
        self._all_mb = self._free_mb = memory_mb
        self._all_boots = self._boots = boots
        #: Whether the engine has another machine than this one.
        self.elsewhere = False
        self._change = threading.Condition()
        #: How often those who wait were told to look again.
        self._told = 0
        #: Gives up something idle for one that has no room; returns whether there was anything.
        self.make_room: Callable[[float], bool] = lambda _since: False
        #: Tells whether all who hold anything wait for others: then waiting for what they hold might never end.
        self.nobody_gives_back: Callable[[], bool] = lambda: False

    @classmethod
    def of_this_machine(cls) -> "Admission":
        """Return a budget of three quarters of the available memory and one boot a core."""
        available_mb = memory_here.available() // 2**20
        return cls(int(available_mb * _MEMORY_SHARE), max(1, os.cpu_count() or 1))

    def move_to(self, machine: Machine) -> None:
        """Admit what another machine than this one has room for; what is admitted already counts there.

        How much of its memory is available no engine tells.
        """
        memory_mb, boots = int(machine.memory_mb * _MEMORY_SHARE), max(1, machine.cores)
        with self._change:
            self._free_mb += memory_mb - self._all_mb
            self._boots += boots - self._all_boots
            self._all_mb, self._all_boots = memory_mb, boots
            self.elsewhere = True
            self._tell()

    @contextmanager
    def boot(
        self,
        memory_mb: int,
        *,
        holds_others: bool,
        deadline: float,
        asking: Asking | None = None,
        unless: Callable[[], bool] = lambda: False,
    ) -> Iterator[None]:
        """Take memory and a boot slot; the slot is given back at the end, the memory by `gone`.

        Args:
            memory_mb: What the node may use.
            holds_others: The asking worker holds nodes already; it is let in without memory being
                free, as two such workers would otherwise wait for one another for ever. So is one that waits for what
                only those hold who wait for others.
            deadline: Seconds to wait; with 0 nothing idle is given up for it either.
            asking: The request that waits; the wait ends when it is given up.
            unless: Asked before each look for room, whether it needs none any more.

        Raises:
            EnvironmentFailed: It wants more memory than all nodes together may take.
            DeadlinePassed: There was no room in time.
            Interrupted: The request was given up.
            NotNeeded: `unless` said so.
        """
        if deadline and memory_mb > self._all_mb and not holds_others:
            raise EnvironmentFailed(
                f"no room for a node of {memory_mb} MiB",
                why=f"all nodes together may take {self._all_mb} MiB, {self._of_what()}",
                mend="free memory, or ask for less (memory_mb)",
            )
        request = asking or Asking()
        with request.when_given_up(self.look_again):
            self._take(memory_mb, holds_others, deadline, request, unless)
        try:
            yield
        except BaseException:
            self.gone(memory_mb)
            raise
        finally:
            with self._change:
                self._boots += 1
                self._tell()

    def _take(
        self, memory_mb: int, holds_others: bool, deadline: float, asking: Asking, unless: Callable[[], bool]
    ) -> None:
        since = time.monotonic()
        end = since + deadline
        while True:
            with self._change:
                told = self._told
            if self._taken(memory_mb, holds_others, asking, unless):
                return
            if deadline and self._is_short(memory_mb, holds_others):
                if self.make_room(since):
                    continue
                if self.nobody_gives_back():
                    holds_others = True
                    continue
            with self._change:
                left = end - time.monotonic()
                if left > 0:
                    # Whoever was told between the look and here is not woken by it any more.
                    if self._told == told:
                        self._change.wait(left)
                    continue
                raise DeadlinePassed(
                    f"no room for a node within {deadline:g} s",
                    why=self._why_not(memory_mb, holds_others),
                    mend="run fewer workers (-n)",
                )

    def _of_what(self) -> str:
        return (
            "three quarters of what the engine's machine has"
            if self.elsewhere
            else "of what was free when the run began"
        )

    def _why_not(self, memory_mb: int, holds_others: bool) -> str:
        if holds_others or self._free_mb >= memory_mb:
            return "as many nodes boot as processors can serve"
        return f"{memory_mb} MiB wanted, {max(0, self._free_mb)} MiB free for nodes"

    def _taken(self, memory_mb: int, holds_others: bool, asking: Asking, unless: Callable[[], bool]) -> bool:
        """Take memory and a slot if there are both."""
        with self._change:
            asking.require()
            if unless():
                raise NotNeeded("no room is needed any more")
            if not self._fits(memory_mb, holds_others):
                return False
            self._boots -= 1
            self._free_mb -= memory_mb
            return True

    def _fits(self, memory_mb: int, holds_others: bool) -> bool:
        return self._boots > 0 and (holds_others or self._free_mb >= memory_mb)

    def _is_short(self, memory_mb: int, holds_others: bool) -> bool:
        with self._change:
            return not holds_others and self._free_mb < memory_mb

    def look_again(self) -> None:
        """Have all who wait look again whether they still must."""
        with self._change:
            self._tell()

    def gone(self, memory_mb: int) -> None:
        """Give a node's memory back."""
        with self._change:
            self._free_mb += memory_mb
            self._tell()

    def _tell(self) -> None:
        self._told += 1
        self._change.notify_all()
