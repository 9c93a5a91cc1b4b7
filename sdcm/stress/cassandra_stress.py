"""cassandra-stress."""

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sdcm.containers.archive import FileCopy
from sdcm.containers.execution import CommandResult
from sdcm.events.kinds import StressEvent
from sdcm.events.severity import Severity
from sdcm.stress.cassandra_stress_command import StressCommand
from sdcm.stress.cassandra_stress_output import parse_summary, total_rows
from sdcm.stress.live import Sample
from sdcm.stress.loaders import Loader
from sdcm.stress.log_events import LogPattern, StressLogEvent
from sdcm.stress.seat import Seat
from sdcm.stress.summary import Summary
from sdcm.stress.target import CA_FILE, CERTIFICATE_FILE, KEY_FILE, SSL_FOLDER, Target
from sdcm.stress.thread import Command, DockerBasedStressThread

if TYPE_CHECKING:
    from sdcm.containers.container import Container

_STORE_PASSWORD = "cassandra"  # noqa: S105 - of a file made for the run, in a container of the run
_TRUST_STORE, _KEY_STORE = f"{SSL_FOLDER}/truststore.jks", f"{SSL_FOLDER}/keystore.p12"
#: The tool's default suites need a certificate with an RSA key; the nodes' may be elliptic. None of TLS 1.3: the
#: network library of the tool's driver loses the connection in its handshake.
_CIPHERS = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
_SKIP_COLUMNS = "skip-unsupported-columns"
_ASK_SECONDS = 60.0


@dataclass(kw_only=True, eq=False)
class CassandraStressEvent(StressEvent):
    """One run of cassandra-stress."""


@dataclass(kw_only=True, eq=False)
class CassandraStressLogEvent(StressLogEvent):
    """A line of cassandra-stress worth an event."""


PATTERNS = (
    LogPattern("OperationOnKey", re.compile(r"Operation x\d+ on key"), Severity.CRITICAL),
    LogPattern("TooManyHintsInFlight", re.compile(r"Too many (hints in flight|in flight hints)"), Severity.ERROR),
    LogPattern("IOException", re.compile(r"java\.io\.IOException"), Severity.ERROR),
    LogPattern("ConsistencyError", re.compile(r"Cannot achieve consistency level"), Severity.ERROR),
    LogPattern("SchemaDisagreement", re.compile(r"[Ss]chema disagreement|No schema agreement"), Severity.WARNING),
    LogPattern("ShardAwareDriver", re.compile(r"Using optimized driver"), Severity.NORMAL),
    LogPattern("RackAwarePolicy", re.compile(r"rack name '.+' for RackAwareRoundRobinPolicy"), Severity.NORMAL),
)  # fmt: skip


