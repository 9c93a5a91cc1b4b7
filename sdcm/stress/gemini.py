"""gemini, which compares two clusters under random load: https://github.com/scylladb/gemini."""

import json
import random
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sdcm.containers.archive import FileCopy
from sdcm.containers.execution import CommandResult
from sdcm.events.kinds import StressEvent
from sdcm.events.severity import Severity
from sdcm.stress.live import Sample
from sdcm.stress.loaders import LoaderSet
from sdcm.stress.log_events import LogPattern, StressLogEvent
from sdcm.stress.quantity import Quantity
from sdcm.stress.seat import Seat
from sdcm.stress.summary import Summary, unreadable
from sdcm.stress.target import Target
from sdcm.stress.thread import Command, DockerBasedStressThread

if TYPE_CHECKING:
    from sdcm.config.model import SCTConfiguration
    from sdcm.containers.container import Container
    from sdcm.containers.node import Node

_COUNTS = ("write_ops", "read_ops", "write_errors", "read_errors")
_FOLDER = "/tmp"  # noqa: S108 - inside the container
_READ_SECONDS = 30.0
#: Flags that a command gets unless it gives them itself, by their exact names: those of 2.6.1, which ends over others.
_DEFAULTS: Mapping[str, str] = {
    "level": "info",
    "request-timeout": "3s",
    "connect-timeout": "60s",
    "consistency": "QUORUM",
    "async-objects-stabilization-backoff": "10ms",
    "async-objects-stabilization-attempts": "10",
    "dataset-size": "large",
    "oracle-host-selection-policy": "token-aware",
    "test-host-selection-policy": "token-aware",
    "drop-schema": "true",
    "cql-features": "normal",
    "materialized-views": "false",
    "use-lwt": "false",
    "use-counters": "false",
    "max-tables": "1",
    "max-columns": "16",
    "min-columns": "8",
    "max-partition-keys": "6",
    "min-partition-keys": "2",
    "max-clustering-keys": "4",
    "min-clustering-keys": "2",
    "partition-key-distribution": "uniform",
    # The tool's own two million are made up before the load begins, and are for runs of days.
    "partition-count": "10000",
    "fail-fast": "",
}
#: Ports that gemini listens on; each run of a container has its own.
_METRICS_PORT, _PROFILING_PORT = 2112, 6060
_SHORT = {
    "b": "bind", "c": "concurrency", "d": "drop-schema", "f": "fail-fast", "m": "mode", "o": "oracle-cluster",
    "s": "seed", "t": "test-cluster",
}  # fmt: skip


@dataclass(kw_only=True, eq=False)
class GeminiStressEvent(StressEvent):
    """One run of gemini."""


@dataclass(kw_only=True, eq=False)
class GeminiStressLogEvent(StressLogEvent):
    """A line of gemini's log, which is JSON."""


def parse_result(text: str) -> Summary:
    """Return what gemini's result file says.

    Raises:
        UnreadableOutput: It is no JSON with a result, a count is missing, or nothing was done.
    """
    try:
        document = json.loads(text)
    except ValueError as exc:
        raise unreadable("gemini", text, f"its result file is no JSON ({exc})") from exc
    result = document.get("result") if isinstance(document, dict) else None
    if not isinstance(result, dict):
        raise unreadable("gemini", text, "its result file has no result")
    missing = [name for name in _COUNTS if not isinstance(result.get(name), int)]
    if missing:
        raise unreadable("gemini", text, f"its result has no {missing[0]} that is a number")
    if result["write_ops"] + result["read_ops"] == 0:
        raise unreadable("gemini", text, "it wrote nothing and read nothing")
    quantities = {name: Quantity(str(result[name])) for name in _COUNTS}
    errors = result.get("errors") or []
    return Summary(quantities, errors=json.dumps(errors), gemini_version=str(document.get("gemini_version", "")))


def flags_of(words: Iterable[str]) -> set[str]:
    """Return the names of the flags a command gives, short ones by their long names."""
    names = {word.lstrip("-").partition("=")[0] for word in words if word.startswith("-")}
    return names | {_SHORT[name] for name in names if name in _SHORT}


