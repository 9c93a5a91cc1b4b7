"""How busy the machine was while a run was on: a sample of processors and memory now and then, into the journal."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sdcm.journal import Journal

#: Seconds between two samples at a run's start.
PACE = 1.0
#: Samples after which the pace has doubled; a run of four hours has some two thousand, 150 KB of journal.
_PER_PACE = 600
#: Processors' share of the time and share of the memory in use, both in percent, and MiB in use.
Sample = tuple[float, float, int]


def pause_after(elapsed: float, pace: float = PACE) -> float:
    """Return how many seconds to wait until the next sample: the longer a run, the rarer they are."""
    return max(pace, elapsed / _PER_PACE)


@contextmanager
def sampled(journal: Journal, measure: Callable[[], Sample] | None = None, pace: float = PACE) -> Iterator[None]:
    """Sample for the time of the block, from a thread of its own.

    Args:
        journal: What the samples are written into, as `host` records.
        measure: Gives a sample; psutil's figures when omitted.
        pace: Seconds between two samples; the first comes after two of them, and is of the last half: a run that ends
            before that has none and loads nothing for it.
    """
    over = threading.Event()

    def watch() -> None:
        started, look = time.monotonic(), measure
        if over.wait(1.5 * pace):
            return
        look = look or _measure()
        pause = pace / 2
        while not over.wait(pause):
            pause = pause_after(time.monotonic() - started, pace)
            cpu, memory, used = look()
            journal.write("host", cpu=round(cpu), memory=round(memory), used_mb=used)

    thread = threading.Thread(target=watch, name="sct-host-load", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _measure() -> Callable[[], Sample]:
    import psutil

    psutil.cpu_percent(None)  # the first call begins the time that the second one is about

    def look() -> Sample:
        memory = psutil.virtual_memory()
        return psutil.cpu_percent(None), memory.percent, (memory.total - memory.available) // 2**20

    return look
