"""How the cost of some work grows with its size, on any machine."""

import time
from collections.abc import Callable


def growth(work: Callable[[int], object], small: int, large: int, tries: int = 3) -> float:
    """Return how many times the processor time `work(large)` takes is that of `work(small)`.

    The time is this thread's own, whatever else the machine does, and the least of some tries. Work that grows
    with its size gives about `large / small`, with the square of its size that much squared.
    """

    def cost(size: int) -> float:
        began = time.thread_time_ns()
        work(size)
        return max(time.thread_time_ns() - began, 1)

    return min(cost(large) for _ in range(tries)) / min(cost(small) for _ in range(tries))
