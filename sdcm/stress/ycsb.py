"""YCSB, in ScyllaDB's build: https://github.com/brianfrankcooper/YCSB."""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sdcm.containers.alternator import PASSWORD, ROLE, AccessKeys, role_keys
from sdcm.containers.archive import FileCopy
from sdcm.containers.execution import CommandResult
from sdcm.errors import UsageProblem
from sdcm.events.kinds import StressEvent
from sdcm.events.severity import Severity
from sdcm.stress import live
from sdcm.stress.live import Sample
from sdcm.stress.log_events import LogPattern, StressLogEvent
from sdcm.stress.quantity import Quantity, plain
from sdcm.stress.seat import Seat
from sdcm.stress.summary import Summary, require, unreadable
from sdcm.stress.target import Target
from sdcm.stress.thread import Command, DockerBasedStressThread

if TYPE_CHECKING:
    from sdcm.containers.container import Container

_FOLDER = "/usr/local/share/scylla-ycsb"
_PROPERTIES = "/tmp/dynamodb.properties"  # noqa: S108 - inside the container
_MEAN, _P99 = "latency mean", "latency 99th percentile"
_LINE = re.compile(r"^\[(?P<group>[A-Z_-]+)\], (?P<name>[^,]+), (?P<text>\S+)\s*$", re.MULTILINE)
_STATUS = re.compile(r"\[(?P<operation>[A-Z_-]+): (?P<figures>Count=[^\]]+)\]")
_RATE = re.compile(r"(?P<rate>[\d.]+) current ops/sec")
_VERIFY = re.compile(r"^\[VERIFY\], Return=(?P<type>\w+), (?P<count>\d+)")
#: What is measured beside the load itself.
_NO_LOAD = ("OVERALL", "CLEANUP", "VERIFY")
_KINDS = {"Avg": live.MEAN, "50": live.MEDIAN, "95": live.P95, "99": live.P99, "99.9": live.P999, "Max": live.MAX}
_THOUSAND = Decimal(1000)


@dataclass(kw_only=True, eq=False)
class YcsbStressEvent(StressEvent):
    """One run of YCSB."""


@dataclass(kw_only=True, eq=False)
class YcsbStressLogEvent(StressLogEvent):
    """A line of YCSB worth an event."""


def parse_summary(output: str) -> Summary:
    """Return throughput and latencies, these in milliseconds.

    Each operation has its own (`latency mean read`); the name without operation is the only operation's, or of several
    the mean over all their requests, and the worst 99th percentile.

    Raises:
        UnreadableOutput: A figure that must be there is missing.
    """
    groups: dict[str, dict[str, str]] = {}
    for match in _LINE.finditer(output):
        groups.setdefault(match["group"], {})[match["name"]] = match["text"]
    quantities: dict[str, Quantity] = {}
    if throughput := groups.get("OVERALL", {}).get("Throughput(ops/sec)"):
        quantities["op rate"] = Quantity(throughput, "op/s")
    operations = {
        name: group for name, group in groups.items() if name not in _NO_LOAD and "AverageLatency(us)" in group
    }
    for name, group in operations.items():
        short = name.lower()
        quantities[f"{_MEAN} {short}"] = _from_microseconds(output, group, "AverageLatency(us)", name)
        quantities[f"{_P99} {short}"] = _from_microseconds(output, group, "99thPercentileLatency(us)", name)
    if operations:
        quantities[_P99] = max((quantities[f"{_P99} {name.lower()}"] for name in operations), key=float)
        quantities[_MEAN] = _mean(output, operations, quantities)
    require("YCSB", output, quantities, ("op rate", _MEAN, _P99))
    return Summary(quantities)


def _from_microseconds(output: str, group: Mapping[str, str], name: str, operation: str) -> Quantity:
    try:
        return Quantity(plain(Quantity(group[name]).value / _THOUSAND), "ms")
    except (KeyError, ValueError) as exc:
        raise unreadable("YCSB", output, f"{operation} has no {name} that is a number") from exc


