"""One run of a tool, from its first event to its last."""

import contextlib
import logging
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sdcm.containers.execution import CommandResult, CommandTimedOut, UnexpectedExit
from sdcm.containers.output import OutputLines
from sdcm.errors import SctError
from sdcm.events.severity import Severity
from sdcm.stress.live import LiveReport
from sdcm.stress.log_events import LogWatcher
from sdcm.stress.outcome import KILLED, KILLED_STATUS, StressRun, bad_status, last_lines
from sdcm.stress.seat import Seat
from sdcm.stress.secrets import hidden
from sdcm.stress.summary import UnreadableOutput
from sdcm.stress.target import Target
from sdcm.stress.timeouts import SoftTimeoutEvent

if TYPE_CHECKING:
    from sdcm.containers.container import Container
    from sdcm.stress.hdr import Latencies
    from sdcm.stress.loaders import Loader
    from sdcm.stress.thread import Command, DockerBasedStressThread

LOGGER = logging.getLogger(__name__)
#: Seconds a command that prepares another may take.
_SETUP_SECONDS = 120.0


@dataclass
class Performance:
    """Runs a tool's command once and tells of it.

    Attributes:
        tool: Whose command.
        seat: Which run.
        loader: Where.
        container: In which container.
        target: Against whom.
    """

    tool: "DockerBasedStressThread"
    seat: Seat
    loader: "Loader"
    container: "Container"
    target: Target
    _said: list[str] = field(default_factory=list)

    def run(self) -> StressRun:
        """Run the command to its end, whatever that is; nothing is raised for it."""
        event = self.tool.EVENT(node=self.loader.name, stress_cmd=self.tool.stress_cmd)
        run = StressRun(self.seat, self.loader, event, self.loader.logdir / self.seat.new_log_name("setup"))
        report = LiveReport(self.seat, self.tool.METRIC)
        try:
            command = self.tool.command(self.seat, self.target, self.container)
            run.log = self.loader.logdir / self.seat.new_log_name(command.operation)
            event.stress_cmd, event.log_file_name = self._hidden(command.line), str(run.log)
            event.begin_event()
            report.begin(event.stress_cmd)
            self._execute(run, command, report)
        except Exception as exc:  # noqa: BLE001 - told as an event and a result, as every failure of a run is
            if not event.is_running:
                event.begin_event()
            self._failed(run, exc)
        finally:
            report.end(run.state, run.tell_result())
            event.end_event()
        return run

    def _execute(self, run: StressRun, command: "Command", report: LiveReport) -> None:
        for line in command.setup:
            self.container.execute(["/bin/sh", "-c", line], shown=self._hidden(line), timeout=_SETUP_SECONDS)
        watcher = LogWatcher(self.tool.LOG_EVENT, self.tool.PATTERNS, node=self.loader.name, log_file_name=str(run.log))
        samples = self.tool.live_parser(command.operation)

        def progress(line: str) -> None:
            for sample in samples(line):
                report.take(sample)

        with _log_of(run.log) as stamp, self._soft_timeout():
            lines = OutputLines(None, (stamp, watcher, progress), timestamps=False)
            try:
                run.result = self.container.execute(
                    ["/bin/sh", "-c", command.line],
                    shown=self._hidden(command.line),
                    timeout=self.tool.hard_timeout + self.tool.SHUTDOWN,
                    ignore_status=True,
                    on_output=lines.take,
                )
            finally:
                lines.finish()
                watcher.finish()
        self._judge(run, command, run.result)

    def _judge(self, run: StressRun, command: "Command", result: CommandResult) -> None:
        if self.tool.killed.is_set() or (result.exit_status == KILLED_STATUS and not self._out_of_memory()):
            run.went_wrong(KILLED, Severity.WARNING)
        elif result.failed:
            why = self.tool.failure_lines(result)
            if result.exit_status == KILLED_STATUS:
                why = (f"it was killed for using more than {self.tool.MEMORY_MB * self.tool.stress_num} MiB", *why)
            run.went_wrong(bad_status(result, why), self.tool.failure_severity, last_lines(result))
        else:
            run.summary = self.tool.parse(result.stdout, self.seat, self.container)
            run.summary.update(loader_idx=str(self.seat.loader_idx), cpu_idx=str(self.seat.cpu_idx))
            if self.seat.keyspace_idx:
                run.summary["keyspace_idx"] = str(self.seat.keyspace_idx)
            if wrong := self.tool.complaint(result, run.summary):
                run.went_wrong(*wrong)
            if command.hdr_file:
                run.histograms = self._histograms(command.hdr_file)

    def _failed(self, run: StressRun, exc: Exception) -> None:
        """Note a run that raised: killed by us, too slow, unreadable, or not even started."""
        severity = self.tool.failure_severity
        if isinstance(exc, (CommandTimedOut, UnexpectedExit)):
            run.result = exc.result
        if self.tool.killed.is_set():
            run.went_wrong(KILLED, Severity.WARNING)
        elif isinstance(exc, CommandTimedOut):
            limit = f"{self.tool.hard_timeout + self.tool.SHUTDOWN:g} s"
            run.went_wrong(
                f"Stress command did not end within {limit} and was killed", severity, last_lines(exc.result)
            )
        elif isinstance(exc, UnexpectedExit):
            run.went_wrong(
                bad_status(exc.result, self.tool.failure_lines(exc.result)), severity, last_lines(exc.result)
            )
        elif isinstance(exc, UnreadableOutput):
            run.went_wrong(str(exc), severity, tuple(exc.evidence.splitlines()))
        else:
            if not isinstance(exc, SctError):
                LOGGER.exception("%s failed", self.seat)
            run.went_wrong(f"{type(exc).__name__}: {exc}", severity)

    def _out_of_memory(self) -> bool:
        with self.container.engine_errors("be looked at"):
            self.container.handle.reload()
        return bool(self.container.handle.attrs["State"].get("OOMKilled"))

    def _histograms(self, inside: str) -> "Mapping[str, Latencies]":
        from sdcm.stress.hdr import read_log

        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "latencies.hdr"
            self.container.receive_files(inside, local)
            return read_log(local)

    def _hidden(self, text: str) -> str:
        return hidden(text, self.target.secrets())

    @contextlib.contextmanager
    def _soft_timeout(self) -> Iterator[None]:
        def warn() -> None:
            SoftTimeoutEvent(
                node=self.loader.name,
                message=f"{self.seat} still runs after {self.tool.soft_timeout:g} s",
                soft_timeout=self.tool.soft_timeout,
            ).publish()

        timer = threading.Timer(self.tool.soft_timeout, warn)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


@contextlib.contextmanager
def _log_of(path: Path) -> "Iterator[_StampedLog]":
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as sink:
        yield _StampedLog(sink)


@dataclass(frozen=True)
class _StampedLog:
    """Writes lines with the time before each."""

    sink: BinaryIO

    def __call__(self, line: str) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.sink.write(f"[{stamp}] {line}\n".encode())
        self.sink.flush()
