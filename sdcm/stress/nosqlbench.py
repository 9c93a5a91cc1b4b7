"""NoSQLBench: https://docs.nosqlbench.io."""

import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdcm.events.kinds import StressEvent
from sdcm.events.severity import Severity
from sdcm.stress.live import Sample
from sdcm.stress.log_events import LogPattern, StressLogEvent
from sdcm.stress.quantity import Quantity
from sdcm.stress.seat import Seat
from sdcm.stress.summary import Summary, unreadable
from sdcm.stress.target import Target
from sdcm.stress.thread import Command, DockerBasedStressThread

if TYPE_CHECKING:
    from sdcm.containers.container import Container

_PROGRESS = re.compile(r"^(?P<activity>\S+): (?P<percent>[\d.]+)%/\w+ \(details:[^)]*\)")


@dataclass(kw_only=True, eq=False)
class NoSQLBenchStressEvent(StressEvent):
    """One run of NoSQLBench."""


@dataclass(kw_only=True, eq=False)
class NoSQLBenchStressLogEvent(StressLogEvent):
    """A line of NoSQLBench's progress."""


def parse_summary(output: str) -> Summary:
    """Return how far each activity came, in percent: NoSQLBench's own figures go to its metrics, not to its output.

    Raises:
        UnreadableOutput: There is no progress, or an activity stopped before its end.
    """
    activities: dict[str, Quantity] = {}
    for line in output.splitlines():
        if match := _PROGRESS.match(line.strip()):
            activities[match["activity"]] = Quantity(match["percent"], "%")
    if not activities:
        raise unreadable("nosqlbench", output, "it tells no progress (--progress console:1s)")
    for activity, progress in activities.items():
        if float(progress) < 100:
            raise unreadable("nosqlbench", output, f"{activity} stopped at {progress}")
    return Summary({f"progress {activity}": progress for activity, progress in activities.items()}, status="completed")


class NoSQLBenchStressThread(DockerBasedStressThread):
    """Runs NoSQLBench: `nosqlbench run driver=cqld4 workload=... cycles=100k`."""

    TOOL = "nosqlbench"
    METRIC = "nosqlbench"
    EVENT = NoSQLBenchStressEvent
    LOG_EVENT = NoSQLBenchStressLogEvent
    PATTERNS = (
        LogPattern("ProgressStopped", re.compile(r": (?!100(?:\.0+)?%)[\d.]+%/Stopped"), Severity.CRITICAL),
        LogPattern("ProgressDone", re.compile(r": 100(?:\.0+)?%/"), Severity.NORMAL),
        LogPattern("ProgressRunning", re.compile(r": [\d.]+%/Running"), Severity.DEBUG),
    )
    MEMORY_MB = 2048

    def command(self, seat: Seat, target: Target, container: "Container") -> Command:
        """Return the image's own program with the command's arguments, nodes, login and progress."""
        image = container.handle.image
        entrypoint = (image.attrs["Config"].get("Entrypoint") if image else None) or ["nb5"]
        _, *words = shlex.split(self.stress_cmd)
        given = {word.partition("=")[0] for word in words}
        added = {"hosts": target.hosts, "localdc": target.dc or "datacenter1"}
        if target.username:
            added |= {"username": target.username, "password": target.password}
        words += [f"{name}={value}" for name, value in added.items() if name not in given]
        if "--progress" not in words:
            words += ["--progress", "console:5s"]
        return Command(shlex.join([*entrypoint, *words]), "run")

    def parse(self, output: str, seat: Seat, container: "Container") -> Summary:
        """Return how far each activity came."""
        return parse_summary(output)

    def live_parser(self, operation: str) -> Callable[[str], Iterable[Sample]]:
        """Read the progress of each activity."""

        def samples(line: str) -> Iterable[Sample]:
            match = _PROGRESS.match(line.strip())
            return (Sample(operation, {"progress": float(match["percent"])}),) if match else ()

        return samples
