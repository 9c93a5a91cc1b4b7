"""The one path that every stress tool takes; what a tool does differently is in its own file."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from sdcm.containers.archive import FileCopy, of_copies
from sdcm.containers.execution import CommandResult
from sdcm.containers.service import ContainerRequest
from sdcm.errors import DeadlinePassed
from sdcm.events.kinds import StressEvent
from sdcm.events.severity import Severity
from sdcm.stress.images import image_of
from sdcm.stress.live import Sample
from sdcm.stress.loaders import Loader, LoaderSet
from sdcm.stress.log_events import LogPattern, StressLogEvent
from sdcm.stress.outcome import StressRun
from sdcm.stress.performance import Performance
from sdcm.stress.seat import Seat
from sdcm.stress.summary import Summary
from sdcm.stress.target import Target

if TYPE_CHECKING:
    from sdcm.config.model import SCTConfiguration
    from sdcm.containers.container import Container
    from sdcm.containers.node import Node

LOGGER = logging.getLogger(__name__)
#: Seconds beyond the hard timeout in which results may still come in.
_RESULTS_GRACE = 300.0


@dataclass(frozen=True)
class Command:
    """What is run in the tool's container.

    Attributes:
        line: A line of shell.
        operation: What it does: `write`, `mixed`, ...; part of the log's name and of the gauges'.
        setup: Lines run before it, which it needs to succeed; their output is not the tool's.
        hdr_file: File inside that it writes an HDR histogram log to; empty for none.
    """

    line: str
    operation: str
    setup: tuple[str, ...] = ()
    hdr_file: str = ""


class DockerBasedStressThread:
    """Runs one command of a stress tool, on every loader `stress_num` times at once.

    `run()` starts it and returns; `get_results()` and `parse_results()` wait for its end.

    Args:
        loader_set: Where it runs: the fixture `loaders`.
        stress_cmd: The tool's command line, without addresses, login and certificates.
        timeout: Seconds the command is meant to take. 5 % later a warning is published; 10 % and `SHUTDOWN` seconds
            later it is killed and has failed.
        stress_num: How often it runs at once on each loader.
        node_list: The nodes it talks to.
        round_robin: Run on one loader only, the next one's turn with each command.
        params: The test's configuration.
        stop_test_on_failure: A failure is critical, otherwise an error.
    """

    #: The tool's name, in the catalogue of images and under `stress_image` in the configuration.
    TOOL: ClassVar[str]
    #: Begins the names of its gauges.
    METRIC: ClassVar[str]
    EVENT: ClassVar[type[StressEvent]]
    LOG_EVENT: ClassVar[type[StressLogEvent]] = StressLogEvent
    PATTERNS: ClassVar[tuple[LogPattern, ...]] = ()
    #: Memory that its container may use, MiB.
    MEMORY_MB: ClassVar[int] = 512
    SHUTDOWN: ClassVar[float] = 180.0

    def __init__(
        self,
        loader_set: LoaderSet,
        stress_cmd: str,
        timeout: float,
        stress_num: int = 1,
        node_list: Sequence["Node"] | None = None,
        round_robin: bool = False,
        params: "SCTConfiguration | None" = None,
        stop_test_on_failure: bool = True,
    ) -> None:
        self.loader_set = loader_set
        self.stress_cmd = stress_cmd.strip()
        self.timeout = timeout
        self.soft_timeout = timeout * 1.05
        self.hard_timeout = timeout * 1.10
        self.stress_num = max(1, stress_num)
        self.node_list = list(node_list or ())
        self.round_robin = round_robin
        self.params = params
        self.failure_severity = Severity.CRITICAL if stop_test_on_failure else Severity.ERROR
        self.killed = threading.Event()
        self._futures: list[Future[StressRun]] = []
        self._containers: dict[int, Container] = {}
        self._left: dict[int, int] = {}
        self._leases = contextlib.ExitStack()
        self._lock = threading.Lock()
        self._target: Target | None = None
        self.check()

    @classmethod
    def against(cls, nodes: Sequence["Node"], loaders: LoaderSet, stress_cmd: str, timeout: float, **more: Any) -> Self:
        """Make a run against nodes, whatever the order of the tool's own arguments."""
        return cls(loaders, stress_cmd, timeout, node_list=nodes, **more)

    # --- what a tool states of itself -------------------------------------------------------------------------

    def check(self) -> None:
        """Refuse a command line or configuration that cannot work.

        Raises:
            UsageProblem: What is wrong with it.
        """

    def command(self, seat: Seat, target: Target, container: "Container") -> Command:
        """Return what is run for one seat; `container` may be asked what its tool can do."""
        raise NotImplementedError

    def parse(self, output: str, seat: Seat, container: "Container") -> Summary:
        """Return the figures of a run that ended well.

        Raises:
            UnreadableOutput: They are not in the output.
        """
        raise NotImplementedError

    def complaint(self, result: CommandResult, summary: Summary) -> tuple[str, Severity] | None:
        """Return what is wrong with a run that ended well and has figures, and how bad it is; None: nothing."""
        return None

    def live_parser(self, operation: str) -> Callable[[str], Iterable[Sample]]:
        """Return a fresh function that is given each line of output and returns the samples it holds."""
        raise NotImplementedError

    def files(self, target: Target) -> Sequence[FileCopy]:
        """Return the files to put into the tool's container before the first command."""
        return target.certificates

    def failure_lines(self, result: CommandResult) -> tuple[str, ...]:
        """Return the lines that say why a command failed: the first two of its standard error."""
        lines = [line.strip() for line in (result.stderr or result.stdout).splitlines() if line.strip()]
        return tuple(lines[:2] if result.stderr.strip() else lines[-2:])

    def seats_of(self, loader: Loader, number: int, instance: str) -> list[Seat]:
        """Return the runs on one loader."""
        return [Seat(self.TOOL, loader.name, instance, number, cpu) for cpu in range(self.stress_num)]

    # --- what users call --------------------------------------------------------------------------------------

    @property
    def docker_image_name(self) -> str:
        """The image that the configuration names for the tool."""
        named = None if self.params is None else self.params.get(f"stress_image.{self.TOOL}")
        return str(named or image_of(self.TOOL, None))

    @property
    def target(self) -> Target:
        """Who is put under load; the nodes are asked once."""
        if self._target is None:
            self._target = Target.of_nodes(self.node_list, self.params)
        return self._target

    def run(self) -> Self:
        """Start a container on each loader, and the command in it; return without waiting for its end.

        Raises:
            EnvironmentFailed: A container did not start.
        """
        target = self.target
        loaders = [self.loader_set.get_loader()] if self.round_robin else list(self.loader_set)
        jobs: list[tuple[Seat, Loader, Container]] = []
        try:
            for loader in loaders:
                number = self.loader_set.nodes.index(loader) + 1
                container = self._lend(loader, number, target)
                seats = self.seats_of(loader, number, container.ip_address)
                self._left[number] = len(seats)
                jobs += [(seat, loader, container) for seat in seats]
        except BaseException:
            self._leases.close()
            raise
        self.loader_set.adopt(self)
        pool = ThreadPoolExecutor(len(jobs), thread_name_prefix=self.TOOL)
        self._futures = [pool.submit(self._perform, *job, target) for job in jobs]
        pool.shutdown(wait=False)
        return self

    def _lend(self, loader: Loader, number: int, target: Target) -> "Container":
        request = ContainerRequest(
            fixture=self.TOOL,
            image=image_of(self.TOOL, self.params),
            network=target.network,
            # The tool is run in it, once or several times; until then it waits.
            entrypoint=("tail",),
            command=("-f", "/dev/null"),
            user="root",
            memory_mb=self.MEMORY_MB * self.stress_num,
        )
        container = self._leases.enter_context(loader.lend(request))
        self._containers[number] = container
        if copies := self.files(target):
            with container.engine_errors("take its files"):
                container.handle.put_archive("/", of_copies(copies))
        return container

    def _perform(self, seat: Seat, loader: Loader, container: "Container", target: Target) -> StressRun:
        try:
            return Performance(self, seat, loader, container, target).run()
        finally:
            with self._lock:
                self._left[seat.loader_idx] -= 1
                last = not any(self._left.values())
            if last:
                self._leases.close()

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; return whether every run has ended."""
        return not wait(self._futures, timeout=seconds).not_done

    def runs(self) -> list[StressRun]:
        """Wait for the end and return every run, loader by loader.

        Raises:
            RuntimeError: It was not started.
            DeadlinePassed: It did not end in time, its kill at the hard timeout included.
        """
        if not self._futures:
            raise RuntimeError("call run() first")
        deadline = self.hard_timeout + self.SHUTDOWN + _RESULTS_GRACE
        _, late = wait(self._futures, timeout=deadline)
        if late:
            raise DeadlinePassed(f"{self.TOOL} gave no result within {deadline:g} s")
        return [future.result() for future in self._futures]

    def get_results(self) -> list[tuple[Loader, CommandResult | None, StressEvent]]:
        """Wait for the end and return loader, ended command and event of each run; a failed one raises nothing."""
        return [(run.loader, run.result, run.event) for run in self.runs()]

    def parse_results(self) -> tuple[list[Any], dict[str, list[tuple[Severity, str]]]]:
        """Wait for the end and return what the runs measured.

        Returns:
            The summaries of the runs that ended well; and what went wrong, by loader: severity and message of each. A
            run whose output is empty or cannot be read is among the latter.
        """
        summaries: list[Any] = []
        errors: dict[str, list[tuple[Severity, str]]] = {}
        for run in self.runs():
            if run.summary is not None:
                summaries.append(run.summary)
            if run.problem:
                errors.setdefault(run.loader.name, []).append((run.severity, run.problem))
        return summaries, errors

    def verify_results(self) -> Any:
        """Return what `parse_results` does."""
        return self.parse_results()

    def summary(self) -> Summary:
        """Wait for the end and return the figures of the only run, or of the first of several.

        Raises:
            StressFailed: A run failed, was killed, or wrote what cannot be read.
        """
        from sdcm.stress.outcome import StressFailed

        runs = self.runs()
        for run in runs:
            if run.summary is None:
                raise StressFailed(run)
        return runs[0].summary or Summary({})

    def kill(self) -> None:
        """End the command on every loader at once; its runs end with a warning."""
        self.killed.set()
        for container in list(self._containers.values()):
            container.kill()

    def close(self) -> None:
        """Kill what still runs, and wait for it."""
        if any(not future.done() for future in self._futures):
            self.kill()
            wait(self._futures, timeout=_RESULTS_GRACE)
        self._leases.close()
