"""latte: https://github.com/pkolaczk/latte and ScyllaDB's fork of it."""

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm.containers.archive import FileCopy
from sdcm.containers.execution import CommandResult
from sdcm.errors import UsageProblem
from sdcm.events.kinds import StressEvent
from sdcm.events.severity import Severity
from sdcm.stress import live
from sdcm.stress.live import Sample
from sdcm.stress.log_events import LogPattern, StressLogEvent
from sdcm.stress.quantity import Quantity
from sdcm.stress.seat import Seat
from sdcm.stress.summary import Summary, require, unreadable
from sdcm.stress.target import CA_FILE, CERTIFICATE_FILE, KEY_FILE, Target
from sdcm.stress.thread import Command, DockerBasedStressThread

if TYPE_CHECKING:
    from sdcm.containers.container import Container

_FOLDER = "/tmp/latte"  # noqa: S108 - inside the container
_RUN = "run"
_COMMANDS = ("schema", "load", _RUN)
_P99 = "latency 99th percentile"
_MEAN = "latency mean"
_FIGURE = re.compile(r"^\s*(?P<name>[A-Z][\w. ]*?)\s+\[(?P<unit>[^\]]+)\]\s+(?P<text>\d+(?:\.\d+)?)\b")
_SECTION = re.compile(r"^[A-Z]+ LATENCY for (?P<function>\S+) \[ms\]|^RESPONSE TIMES|^(?:CYCLE|REQUEST) LATENCY \[ms\]")
_PERCENTILE = re.compile(r"^\s*(?P<percent>99|99\.9|95|90|50)\s+(?P<text>\d+(?:\.\d+)?)\b")
_NAMES = {
    "Throughput": "op rate",
    "Mean resp. time": _MEAN,
    "Request latency": _MEAN,
    "Cycles": "total operations",
    "Errors": "total errors",
    "Elapsed time": "elapsed time",
}
_PERCENTILES = {
    "50": "latency median", "90": "latency 90th percentile", "95": "latency 95th percentile",
    "99": _P99, "99.9": "latency 99.9th percentile",
}  # fmt: skip
#: Column of a row of progress -> kind of live figure.
_COLUMNS = {3: live.OPS, 6: live.MEDIAN, 9: live.P99, 10: live.P999, 11: live.MAX, 2: live.ERRORS}
_ROW_CELLS = 12


@dataclass(kw_only=True, eq=False)
class LatteStressEvent(StressEvent):
    """One run of latte."""


@dataclass(kw_only=True, eq=False)
class LatteStressLogEvent(StressLogEvent):
    """A line of latte worth an event."""


def parse_summary(output: str) -> Summary:
    """Return the figures behind `SUMMARY STATS`.

    Percentiles are given for each function that was run: `latency 99th percentile read`. The name without function is
    the only function's, or of several the worst.

    Raises:
        UnreadableOutput: There are none, or one that must be there is missing.
    """
    _, found, rest = output.rpartition("SUMMARY STATS")
    if not found:
        raise unreadable("latte", output, "it has no 'SUMMARY STATS'")
    quantities: dict[str, Quantity] = {}
    function: str | None = None
    for line in rest.splitlines():
        if section := _SECTION.match(line):
            function = section["function"] or ""
        elif function is None:
            if (match := _FIGURE.match(line)) and (name := _NAMES.get(match["name"])):
                quantities.setdefault(name, Quantity(match["text"], match["unit"]))
        elif match := _PERCENTILE.match(line):
            _keep_worst(quantities, _PERCENTILES[match["percent"]], function, Quantity(match["text"], "ms"))
    require("latte", output, quantities, ("op rate", _MEAN, _P99))
    return Summary(quantities)


def _keep_worst(quantities: dict[str, Quantity], name: str, function: str, quantity: Quantity) -> None:
    if function:
        quantities.setdefault(f"{name} {function}", quantity)
    if name not in quantities or quantity.value > quantities[name].value:
        quantities[name] = quantity


def operation_of(functions: Sequence[str]) -> str:
    """Return what functions do by their names: `read`, `write`, `counter_...`, `mixed`; `user` when they don't tell."""
    kinds = set()
    for name in functions:
        counter = "counter_" if "counter" in name else ""
        kind = (
            "read"
            if re.search(r"read|get|select", name)
            else "write"
            if re.search(r"write|insert|update", name)
            else ""
        )
        kinds.add(f"{counter}{kind}" if kind else "user")
    if len(kinds) == 1:
        return kinds.pop()
    if "user" in kinds or not kinds:
        return "user"
    return "counter_mixed" if all(kind.startswith("counter_") for kind in kinds) else "mixed"


