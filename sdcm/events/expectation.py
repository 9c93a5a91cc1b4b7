"""What a test expects to be told, and what it did not expect."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sdcm.events.severity import Severity

if TYPE_CHECKING:
    from sdcm.events.device import EventsDevice, Snapshot


class UnexpectedEvents(AssertionError):
    """Events of severity ERROR or worse that no `expect` has spoken of."""


class Expectation:
    """Events that a block is to bring.

    Attributes:
        snapshots: Those that came, oldest first; complete after the block.
    """

    def __init__(self, kind: str, severity: Severity | None, regex: str | re.Pattern[str] | None, count: int) -> None:
        """Expect `count` events or more; see `EventsDevice.expect`."""
        self.snapshots: list[Snapshot] = []
        self.count = count
        self._kind = kind
        self._severity = severity
        self._regex = re.compile(regex) if isinstance(regex, str) else regex

    def matches(self, snapshot: "Snapshot") -> bool:
        """Whether it is one of them."""
        return (
            (not self._kind or self._kind in snapshot.kinds)
            and (self._severity is None or snapshot.severity == self._severity)
            and (self._regex is None or self._regex.search(snapshot.formatted) is not None)
        )

    def take(self, published: Iterable["Snapshot"]) -> bool:
        """Look at what was published since the block began; return whether enough came."""
        self.snapshots = [snapshot for snapshot in published if self.matches(snapshot)]
        return len(self.snapshots) >= self.count

    def __str__(self) -> str:
        """Return it in words."""
        words = [str(self.count), self._kind or "event(s)"]
        words += [f"of {self._severity}"] if self._severity is not None else []
        words += [f"matching {self._regex.pattern!r}"] if self._regex is not None else []
        return " ".join(words)


class Watch:
    """Sees every event of this process and remembers the bad ones, for tests that must not have any."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._bad: list[tuple[EventsDevice, Snapshot]] = []

    def saw(self, device: "EventsDevice", snapshot: "Snapshot") -> None:
        """Take note of an event that was published."""
        if snapshot.severity >= Severity.ERROR:
            self._bad.append((device, snapshot))

    def forget(self) -> None:
        """Forget what came so far."""
        self._bad = []

    def raise_unexpected(self) -> None:
        """Raise for what came since the last call and was not expected.

        Raises:
            UnexpectedEvents: There was such an event; the message shows each.
        """
        bad, self._bad = self._bad, []
        lines = [snapshot.formatted for device, snapshot in bad if not device.is_expected(snapshot)]
        if lines:
            shown = "".join(f"\n  {line}" for line in lines)
            raise UnexpectedEvents(f"{len(lines)} unexpected event(s) of severity ERROR or worse:{shown}")
