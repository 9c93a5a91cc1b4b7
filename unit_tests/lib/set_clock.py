"""A clock that only the test moves: what is awaited by the clock happens when the test says so, on any machine."""

import threading
import time


class SetClock:
    """Stands in for `time` or `RealTime` in the module under test: `monkeypatch.setattr(module, "time", SetClock())`.

    It stands still until `leap`, or until somebody sleeps by it, which takes a moment and moves it by the seconds slept
    times `pace`.
    """

    def __init__(self, pace: float = 1.0) -> None:
        self._pace = pace
        self._lock = threading.Lock()
        self._now = time.monotonic()

    def monotonic(self) -> float:
        with self._lock:
            return self._now

    def leap(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds

    def time(self) -> float:
        return self.monotonic() + 1.7e9

    def sleep(self, seconds: float) -> None:
        time.sleep(0.001)
        self.leap(seconds * self._pace)