class LatteStressThread(DockerBasedStressThread):
    """Runs latte; the schema that its script asks for is made first.

    The script is a file of this machine, absolute or below the project's root; its folder is copied into the
    container.
    """

    TOOL = "latte"
    METRIC = "latte"
    EVENT = LatteStressEvent
    LOG_EVENT = LatteStressLogEvent
    PATTERNS = (LogPattern("Panicked", re.compile(r"panicked at"), Severity.CRITICAL),)
    MEMORY_MB = 256

    def check(self) -> None:
        """Refuse a command that latte does not have, and a script that is not there."""
        words = shlex.split(self.stress_cmd)
        if len(words) < 2 or words[1] not in _COMMANDS:
            raise UsageProblem(f"not a command of latte: {self.stress_cmd}", why=f"it has {', '.join(_COMMANDS)}")
        self.script  # noqa: B018 - raises when it is not there

    @cached_property
    def script(self) -> Path:
        """The workload script."""
        return self.loader_set.find(self._named)

    @cached_property
    def _named(self) -> str:
        named = [word for word in shlex.split(self.stress_cmd)[2:] if word.endswith(".rn")]
        if len(named) != 1:
            raise UsageProblem(f"latte wants one workload script (*.rn): {self.stress_cmd}")
        return named[0]

    def files(self, target: Target) -> Sequence[FileCopy]:
        """Return certificates, and the files of the script's folder."""
        folder = self.script.parent
        scripts = [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
        copies = [FileCopy(f"{_FOLDER}/{path.relative_to(folder)}", path.read_bytes()) for path in scripts]
        return [*target.certificates, *copies]

    def command(self, seat: Seat, target: Target, container: "Container") -> Command:
        """Return latte's command with nodes, login and certificates; and the one that makes the schema."""
        program, command, *words = shlex.split(self.stress_cmd)
        script = f"{_FOLDER}/{self.script.name}"
        words = [script if word == self._named else word for word in words]
        if "--" in words:
            words = words[: words.index("--")]
        access = self._access(target)
        parameters: list[str] = []
        for name, value in ({} if self.params is None else self.params.get("latte_schema_parameters") or {}).items():
            parameters += ["-P", f"{name}={value}"]
        schema = shlex.join([program, "schema", script, *access, *parameters, "--", *target.addresses])
        if command == "schema":
            given = shlex.join([program, command, *words, *access, "--", *target.addresses])
            return Command(given, command)
        quiet = [] if {"-q", "--quiet"} & set(words) else ["-q"]
        line = shlex.join([program, command, *words, *access, *quiet, *self._report(seat), "--", *target.addresses])
        hdr_file = ""
        if command == _RUN and self._wants_hdr:
            hdr_file = f"{self._stem(seat)}.hdr"
            line += f" && {program} hdr {self._stem(seat)}.json -o {hdr_file} >&2"
        return Command(f"cd {_FOLDER} && {line}", self._operation(command), setup=(schema,), hdr_file=hdr_file)

    @property
    def _wants_hdr(self) -> bool:
        return self.params is not None and bool(self.params.get("use_hdrhistogram"))

    def _stem(self, seat: Seat) -> str:
        return f"{_FOLDER}/report-{seat.cpu_idx}"

    def _report(self, seat: Seat) -> list[str]:
        words = shlex.split(self.stress_cmd)
        if words[1] != _RUN or {"-o", "--output"} & set(words):
            return []
        return ["-o", f"{self._stem(seat)}.json"]

    def _access(self, target: Target) -> list[str]:
        words = ["--user", target.username, "--password", target.password] if target.username else []
        if target.tls:
            words += ["--ssl", "--ssl-ca", CA_FILE]
        if target.client_certificate:
            words += ["--ssl-cert", CERTIFICATE_FILE, "--ssl-key", KEY_FILE]
        if target.dc:
            words += ["--datacenter", target.dc]
        return words

    def _operation(self, command: str) -> str:
        if command != _RUN:
            return "write" if command == "load" else "user"
        words = shlex.split(self.stress_cmd)
        named: list[str] = []
        for index, word in enumerate(words[:-1]):
            if word in ("-f", "--function", "--functions"):
                named += words[index + 1].split(",")
        return operation_of([name.partition(":")[0] for name in named or [_RUN]])

    def parse(self, output: str, seat: Seat, container: "Container") -> Summary:
        """Return the figures of a run; `schema` and `load` print none, their exit status says all."""
        if shlex.split(self.stress_cmd)[1] != _RUN:
            return Summary({}, status="completed")
        return parse_summary(output)

    def live_parser(self, operation: str) -> Callable[[str], Iterable[Sample]]:
        """Read the rows of twelve numbers."""

        def samples(line: str) -> Iterable[Sample]:
            cells = line.split()
            if len(cells) != _ROW_CELLS:
                return ()
            try:
                numbers = [float(cell) for cell in cells]
            except ValueError:
                return ()
            return (Sample(operation, {kind: numbers[column] for column, kind in _COLUMNS.items()}),)

        return samples

    def failure_lines(self, result: CommandResult) -> tuple[str, ...]:
        """Return the last two lines of standard error, or those from a panic on."""
        lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
        recent = lines[-30:]
        panic = next((index for index, line in enumerate(recent) if "panicked at" in line), None)
        return tuple(recent[panic:] if panic is not None else lines[-2:])
