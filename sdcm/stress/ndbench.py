"""NDBench: https://github.com/Netflix/ndbench."""

import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdcm.errors import UsageProblem
from sdcm.events.kinds import StressEvent
from sdcm.events.severity import Severity
from sdcm.stress import live
from sdcm.stress.live import Sample
from sdcm.stress.log_events import LogPattern, StressLogEvent
from sdcm.stress.quantity import Quantity
from sdcm.stress.seat import Seat
from sdcm.stress.summary import Summary, require, unreadable
from sdcm.stress.target import Target
from sdcm.stress.thread import Command, DockerBasedStressThread

if TYPE_CHECKING:
    from sdcm.containers.container import Container

_STATISTICS = re.compile(
    r"Read avg: (?P<read_mean>[\d.]+)ms, Read RPS: (?P<read_rate>\d+), "
    r"Write avg: (?P<write_mean>[\d.]+)ms, Write RPS: (?P<write_rate>\d+)(?:, total RPS: (?P<rate>\d+))?"
    r"(?:, Success Ratio: (?P<success>\d+)%)?"
)


@dataclass(kw_only=True, eq=False)
class NdBenchStressEvent(StressEvent):
    """One run of NDBench."""


@dataclass(kw_only=True, eq=False)
class NdBenchStressLogEvent(StressLogEvent):
    """A line of NDBench worth an event."""


def parse_summary(output: str) -> Summary:
    """Return the last interval's figures: NDBench gives none for the whole run.

    Raises:
        UnreadableOutput: There are none.
    """
    found = list(_STATISTICS.finditer(output))
    if not found:
        raise unreadable("ndbench", output, "it has no 'Read avg: ..., Read RPS: ...'")
    last = found[-1]
    rate = last["rate"] or str(int(last["read_rate"]) + int(last["write_rate"]))
    quantities = {
        "op rate": Quantity(rate, "op/s"),
        "op rate read": Quantity(last["read_rate"], "op/s"),
        "op rate write": Quantity(last["write_rate"], "op/s"),
        "latency mean read": Quantity(last["read_mean"], "ms"),
        "latency mean write": Quantity(last["write_mean"], "ms"),
    }
    if last["success"]:
        quantities["success ratio"] = Quantity(last["success"], "%")
    require("ndbench", output, quantities, ("op rate", "latency mean read", "latency mean write"))
    return Summary(quantities)


class NdBenchStressThread(DockerBasedStressThread):
    """Runs NDBench, whose settings are written `ndbench cli.clientName=CassJavaDriverGeneric ; numKeys=20000`."""

    TOOL = "ndbench"
    METRIC = "ndbench"
    EVENT = NdBenchStressEvent
    LOG_EVENT = NdBenchStressLogEvent
    PATTERNS = (
        LogPattern("Failure", re.compile(r"BUILD FAILED|FAILURE|FAILED"), Severity.CRITICAL),
        LogPattern("Error", re.compile(r"ERROR"), Severity.ERROR),
    )
    MEMORY_MB = 1024

    def check(self) -> None:
        """Refuse settings that are no `name=value`."""
        self._settings()

    def _settings(self) -> dict[str, str]:
        _, *words = self.stress_cmd.split(maxsplit=1)
        settings = {}
        for piece in words[0].split(";") if words else ():
            name, equals, value = piece.strip().partition("=")
            if not name:
                continue
            if not equals:
                raise UsageProblem(f"ndbench wants name=value, parted by semicolons: {piece.strip()!r}")
            settings[name.strip()] = value.strip()
        return settings

    def command(self, seat: Seat, target: Target, container: "Container") -> Command:
        """Return gradle's command with every setting as a property of Java."""
        settings = {"cass.host": target.addresses[0]}
        if target.username:
            settings |= {"cass.username": target.username, "cass.password": target.password}
        settings |= {"cli.timeoutMillis": f"{self.timeout * 1000:.0f}", **self._settings()}
        words = ["./gradlew", *(f"-Dndbench.config.{name}={value}" for name, value in settings.items()), "run"]
        return Command(shlex.join(words), "run")

    def parse(self, output: str, seat: Seat, container: "Container") -> Summary:
        """Return the last interval's figures."""
        return parse_summary(output)

    def live_parser(self, operation: str) -> Callable[[str], Iterable[Sample]]:
        """Read the statistics, which hold reads and writes."""

        def samples(line: str) -> Iterable[Sample]:
            found = _STATISTICS.search(line)
            if found is None:
                return ()
            return [
                Sample(name, {"lat_avg": float(found[f"{name}_mean"]), live.OPS: float(found[f"{name}_rate"])})
                for name in ("read", "write")
            ]

        return samples
