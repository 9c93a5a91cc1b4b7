"""scylla-bench: https://github.com/scylladb/scylla-bench."""

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
from sdcm.stress.quantity import Quantity, milliseconds, plain
from sdcm.stress.seat import Seat
from sdcm.stress.summary import Summary, require, unreadable
from sdcm.stress.target import CA_FILE, CERTIFICATE_FILE, KEY_FILE, Target
from sdcm.stress.thread import Command, DockerBasedStressThread

if TYPE_CHECKING:
    from sdcm.containers.container import Container

_FIGURE = re.compile(r"^\s*(?P<name>[A-Za-z0-9][^:\t]*?)\s*:[ \t]+(?P<text>\S.*?)\s*$")
_COUNTS = {
    "Operations/s": ("op rate", "op/s"),
    "Rows/s": ("row rate", "row/s"),
    "Total ops": ("total operations", ""),
    "Total rows": ("total rows", ""),
    "Total errors": ("total errors", ""),
}
_LATENCIES = {
    "max": "latency max",
    "99.9th": "latency 99.9th percentile",
    "99th": "latency 99th percentile",
    "95th": "latency 95th percentile",
    "90th": "latency 90th percentile",
    "median": "latency median",
    "mean": "latency mean",
}
#: Columns of a row of progress behind time, and what they are.
_COLUMNS = (
    live.OPS, "rows", live.ERRORS, live.MAX, live.P999, live.P99, live.P95, "lat_perc_90", live.MEDIAN, live.MEAN,
)  # fmt: skip
_ROW = re.compile(r"^\s*(?:\d+(?:\.\d+)?(?:h|m|s|ms))+(?:\s+\S+){10}\s*$")


@dataclass(kw_only=True, eq=False)
class ScyllaBenchEvent(StressEvent):
    """One run of scylla-bench."""


@dataclass(kw_only=True, eq=False)
class ScyllaBenchLogEvent(StressLogEvent):
    """A line of scylla-bench worth an event."""


def parse_summary(output: str) -> Summary:
    """Return the figures behind `Results`, and the configuration before it under its own names.

    Latencies are the raw ones, in milliseconds; those corrected for coordinated omission are left out.

    Raises:
        UnreadableOutput: There are none, or one that must be there is missing.
    """
    before, found, rest = output.rpartition("\nResults\n")
    if not found:
        raise unreadable("scylla-bench", output, "it has no 'Results'")
    facts = {match["name"]: match["text"] for line in before.splitlines() if (match := _FIGURE.match(line))}
    quantities: dict[str, Quantity] = {}
    raw = rest.partition("c-o fixed latency")[0]
    for match in filter(None, map(_FIGURE.match, raw.splitlines())):
        name, text = match["name"], match["text"]
        if name in _COUNTS:
            key, unit = _COUNTS[name]
            quantities[key] = Quantity(text, unit)
        elif name in _LATENCIES:
            quantities[_LATENCIES[name]] = _duration(output, name, text)
    require("scylla-bench", output, quantities, ("op rate", "latency mean", "latency 99th percentile"))
    return Summary(quantities, **facts)


def _duration(output: str, name: str, text: str) -> Quantity:
    try:
        return Quantity(plain(milliseconds(text)), "ms")
    except ValueError as exc:
        raise unreadable("scylla-bench", output, f"its {name} latency: {exc}") from exc


class ScyllaBenchThread(DockerBasedStressThread):
    """Runs scylla-bench."""

    TOOL = "scylla-bench"
    METRIC = "scylla_bench_stress"
    EVENT = ScyllaBenchEvent
    LOG_EVENT = ScyllaBenchLogEvent
    PATTERNS = (
        LogPattern("DataValidation", re.compile(r"(?i)doesn't match|data (corruption|validation)"), Severity.CRITICAL),
        LogPattern("BadDistribution", re.compile(r"(missing|unexpected) parameter|unsupported"), Severity.CRITICAL),
        LogPattern("ConsistencyError", re.compile(r"received only"), Severity.ERROR),
    )  # fmt: skip
    MEMORY_MB = 1024

    def check(self) -> None:
        """Refuse a command without mode and workload, which the tool's result cannot be told without."""
        for name in ("mode", "workload"):
            if not self._value(name) and not (name == "workload" and self._value("mode") == "scan"):
                raise UsageProblem(f"scylla-bench is given no -{name}: {self.stress_cmd}")

    def _words(self) -> list[str]:
        return shlex.split(self.stress_cmd)

    def _value(self, name: str) -> str:
        """Return what the command gives for an option, written `-name=value` or `-name value`."""
        words = self._words()
        for index, word in enumerate(words):
            key, equals, value = word.lstrip("-").partition("=")
            if word.startswith("-") and key == name:
                return value if equals else (words[index + 1] if index + 1 < len(words) else "")
        return ""

    def command(self, seat: Seat, target: Target, container: "Container") -> Command:
        """Return the command with nodes, login and certificates."""
        words = self._words()
        if target.username:
            words += ["-username", target.username, "-password", target.password]
        retries = self._value("retry-number")
        if not self._value("error-at-row-limit") and not (retries.isdigit() and int(retries) > 1):
            words += ["-error-at-row-limit", "1000"]
        if target.tls:
            words += ["-tls", "-tls-ca-cert-file", CA_FILE]
        if target.client_certificate:
            words += ["-tls-client-cert-file", CERTIFICATE_FILE, "-tls-client-key-file", KEY_FILE]
        if target.tls and target.verify_name:
            words += ["-tls-host-verification"]
        hdr_file = ""
        if self.params is not None and self.params.get("use_hdrhistogram"):
            hdr_file = f"/tmp/sb-hdr-{seat.cpu_idx}.hdr"  # noqa: S108
            words += ["-hdr-latency-file", hdr_file, "-hdr-latency-units", "ns"]
        return Command(shlex.join([*words, "-nodes", target.hosts]), self._value("mode"), hdr_file=hdr_file)

    def parse(self, output: str, seat: Seat, container: "Container") -> Summary:
        """Return the figures behind `Results`."""
        return parse_summary(output)

    def live_parser(self, operation: str) -> Callable[[str], Iterable[Sample]]:
        """Read the rows of eleven columns."""

        def samples(line: str) -> Iterable[Sample]:
            if not _ROW.match(line):
                return ()
            _, *cells = line.split()
            try:
                values = {kind: float(milliseconds(cell)) for kind, cell in zip(_COLUMNS, cells, strict=True)}
            except ValueError:
                return ()
            return (Sample(operation, values),)

        return samples
