"""How one run of a tool ended, and which event tells of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sdcm.containers.execution import CommandResult
from sdcm.errors import SctError
from sdcm.events.kinds import StressEvent
from sdcm.events.severity import Severity
from sdcm.exit_codes import ExitCode
from sdcm.stress.seat import Seat
from sdcm.stress.summary import Summary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sdcm.stress.hdr import Latencies
    from sdcm.stress.loaders import Loader

KILLED = "Stress killed by test/teardown"
#: Exit status of a program that was killed.
KILLED_STATUS = 137
#: Last lines of output in the event of a failure.
TAIL_LINES = 10


@dataclass
class StressRun:
    """One run of a tool.

    Attributes:
        seat: Which one.
        loader: Where.
        event: What told of it.
        result: The ended command; None when it never ran.
        summary: Its figures; None when it failed, was killed, or wrote what cannot be read.
        problem: What went wrong; empty when nothing did.
        severity: How bad that is.
        log: File with all its output.
        histograms: Latencies by tag, where the tool wrote an HDR histogram.
    """

    seat: Seat
    loader: "Loader"
    event: StressEvent
    log: "Path"
    result: CommandResult | None = None
    summary: Summary | None = None
    problem: str = ""
    severity: Severity = Severity.NORMAL
    histograms: "Mapping[str, Latencies] | None" = None

    @property
    def state(self) -> str:
        """`done`, `failed` or `killed`."""
        if not self.problem:
            return "done"
        if self.problem == KILLED:
            return "killed"
        return "done" if self.severity <= Severity.WARNING else "failed"

    def went_wrong(self, problem: str, severity: Severity, lines: tuple[str, ...] = ()) -> None:
        """Note what went wrong, on the event too.

        Args:
            problem: One line.
            severity: How bad it is.
            lines: The output's last lines.
        """
        self.problem, self.severity = problem, severity
        self.event.severity = max(self.event.severity, severity)
        self.event.add_error([problem, *lines])

    def tell_result(self) -> str:
        """Return the result in a few words, for the journal."""
        if self.problem:
            return self.problem
        if self.summary is None:
            return ""
        shown = (name for name in ("op rate", "latency mean", "latency 99th percentile") if name in self.summary)
        return ", ".join(f"{name} {self.summary.quantities.get(name, self.summary[name])}" for name in shown)


def bad_status(result: CommandResult, why: tuple[str, ...]) -> str:
    """Return the line that tells of a failed command."""
    return f"Stress command completed with bad status {result.exit_status}: {' '.join(why) or 'it wrote nothing'}"


def last_lines(result: CommandResult, count: int = TAIL_LINES) -> tuple[str, ...]:
    """Return the last lines of what a command wrote, standard error after standard output."""
    lines = [line for line in f"{result.stdout}\n{result.stderr}".splitlines() if line.strip()]
    return tuple(lines[-count:])


class StressFailed(SctError):
    """A run of a stress tool gave no figures."""

    exit_code: ClassVar[ExitCode] = ExitCode.TESTS_FAILED

    def __init__(self, run: StressRun) -> None:
        tail = "" if run.result is None else "\n".join(last_lines(run.result))
        super().__init__(f"{run.seat} gave no figures", why=run.problem, mend=f"see {run.log}", evidence=tail)
        self.run = run
