"""Harry, a fuzz tester: https://github.com/apache/cassandra-harry."""

import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdcm.events.kinds import StressEvent
from sdcm.events.severity import Severity
from sdcm.stress.live import Sample
from sdcm.stress.log_events import LogPattern, StressLogEvent
from sdcm.stress.seat import Seat
from sdcm.stress.summary import Summary, unreadable
from sdcm.stress.target import Target
from sdcm.stress.thread import Command, DockerBasedStressThread

if TYPE_CHECKING:
    from sdcm.containers.container import Container

_COMPLETED = re.compile(r"Runner\.java:\d+ - Completed")


@dataclass(kw_only=True, eq=False)
class CassandraHarryEvent(StressEvent):
    """One run of Harry."""


@dataclass(kw_only=True, eq=False)
class CassandraHarryLogEvent(StressLogEvent):
    """A line of Harry worth an event."""


def parse_summary(output: str) -> Summary:
    """Return that the run was completed.

    Raises:
        UnreadableOutput: Harry does not say so.
    """
    if not _COMPLETED.search(output):
        raise unreadable("harry", output, "it does not say 'Completed'")
    return Summary({}, status="completed")


class CassandraHarryThread(DockerBasedStressThread):
    """Runs Harry."""

    TOOL = "harry"
    METRIC = "harry"
    EVENT = CassandraHarryEvent
    LOG_EVENT = CassandraHarryLogEvent
    PATTERNS = (
        LogPattern("Failure", re.compile(r"ValidationException|Caught an exception|FAILED"), Severity.CRITICAL),
        LogPattern("Error", re.compile(r"\bERROR\b|Timed out|Timeout"), Severity.ERROR),
    )
    MEMORY_MB = 2048

    def command(self, seat: Seat, target: Target, container: "Container") -> Command:
        """Return the command with the first node, and the login where nodes ask for one."""
        words = [*shlex.split(self.stress_cmd), "-node", target.addresses[0]]
        if target.username:
            words += ["-username", target.username, "-password", target.password]
        return Command(shlex.join(words), "run")

    def parse(self, output: str, seat: Seat, container: "Container") -> Summary:
        """Return that the run was completed."""
        return parse_summary(output)

    def live_parser(self, operation: str) -> Callable[[str], Iterable[Sample]]:
        """Return nothing: Harry tells no figures."""
        return lambda _line: ()