class CassandraStressThread(DockerBasedStressThread):
    """Runs cassandra-stress.

    Args:
        *args: As of every tool.
        keyspace_num: Keyspaces; each has a run of its own. With several they are called `keyspace1`, `keyspace2`, ...
        keyspace_name: Name of the keyspace; the tool's own `keyspace1` when empty.
        compaction_strategy: Class of the table's compaction strategy; the database's default when empty.
        profile: File of this machine that `user profile=` reads. Without it the one that the command names, or a file
            of the same name in the project's `data_dir`.
        client_encrypt: Nothing: TLS is used where the nodes speak it.
        **kwargs: As of every tool.
    """

    TOOL = "cassandra-stress"
    METRIC = "cassandra_stress"
    EVENT: ClassVar[type[StressEvent]] = CassandraStressEvent
    LOG_EVENT: ClassVar[type[StressLogEvent]] = CassandraStressLogEvent
    PATTERNS: ClassVar[tuple[LogPattern, ...]] = PATTERNS
    MEMORY_MB = 1024
    HAS_HDR: ClassVar[bool] = True

    def __init__(
        self,
        *args: Any,
        keyspace_num: int = 1,
        keyspace_name: str = "",
        compaction_strategy: str = "",
        profile: str | Path | None = None,
        client_encrypt: bool = False,
        **kwargs: Any,
    ) -> None:
        self.keyspace_num = max(1, keyspace_num)
        self.keyspace_name = keyspace_name
        self.compaction_strategy = compaction_strategy
        self.profile = None if profile is None else Path(profile)
        super().__init__(*args, **kwargs)

    def check(self) -> None:
        """Refuse an unknown operation, and a profile that is not there."""
        command = StressCommand.parse(self.stress_cmd)
        named = next((word.partition("=")[2] for word in command.parameters if word.startswith("profile=")), "")
        if named or self.profile is not None:
            self.profile = self.loader_set.find(str(self.profile or named), "data_dir")

    def seats_of(self, loader: Loader, number: int, instance: str) -> list[Seat]:
        """Return a run a keyspace, `stress_num` times."""
        if self.keyspace_num == 1:
            keyspace = self.keyspace_name
            return [
                Seat(self.TOOL, loader.name, instance, number, cpu, 1 if keyspace else 0, keyspace)
                for cpu in range(self.stress_num)
            ]
        stem = self.keyspace_name or "keyspace"
        return [
            Seat(self.TOOL, loader.name, instance, number, cpu, index, f"{stem}{index}")
            for cpu in range(self.stress_num)
            for index in range(1, self.keyspace_num + 1)
        ]

    def files(self, target: Target) -> Sequence[FileCopy]:
        """Return certificates and the profile."""
        copies = list(target.certificates)
        if self.profile is not None:
            copies.append(FileCopy(f"/tmp/{self.profile.name}", self.profile.read_bytes()))  # noqa: S108
        return copies

    def command(self, seat: Seat, target: Target, container: "Container") -> Command:
        """Return the tool's command with nodes, login, certificates, and a histogram log where one is wanted."""
        command = self.adapted(StressCommand.parse(self.stress_cmd))
        hdr_file = self._add_log(command, seat)
        self._add_keyspace(command, seat)
        if "no-warmup" not in command.parameters:
            command.parameters.insert(0, "no-warmup")
        if self.profile is not None:
            inside = f"profile=/tmp/{self.profile.name}"
            command.parameters = [inside if word.startswith("profile=") else word for word in command.parameters]
        command.add("-mode", *([] if "-mode" in command.groups else ["native", "cql3"]))
        if target.username:
            command.add("-mode", f"user={target.username}", f"password={target.password}")
        self.add_tls(command, target)
        place = [f"datacenter={target.dc}"] if target.dc else []
        if target.rack and self.knows(container, "-node", "rack="):
            place.append(f"rack={target.rack}")
        command.groups["-node"] = [*place, target.hosts]
        if self.knows(container, "-errors", _SKIP_COLUMNS):
            command.add("-errors", _SKIP_COLUMNS)
        tag = f"TAG: loader_idx:{seat.loader_idx}-cpu_idx:{seat.cpu_idx}-keyspace_idx:{seat.keyspace_idx or 1}"
        options = "" if self.params is None else str(self.params.get("cs_extra_jvm_opts") or "")
        environment = f"JVM_OPTS={shlex.quote(options)} " if options else ""
        return Command(
            f"echo {tag}; {environment}{command}",
            command.operation,
            setup=self.stores(target),
            hdr_file=hdr_file,
        )

    def adapted(self, command: StressCommand) -> StressCommand:
        """Return the command in the tool's own words."""
        return command

    def _add_log(self, command: StressCommand, seat: Seat) -> str:
        wanted = self.HAS_HDR and self.params is not None and self.params.get("use_hdrhistogram")
        if not wanted:
            return ""
        path = f"/tmp/cs-hdr-{seat.cpu_idx}-{seat.keyspace_idx}.hdr"  # noqa: S108
        command.add("-log", f"hdrfile={path}", "interval=1s")
        return path

    def _add_keyspace(self, command: StressCommand, seat: Seat) -> None:
        if seat.keyspace:
            command.add("-schema", f"keyspace={seat.keyspace}")
        if self.compaction_strategy:
            command.add("-schema", f"compaction(strategy={self.compaction_strategy})")

    def add_tls(self, command: StressCommand, target: Target) -> None:
        """Name the certificates, where the nodes speak TLS."""
        if not target.tls:
            return
        command.add("-transport", f"truststore={_TRUST_STORE}", f"truststore-password={_STORE_PASSWORD}")
        command.add("-transport", f"ssl-ciphers={_CIPHERS}")
        if target.client_certificate:
            command.add("-transport", f"keystore={_KEY_STORE}", f"keystore-password={_STORE_PASSWORD}")

    def stores(self, target: Target) -> tuple[str, ...]:
        """Return the lines that make Java's stores of the certificates; several runs of one container share them."""
        if not target.tls:
            return ()
        imported = (
            f"test -s {_TRUST_STORE} || {{ keytool -importcert -noprompt -alias ca -file {CA_FILE}"
            f" -keystore {_TRUST_STORE}.$$ -storepass {_STORE_PASSWORD} && mv {_TRUST_STORE}.$$ {_TRUST_STORE}; }}"
        )
        if not target.client_certificate:
            return (imported,)
        exported = (
            f"openssl pkcs12 -export -in {CERTIFICATE_FILE} -inkey {KEY_FILE} -out {_KEY_STORE}"
            f" -passout pass:{_STORE_PASSWORD}"
        )
        return imported, exported

    def knows(self, container: "Container", group: str, option: str) -> bool:
        """Whether this very tool's help of a group speaks of an option."""
        program = shlex.split(self.stress_cmd)[0]
        asked = f"{container.image_name} {program} help {group}"
        with self.loader_set.lock:
            if asked not in self.loader_set.known:
                told = container.execute([program, "help", group], timeout=_ASK_SECONDS, ignore_status=True)
                self.loader_set.known[asked] = told.stdout + told.stderr
            return option in self.loader_set.known[asked]

    def parse(self, output: str, seat: Seat, container: "Container") -> Summary:
        """Return the figures after `Results:`."""
        return parse_summary(self.TOOL, output)

    def failure_lines(self, result: CommandResult) -> tuple[str, ...]:
        """Return the first two lines of standard error; that it found no JMX to ask is in every run's."""
        lines = [line.strip() for line in result.stderr.splitlines() if line.strip() and "over JMX" not in line]
        return tuple(lines[:2]) or super().failure_lines(result)

    def live_parser(self, operation: str) -> Callable[[str], Iterable[Sample]]:
        """Read the rows named `total`."""
        return total_rows(operation)
