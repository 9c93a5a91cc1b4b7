"""What a running tool says of its progress: to the run's journal, and to Prometheus where a server is open."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from sdcm import journal, metrics
from sdcm.stress.seat import Seat

#: Kinds of figure in a sample; latencies are milliseconds, `ops` and `errors` a second and in all.
OPS, MEAN, MEDIAN, P95, P99, P999, MAX, ERRORS = (
    "ops", "lat_mean", "lat_med", "lat_perc_95", "lat_perc_99", "lat_perc_999", "lat_max", "errors",
)  # fmt: skip
#: Seconds between two notes of one run in the journal; gauges follow every sample.
_NOTE_EVERY = 2.0


@dataclass(frozen=True)
class Sample:
    """A tool's figures of the latest interval.

    Attributes:
        operation: What it measures: `write`, `read`, `mixed`, ...
        values: Kind of figure -> value.
    """

    operation: str
    values: Mapping[str, float]


@dataclass
class LiveReport:
    """Tells of one run while it lasts.

    Attributes:
        seat: The run.
        prefix: Begins the names of its gauges: `sct_<prefix>_<operation>_gauge`.
    """

    seat: Seat
    prefix: str
    _noted: dict[str, float] = field(default_factory=dict)
    _shown: set[tuple[str, str]] = field(default_factory=set)

    def begin(self, command: str) -> None:
        """Note that the run begins."""
        self._note("started", command=command)

    def take(self, sample: Sample) -> None:
        """Publish a sample."""
        for kind, value in sample.values.items():
            self._set(sample.operation, kind, value)
        now = time.monotonic()
        if now - self._noted.get(sample.operation, -_NOTE_EVERY) >= _NOTE_EVERY:
            self._noted[sample.operation] = now
            self._note("running", operation=sample.operation, values=dict(sample.values))

    def end(self, state: str, text: str = "") -> None:
        """Note how the run ended, and let its gauges fall to 0: a tool that has ended does nothing.

        Args:
            state: `done`, `failed` or `killed`.
            text: The result in a few words.
        """
        for operation, kind in self._shown:
            self._set(operation, kind, 0.0)
        self._note(state, text=text)

    def _note(self, state: str, **more: object) -> None:
        journal.note("stress", tool=self.seat.tool, run=str(self.seat), loader=self.seat.loader, state=state, **more)

    def _set(self, operation: str, kind: str, value: float) -> None:
        server = metrics.active()
        if server is None:
            return
        first = f"{self.prefix}_{operation}"
        labels = (first, "instance", "loader_idx", "cpu_idx", "type", "keyspace")
        gauge = server.gauge(
            f"sct_{first}_gauge", f"{self.seat.tool}, {operation}: figures of the last interval", labels
        )
        seat = self.seat
        gauge.labels("0", seat.instance, str(seat.loader_idx), str(seat.cpu_idx), kind, seat.keyspace).set(value)
        self._shown.add((operation, kind))
