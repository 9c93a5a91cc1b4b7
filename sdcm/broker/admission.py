"""How many nodes may boot, and how many may stand, at a time on this machine."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sdcm.broker.asking import Asking
from sdcm.errors import DeadlinePassed

#: Share of the memory that was available at the start that nodes may take together.
_MEMORY_SHARE = 0.75


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
        self._free_mb = memory_mb
        self._boots = boots
        self._change = threading.Condition()

    @classmethod
    def of_this_machine(cls) -> "Admission":
        """Return a budget of three quarters of the available memory and one boot a core."""
        import psutil

        available_mb = psutil.virtual_memory().available // 2**20
        return cls(int(available_mb * _MEMORY_SHARE), max(1, os.cpu_count() or 1))

    @contextmanager
    def boot(
        self, memory_mb: int, *, holds_others: bool, deadline: float, asking: Asking | None = None
    ) -> Iterator[None]:
        """Take memory and a boot slot; the slot is given back at the end, the memory by `gone`.

        Args:
            memory_mb: What the node may use.
            holds_others: The asking worker holds nodes already; it is let in without memory being
                free, as two such workers would otherwise wait for one another for ever.
            deadline: Seconds to wait.
            asking: The request that waits; the wait ends when it is given up.

        Raises:
            DeadlinePassed: There was no room in time.
            Interrupted: The request was given up.
        """
        request = asking or Asking()
        with request.when_given_up(self._look_again):
            self._take(memory_mb, holds_others, deadline, request)
        try:
            yield
        except BaseException:
            self.gone(memory_mb)
            raise
        finally:
            with self._change:
                self._boots += 1
                self._change.notify_all()

    def _take(self, memory_mb: int, holds_others: bool, deadline: float, asking: Asking) -> None:
        end = time.monotonic() + deadline
        with self._change:
            while self._boots <= 0 or (self._free_mb < memory_mb and not holds_others):
                asking.require()
                left = end - time.monotonic()
                if left <= 0 or not self._change.wait(left):
                    raise DeadlinePassed(
                        f"no room for a node within {deadline:g} s",
                        why=f"{memory_mb} MiB wanted, {max(0, self._free_mb)} MiB free for nodes",
                        mend="run fewer workers (-n)",
                    )
            asking.require()
            self._boots -= 1
            self._free_mb -= memory_mb

    def _look_again(self) -> None:
        with self._change:
            self._change.notify_all()

    def gone(self, memory_mb: int) -> None:
        """Give a node's memory back."""
        with self._change:
            self._free_mb += memory_mb
            self._change.notify_all()
