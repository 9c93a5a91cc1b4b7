"""cql-stress in the guise of cassandra-stress: https://github.com/scylladb/cql-stress."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sdcm.events.kinds import StressEvent
from sdcm.events.severity import Severity
from sdcm.stress.cassandra_stress import CassandraStressThread
from sdcm.stress.cassandra_stress_command import StressCommand
from sdcm.stress.cassandra_stress_output import rows_after_header
from sdcm.stress.live import Sample
from sdcm.stress.log_events import LogPattern, StressLogEvent
from sdcm.stress.target import CA_FILE, CERTIFICATE_FILE, KEY_FILE, SSL_FOLDER, Target

if TYPE_CHECKING:
    from sdcm.containers.container import Container

_KEY_STORE = f"{SSL_FOLDER}/keystore.pem"
_COUNT = re.compile(r"\bn=FIXED\((\d+)\)", re.IGNORECASE)
_SEQUENCE = re.compile(r"^seq=(\d+)\.\.(\d+)$")


@dataclass(kw_only=True, eq=False)
class CqlStressCassandraStressEvent(StressEvent):
    """One run of cql-stress."""


@dataclass(kw_only=True, eq=False)
class CqlStressCassandraStressLogEvent(StressLogEvent):
    """A line of cql-stress worth an event."""


class CqlStressCassandraStressThread(CassandraStressThread):
    """Runs cql-stress-cassandra-stress, which takes almost the command line of cassandra-stress."""

    TOOL = "cql-stress-cassandra-stress"
    METRIC = "cql_stress_cassandra_stress"
    EVENT = CqlStressCassandraStressEvent
    LOG_EVENT = CqlStressCassandraStressLogEvent
    PATTERNS = (LogPattern("ReadValidationError", re.compile(r"(?i)read validation error"), Severity.CRITICAL),)
    MEMORY_MB = 512
    HAS_HDR: ClassVar[bool] = True

    def adapted(self, command: StressCommand) -> StressCommand:
        """Say in this tool's words what it does not take in the other's: column counts and sequences."""
        command.groups = {
            group: [_SEQUENCE.sub(r"dist=SEQ(\1..\2)", _COUNT.sub(r"n=\1", word)) for word in words]
            for group, words in command.groups.items()
        }
        return command

    def add_tls(self, command: StressCommand, target: Target) -> None:
        """Name the PEM files: this tool wants no Java stores, and a certificate in one file with its key."""
        if not target.tls:
            return
        command.add("-transport", f"truststore={CA_FILE}")
        if target.client_certificate:
            command.add("-transport", f"keystore={_KEY_STORE}")
        if target.verify_name:
            command.add("-transport", "hostname-verification=true")

    def stores(self, target: Target) -> tuple[str, ...]:
        """Return the line that puts certificate and key into one file."""
        if not target.client_certificate:
            return ()
        return (f"cat {CERTIFICATE_FILE} {KEY_FILE} > {_KEY_STORE}",)

    def knows(self, container: "Container", group: str, option: str) -> bool:
        """Whether the tool takes an option; it has no help by group, and takes none of those asked for."""
        return option == "rack="

    def live_parser(self, operation: str) -> Callable[[str], Iterable[Sample]]:
        """Read the rows below the header."""
        return rows_after_header(operation)
