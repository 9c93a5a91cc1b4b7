"""The machine's clocks, whatever a test does to the module `time`.

A test may replace `time.monotonic` and `time.time`, by hand or with a library that freezes time. What watches over that
test in the same process must go on by the real clock: a deadline read from two clocks ends a test that is in time. They
are kept in a class as libraries that freeze time look through the attributes of modules.
"""

import time


class RealTime:
    """The clocks as they were when the process began."""

    #: Seconds that never go back; `time.monotonic`.
    monotonic = staticmethod(time.monotonic)
    #: Wait so many seconds; `time.sleep`.
    sleep = staticmethod(time.sleep)
    #: Seconds since 1970; `time.time`.
    time = staticmethod(time.time)