def _mean(output: str, operations: Mapping[str, Mapping[str, str]], quantities: Mapping[str, Quantity]) -> Quantity:
    """Return the mean over all requests: each operation's mean counts as often as it was done."""
    means = {name: quantities[f"{_MEAN} {name.lower()}"] for name in operations}
    if len(means) == 1:
        return next(iter(means.values()))
    try:
        counts = {name: Quantity(group["Operations"]).value for name, group in operations.items()}
    except (KeyError, ValueError) as exc:
        raise unreadable("YCSB", output, "an operation does not say how often it was done") from exc
    done = sum(counts.values())
    if not done:
        raise unreadable("YCSB", output, "no operation was done")
    whole = sum((means[name].value * count for name, count in counts.items()), Decimal(0))
    return Quantity(plain(round(whole / done, 9)), "ms")


class YcsbStressThread(DockerBasedStressThread):
    """Runs YCSB against CQL (`bin/ycsb run scylla ...`) or the DynamoDB API (`bin/ycsb run dynamodb ...`).

    Args:
        *args: As of every tool.
        cluster_tester: Nothing; taken since callers give it.
        **kwargs: As of every tool.
    """

    TOOL = "ycsb"
    METRIC = "ycsb"
    EVENT = YcsbStressEvent
    LOG_EVENT = YcsbStressLogEvent
    PATTERNS = (
        LogPattern("UnexpectedState", re.compile(r"=UNEXPECTED_STATE"), Severity.ERROR),
        LogPattern("ReturnedError", re.compile(r"=ERROR"), Severity.ERROR),
        LogPattern("Error", re.compile(r" ERROR"), Severity.ERROR),
    )
    MEMORY_MB = 1024

    def __init__(self, *args: Any, cluster_tester: object = None, **kwargs: Any) -> None:
        self.cluster_tester = cluster_tester
        super().__init__(*args, **kwargs)

    @property
    def _is_dynamodb(self) -> bool:
        return "dynamodb" in shlex.split(self.stress_cmd)

    def _want(self, key: str) -> Any:
        return None if self.params is None else self.params.get(key)

    def check(self) -> None:
        """Refuse a command without a database that it knows, and the DynamoDB API without a way to find nodes."""
        words = shlex.split(self.stress_cmd)
        if not {"dynamodb", "scylla", "cassandra-cql"} & set(words):
            raise UsageProblem(f"YCSB is given no database: {self.stress_cmd}", mend="run scylla, or run dynamodb")
        routed = self._want("alternator_use_dns_routing"), self._want("alternator_loadbalancing")
        if self._is_dynamodb and any(routed) is all(routed):
            raise UsageProblem(
                "YCSB finds the nodes by DNS or by its own load balancing, one of the two",
                mend="set alternator_use_dns_routing or alternator_loadbalancing",
            )

    def files(self, target: Target) -> Sequence[FileCopy]:
        """Return certificates, and the properties of the DynamoDB API."""
        if not self._is_dynamodb:
            return target.certificates
        lines = {
            "dynamodb.awsCredentialsFile": "/tmp/aws_empty_file",  # noqa: S108
            "dynamodb.endpoint": f"http://{target.addresses[0]}:{target.alternator_port}",
            "dynamodb.connectMax": "200",
            "requestdistribution": "uniform",
            "dynamodb.consistentReads": "true",
            "dynamodb.primaryKey": "p",
            "dynamodb.primaryKeyType": str(self._want("dynamodb_primarykey_type") or "HASH"),
        }
        if lines["dynamodb.primaryKeyType"] == "HASH_AND_RANGE":
            lines |= {"dynamodb.hashKeyName": "p", "dynamodb.primaryKey": "c"}
        if self._want("alternator_loadbalancing"):
            lines |= {"dynamodb.alternator.loadbalancing": "true"}
        if self._want("alternator_trust_all_certificates"):
            lines |= {"dynamodb.trustAllCertificates": "true"}
        keys = self._keys()
        credentials = f"accessKey = {keys.access_key_id}\nsecretKey = {keys.secret_access_key}\n"
        properties = "".join(f"{name} = {value}\n" for name, value in lines.items())
        return [
            *target.certificates,
            FileCopy(_PROPERTIES, properties.encode()),
            FileCopy("/tmp/aws_empty_file", credentials.encode()),  # noqa: S108
        ]

    def _keys(self) -> AccessKeys:
        """Return what requests are signed with: what the configuration says, else the role of a node that asks."""
        key, secret = (str(self._want(f"alternator_{name}") or "") for name in ("access_key_id", "secret_access_key"))
        if secret or key not in ("", ROLE):
            return AccessKeys(key or ROLE, secret or PASSWORD)
        node = self.node_list[0]
        if "alternator" in node.record.capabilities and node.record.username:
            return role_keys(node.cql_connection().execute)
        return AccessKeys()

    def command(self, seat: Seat, target: Target, container: "Container") -> Command:
        """Return YCSB's command with nodes, login and its longest time."""
        words = ["bin/ycsb.sh" if word == "bin/ycsb" else word for word in shlex.split(self.stress_cmd)]
        given = {word.partition("=")[0] for word in words}
        if "-s" not in words:
            words.append("-s")
        if "maxexecutiontime" not in given:
            words += ["-p", f"maxexecutiontime={self.timeout:g}"]
        if self._is_dynamodb:
            words += ["-P", _PROPERTIES]
        else:
            words += self._cql(target, given)
        return Command(f"cd {_FOLDER} && {shlex.join(words)}", self._operation(words))

    def _cql(self, target: Target, given: set[str]) -> list[str]:
        prefix = "cassandra" if "cassandra-cql" in shlex.split(self.stress_cmd) else "scylla"
        properties = {
            f"{prefix}.hosts" if prefix == "scylla" else "hosts": target.hosts,
            f"{prefix}.readconsistencylevel": "QUORUM",
            f"{prefix}.writeconsistencylevel": "QUORUM",
        }
        if target.username:
            properties |= {f"{prefix}.username": target.username, f"{prefix}.password": target.password}
        if target.tls:
            properties |= {f"{prefix}.useSSL": "true"}
        added: list[str] = []
        for name, value in properties.items():
            if name not in given:
                added += ["-p", f"{name}={value}"]
        return added

    def _operation(self, words: list[str]) -> str:
        return "load" if "load" in words else "run"

    def parse(self, output: str, seat: Seat, container: "Container") -> Summary:
        """Return throughput and latencies."""
        return parse_summary(output)

    def live_parser(self, operation: str) -> Callable[[str], Iterable[Sample]]:
        """Read the status lines, an operation in each pair of brackets, and the counts of verified rows."""

        def samples(line: str) -> Iterable[Sample]:
            if verified := _VERIFY.match(line):
                return [Sample("verify", {verified["type"]: float(verified["count"])})]
            found = [(each["operation"], _figures(each["figures"])) for each in _STATUS.finditer(line)]
            rate = _RATE.search(line)
            counts = sum(figures.get("Count", 0.0) for _, figures in found)
            return [_sample(name, figures, float(rate["rate"]) if rate else 0.0, counts) for name, figures in found]

        return samples

    def failure_lines(self, result: CommandResult) -> tuple[str, ...]:
        """Return the first two lines of standard error that are no status lines: YCSB writes these there too."""
        lines = [line.strip() for line in result.stderr.splitlines() if line.strip() and "ops/sec" not in line]
        return tuple(lines[:2]) or super().failure_lines(result)


def _figures(text: str) -> dict[str, float]:
    figures = {}
    for pair in text.split(","):
        name, _, value = pair.strip().partition("=")
        try:
            figures[name] = float(value)
        except ValueError:
            continue
    return figures


def _sample(name: str, figures: Mapping[str, float], rate: float, counts: float) -> Sample:
    """Return an operation's sample: latencies in milliseconds, and its share of the rate."""
    values = {kind: figures[label] / 1000 for label, kind in _KINDS.items() if label in figures}
    values[live.OPS] = rate * figures.get("Count", 0.0) / counts if counts else 0.0
    return Sample(name.lower().replace("-", "_"), values)
