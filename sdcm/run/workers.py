"""How many workers `-n auto` means."""

import math
import os
from collections.abc import Iterable

from sdcm.scheduling.protocol import Durations

#: Seconds of tests below which one process is done before workers are up: on two cores 1,000 trivial tests take
#: 0.9 s in one process, 1.5 s on two workers and 2.4 s on four.
_ONE_PROCESS = 2.0
#: Seconds of tests that are worth one more worker's start-up.
_WORTH_A_WORKER = 1.0
#: Memory that a worker with a node of its own needs, bytes.
_WITH_A_NODE = 1_500 * 2**20
_MOST = 16


def auto_workers(targets: Iterable[str], known: Durations, *, integration: bool) -> int:
    """Return the number of workers for the chosen tests on this machine.

    Unit tests keep a core busy, so there are no more workers than cores, and none where the tests are known
    to take less than starting workers would. Integration tests wait for their services most of the
    time: two a core, as far as memory goes.

    Args:
        targets: Files, folders and node ids that were asked for.
        known: Seconds by node id from earlier runs.
        integration: Which kind the tests are.
    """
    cores = len(os.sched_getaffinity(0))
    if integration:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
        return max(1, min(2 * cores, memory // _WITH_A_NODE, _MOST))
    wanted = tuple(targets)
    chosen = [seconds for test, seconds in known.items() if any(_is_below(test, target) for target in wanted)]
    if not chosen:
        return min(cores, _MOST)
    total = sum(chosen)
    return 0 if total < _ONE_PROCESS else min(cores, math.ceil(total / _WORTH_A_WORKER), _MOST)


def _is_below(test: str, target: str) -> bool:
    """Whether a test belongs to a file, folder or node id."""
    return test == target or test.startswith((f"{target.rstrip('/')}/", f"{target}::", f"{target}["))