class GeminiStressThread(DockerBasedStressThread):
    """Runs gemini.

    Args:
        test_cluster: The nodes under test, or what has them as `nodes`.
        oracle_cluster: Those whose answers are taken for right; none to compare with nothing.
        loaders: Where it runs.
        stress_cmd: gemini's command.
        timeout: Seconds the command is meant to take.
        params: The test's configuration.
        **kwargs: As of every tool.
    """

    TOOL = "gemini"
    METRIC = "gemini"
    EVENT = GeminiStressEvent
    LOG_EVENT = GeminiStressLogEvent
    PATTERNS = tuple(
        # Older releases write `"L":"WARN"`.
        LogPattern(level, re.compile(rf'"(?:L|level)":\s*"(?i:{level})"'), severity)
        for level, severity in (
            ("WARN", Severity.WARNING),
            ("ERROR", Severity.ERROR),
            ("FATAL", Severity.CRITICAL),
        )
    )
    MEMORY_MB = 1024

    def __init__(
        self,
        test_cluster: Any,
        oracle_cluster: Any,
        loaders: LoaderSet,
        stress_cmd: str,
        timeout: float,
        params: "SCTConfiguration | None" = None,
        **kwargs: Any,
    ) -> None:
        self.oracle_nodes: list[Node] = _nodes(oracle_cluster)
        wanted = None if params is None else params.get("gemini_seed")
        # Random as a dice is: the seed is in the command, which events and log show.
        self.seed = int(wanted) if wanted else random.randint(1, 100)  # noqa: S311
        super().__init__(loaders, stress_cmd, timeout, node_list=_nodes(test_cluster), params=params, **kwargs)

    @classmethod
    def against(cls, nodes: "Sequence[Node]", loaders: LoaderSet, stress_cmd: str, timeout: float, **more: Any) -> Self:
        """Make a run against nodes; `oracle_cluster` may be given."""
        return cls(nodes, more.pop("oracle_cluster", None), loaders, stress_cmd, timeout, **more)

    def _want(self, key: str) -> Any:
        return None if self.params is None else self.params.get(key)

    def files(self, target: Target) -> Sequence[FileCopy]:
        """Return certificates, and the schema where it is a file of this machine."""
        if (schema := self._schema_file()) is None:
            return target.certificates
        return [*target.certificates, FileCopy(f"{_FOLDER}/{schema.name}", schema.read_bytes())]

    def _schema_file(self) -> Path | None:
        named = str(self._want("gemini_schema_url") or "")
        return None if not named or "://" in named else self.loader_set.find(named)

    def generate_gemini_command(self, schema_path: str | None = None, *, seat: Seat | None = None) -> str:
        """Return the command with clusters, seeds, files and what it does not give itself.

        Args:
            schema_path: Schema file in the container.
            seat: Which run; its files and ports are its own.
        """
        number = 0 if seat is None else seat.cpu_idx
        words = shlex.split(self.stress_cmd)
        given = flags_of(words)
        program, *rest = words
        target = self.target
        added: dict[str, str] = {"test-cluster": target.hosts}
        if self.oracle_nodes:
            added["oracle-cluster"] = Target.of_nodes(self.oracle_nodes, self.params).hosts
            added["oracle-replication-strategy"] = _replication(len(self.oracle_nodes))
        added |= {
            "seed": str(self.seed),
            "schema-seed": str(self.seed),
            "profiling-port": str(_PROFILING_PORT + number),
            "bind": f"0.0.0.0:{_METRICS_PORT + number}",
            "outfile": self._result_file(number),
            "replication-strategy": _replication(len(target.addresses)),
        }
        if target.username:
            added |= {"test-username": target.username, "test-password": target.password}
            if self.oracle_nodes:
                added |= {"oracle-username": target.username, "oracle-password": target.password}
        if self._want("gemini_log_cql_statements"):
            added["test-statement-log-file"] = f"{_FOLDER}/gemini_test_statements-{number}.log"
            if self.oracle_nodes:
                added["oracle-statement-log-file"] = f"{_FOLDER}/gemini_oracle_statements-{number}.log"
        if schema_path:
            added["schema"] = schema_path
        flags = [_flag(name, value) for name, value in (added | dict(_DEFAULTS)).items() if name not in given]
        flags += [_flag("table-options", str(option)) for option in self._want("gemini_table_options") or ()]
        return shlex.join([program, *flags, *rest])

    def _result_file(self, number: int) -> str:
        return f"{_FOLDER}/gemini_result-{number}.json"

    def command(self, seat: Seat, target: Target, container: "Container") -> Command:
        """Return the whole command; a schema named by an address is fetched in the container first."""
        schema, url = self._schema_file(), str(self._want("gemini_schema_url") or "")
        path = f"{_FOLDER}/{schema.name}" if schema else f"{_FOLDER}/schema.json" if url else None
        setup = (f"curl -fsS -o {path} {shlex.quote(url)}",) if url and not schema else ()
        line = self.generate_gemini_command(path, seat=seat)
        words = shlex.split(self.stress_cmd)
        given = flags_of(words)
        mode = next((word.partition("=")[2] for word in words if word.startswith("--mode=")), "")
        mode = mode or next((words[i + 1] for i, word in enumerate(words[:-1]) if word in ("-m", "--mode")), "mixed")
        if "outfile" in given:
            line += f" && cp {shlex.quote(self._given_outfile(words))} {self._result_file(seat.cpu_idx)}"
        return Command(line, mode, setup=setup)

    def _given_outfile(self, words: list[str]) -> str:
        for index, word in enumerate(words):
            if word.startswith("--outfile"):
                _, equals, value = word.partition("=")
                return value if equals else words[index + 1]
        return ""

    def parse(self, output: str, seat: Seat, container: "Container") -> Summary:
        """Return what the result file says."""
        path = self._result_file(seat.cpu_idx)
        told = container.execute(["cat", path], timeout=_READ_SECONDS, ignore_status=True)
        return parse_result(told.stdout)

    def complaint(self, result: CommandResult, summary: Summary) -> tuple[str, Severity] | None:
        """Return what is wrong with a run that ended with status 0."""
        errors = json.loads(summary["errors"])
        counted = int(summary["write_errors"]) + int(summary["read_errors"])
        if errors or counted:
            first = errors[0].get("message", "") if errors and isinstance(errors[0], dict) else ""
            return f"gemini found {max(counted, len(errors))} errors: {first}".rstrip(": "), Severity.ERROR
        if result.stderr.strip():
            return f"gemini wrote to standard error: {result.stderr.strip().splitlines()[0]}", Severity.WARNING
        return None

    def live_parser(self, operation: str) -> Callable[[str], Iterable[Sample]]:
        """Return nothing: gemini tells no figures in its log."""
        return lambda _line: ()

    def get_gemini_results(self) -> list[dict[str, Any]]:
        """Wait for the end and return the result of each run that gave one: counts as numbers, and the errors."""
        summaries = (run.summary for run in self.runs())
        return [
            {name: int(summary[name]) for name in _COUNTS} | {"errors": json.loads(summary["errors"])}
            for summary in summaries
            if summary is not None
        ]

    def verify_gemini_results(self) -> dict[str, Any]:
        """Wait for the end and return the verdict: `status` (`PASSED` or `FAILED`), `results`, `errors`."""
        runs = self.runs()
        results = self.get_gemini_results()
        errors = [error for result in results for error in result["errors"]]
        errors += [run.problem for run in runs if run.problem and run.severity > Severity.WARNING]
        clean = len(results) == len(runs) and not errors
        return {"status": "PASSED" if clean else "FAILED", "results": results, "errors": errors}


def _nodes(cluster: Any) -> "list[Node]":
    if cluster is None:
        return []
    return list(getattr(cluster, "nodes", cluster if isinstance(cluster, (list, tuple)) else [cluster]))


def _replication(nodes: int) -> str:
    return f"{{'class': 'NetworkTopologyStrategy', 'replication_factor': '{min(3, nodes)}'}}"


def _flag(name: str, value: str) -> str:
    return f"--{name}={value}" if value else f"--{name}"
