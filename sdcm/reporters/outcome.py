"""How a run went, read from its journal alone; a torn journal tells as much as it holds."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm import journal
from sdcm.evidence.folder import FOLDER as EVIDENCE
from sdcm.evidence.folder import reports_folder
from sdcm.exit_codes import OF_PYTEST, ExitCode
from sdcm.paths import LAST_WORDS
from sdcm.reporters import last_words
from sdcm.reporters.fields import Record, number, text
from sdcm.reporters.reading import JournalReader
from sdcm.reporters.records import (
    FAILURE_CLASSES,
    OUTCOMES,
    EndedStep,
    EndedTest,
    Leak,
    Milestones,
    ServiceState,
    SkipGroup,
    Stage,
)
from sdcm.reporters.shard_records import NotRun, ShardEnd
from sdcm.services.selected import SelectedTest
from sdcm.services.table import SERVICES

if TYPE_CHECKING:
    from sdcm.reporters.critical_path import Link

_LABELS = tuple(service.label for service in SERVICES)
_OWN_REASON = re.compile(rf"({'|'.join(_LABELS)}): (.+)", re.DOTALL)


@dataclass(frozen=True)
class RunResult:
    """A run as its journal tells it.

    Attributes:
        run: Run id.
        command: Name of the command.
        tests: Every test that started, in that order, and every file that cannot be collected.
        selected: How many tests were chosen; None when the journal does not say.
        steps: Steps of set-up, in the order they began.
        services: Last states of the services.
        leaks: What tests left behind.
        leaks_mode: What that does to the exit code: `error`, or nothing (`warn`, `off`).
        leftovers: What teardown could not remove: kind, name and reason.
        workers_lost: Worker -> why it died.
        pytest_status: pytest's exit status; None when it did not end.
        pytest_stopped: What ended it early: `maxfail`, `keys` or `exit`; empty when nothing did.
        exit_code: The run's; None when it did not end.
        started: Epoch seconds.
        seconds: From the first record to the last.
        torn_down: Whether teardown came to its end, or was put off on purpose (`--keep`).
        finished: Whether the run came to its end.
        milestones: When what was reached.
        stages: What it did beside set-up and tests, in the order of their ends.
        reports: Folder that the tests' evidence lies below; empty where only records were read.
        shards: Of a merged run the shards it consists of.
        never_ran: Of a merged run the tests that did not run, with the reason.
        misfits: Why the shards of a merged run do not fit together.
    """

    run: str
    command: str
    tests: tuple[EndedTest, ...]
    selected: int | None
    steps: tuple[EndedStep, ...]
    services: tuple[ServiceState, ...]
    leaks: tuple[Leak, ...]
    leaks_mode: str
    leftovers: tuple[str, ...]
    workers_lost: Mapping[str, str]
    pytest_status: int | None
    pytest_stopped: str
    exit_code: int | None
    started: float
    seconds: float
    torn_down: bool
    finished: bool
    milestones: Milestones
    stages: tuple[Stage, ...]
    reports: str = ""
    shards: tuple[ShardEnd, ...] = ()
    never_ran: tuple[NotRun, ...] = ()
    misfits: tuple[str, ...] = ()

    @classmethod
    def from_journal(cls, records: Iterable[Record], selected: Iterable[SelectedTest] = ()) -> "RunResult":
        """Read a journal.

        Args:
            records: Its records, oldest first.
            selected: The selection, for the services of tests whose records do not tell them.
        """
        reader = JournalReader(selected)
        for record in records:
            reader.feed(record)
        return cls.from_reader(reader)

    @classmethod
    def from_reader(cls, reader: JournalReader) -> "RunResult":
        """Return what a reader has heard so far; it may go on reading."""
        exit_code = reader.end.get("exit_code")
        return cls(
            run=text(reader.run, "run"),
            command=text(reader.run, "command"),
            tests=reader.ended(),
            selected=reader.selected,
            steps=tuple(reader.steps.values()),
            services=tuple(reader.services.values()),
            leaks=tuple(reader.leaks),
            leaks_mode=text(reader.run, "leaks") or "error",
            leftovers=tuple(reader.leftovers),
            workers_lost=dict(reader.workers_lost),
            pytest_status=reader.pytest_status,
            pytest_stopped=reader.pytest_stopped,
            exit_code=int(exit_code) if isinstance(exit_code, int) else None,
            started=reader.first,
            seconds=reader.last - reader.first,
            torn_down=reader.teardown_seconds is not None or "kept" in reader.seen,
            finished="run-end" in reader.seen,
            milestones=_milestones(reader),
            stages=(*reader.stages, *reader.merged.stages),
            shards=tuple(reader.merged.shards),
            never_ran=tuple(reader.merged.not_run),
            misfits=tuple(reader.merged.misfits),
        )

    @classmethod
    def from_file(cls, path: Path, selected: Iterable[SelectedTest] = ()) -> "RunResult":
        """Read the journal at `path`, and what ended processes left beside it; an empty result when there is none."""
        return cls.from_journal(journal.read(path), selected).beside(path)

    def beside(self, path: Path) -> "RunResult":
        """Return it with what ended processes left beside the journal at `path`, and where its evidence lies."""
        tests = last_words.with_last_words(self.tests, path.parent / LAST_WORDS)
        # A journal that was sent by somebody may have its evidence beside it, wherever the run's reports went.
        settled = reports_folder(path.parent)
        root = settled if (settled / EVIDENCE).is_dir() else path.parent
        return replace(self, tests=tests, reports=str(root.absolute()))

    def folder_of(self, test: EndedTest) -> Path | None:
        """Return the folder of a test's evidence; None where it has none, or it is not there any more."""
        if test.evidence is None or not self.reports:
            return None
        folder = Path(self.reports) / test.evidence.folder
        return folder if os.path.isdir(folder) else None  # noqa: PTH112 - a name too long is an error to pathlib

    @cached_property
    def critical_path(self) -> "tuple[Link, ...]":
        """What its wall time consisted of; worked out once, as each report tells of it."""
        from sdcm.reporters.critical_path import critical_path  # which reads results

        return critical_path(self)

    @property
    def counts(self) -> dict[str, int]:
        """Number of tests by outcome, the outcomes that occurred only, in the order of `OUTCOMES`."""
        counted = Counter(test.outcome for test in self.tests)
        return {outcome: counted[outcome] for outcome in (*OUTCOMES, *sorted(counted)) if counted[outcome]}

    @property
    def not_run(self) -> int:
        """How many of the selected tests never started."""
        if self.shards:
            return len(self.never_ran) or sum(shard.not_run for shard in self.shards)
        started = len({test.test for test in self.tests if test.phase != "collect"})
        return max(0, (self.selected or 0) - started)

    @property
    def failures(self) -> tuple[EndedTest, ...]:
        """Tests that ended as failed or error."""
        return tuple(test for test in self.tests if test.unsuccessful and test.finished)

    @property
    def unfinished(self) -> tuple[EndedTest, ...]:
        """Tests that started and never ended."""
        return tuple(test for test in self.tests if not test.finished)

    @property
    def skipped(self) -> tuple[EndedTest, ...]:
        """Tests that were skipped."""
        return tuple(test for test in self.tests if test.outcome == "skipped")

    @property
    def failures_by_class(self) -> dict[str, tuple[EndedTest, ...]]:
        """Failures told apart: `FAILURE_CLASSES` first, each that occurred."""
        found: dict[str, list[EndedTest]] = {}
        for test in self.failures:
            found.setdefault(test.failure_class or "test", []).append(test)
        order = (*FAILURE_CLASSES, *sorted(found.keys() - set(FAILURE_CLASSES)))
        return {name: tuple(found[name]) for name in order if name in found}

    @property
    def failed_steps(self) -> tuple[EndedStep, ...]:
        """Steps of set-up that failed."""
        return tuple(step for step in self.steps if step.status == "failed")

    @property
    def environment_failures(self) -> tuple[str, ...]:
        """A line for each step that should have succeeded, lost shard, and test that the environment failed."""
        steps = (step for step in self.failed_steps if step.error_type != "ServiceUnavailable")
        tests = self.failures_by_class.get("environment", ())
        shards = (shard.lost for shard in self.shards if shard.lost)
        return (
            *(f"{step.step}: {step.error}" for step in steps),
            *shards,
            *(f"{test.test}: {test.reason}" for test in tests),
        )

    @property
    def leaks_that_count(self) -> tuple[Leak, ...]:
        """The leaks that end an otherwise good run without success."""
        return tuple(leak for leak in self.leaks if leak.sure) if self.leaks_mode == "error" else ()

    @property
    def skips(self) -> tuple[SkipGroup, ...]:
        """The skipped tests by service and reason, the most frequent first."""
        groups = Counter(_cause(test) for test in self.skipped)
        return tuple(
            SkipGroup(count, *cause) for cause, count in sorted(groups.items(), key=lambda item: (-item[1], item[0]))
        )

    @property
    def changed(self) -> dict[str, tuple[str, ...]]:
        """Tests that ran several times (`--repeat`) and not always ended alike, with their outcomes in order."""
        outcomes: dict[str, list[str]] = {}
        for test in self.tests:
            outcomes.setdefault(test.test, []).append(test.outcome)
        return {test: tuple(found) for test, found in outcomes.items() if len(set(found)) > 1}

    @property
    def all_skipped_for_services(self) -> bool:
        """Whether every test was skipped, and not one of them for a reason of its own alone."""
        return bool(self.tests) and len(self.skipped) == len(self.tests) and any(skip.service for skip in self.skips)

    @property
    def docker_unavailable(self) -> bool:
        """Whether the run promised database nodes and had none: no engine, or no image to make them of."""
        return any(service.service == "docker" and service.state == "unavailable" for service in self.services)

    def codes(self, *, allow_all_skipped: bool = False) -> set[ExitCode]:
        """Return the exit codes that apply by what the journal holds.

        Args:
            allow_all_skipped: A run in which all was skipped for missing services is a good one.
        """
        by_class = self.failures_by_class
        applies = {
            ExitCode.TESTS_FAILED: bool(by_class.keys() - {"environment", "leak"} or self.unfinished),
            ExitCode.ENVIRONMENT_FAILED: bool(self.environment_failures),
            ExitCode.UNAVAILABLE: self.docker_unavailable or (self.all_skipped_for_services and not allow_all_skipped),
            ExitCode.LEAKED: bool("leak" in by_class or self.leaks_that_count or self.leftovers),
        }
        codes = {code for code, applies_here in applies.items() if applies_here}
        if self.pytest_status in OF_PYTEST:
            codes.add(ExitCode(self.pytest_status))
        return codes


def _cause(test: EndedTest) -> tuple[str, str]:
    """Return the service that was missing, and the reason without its label."""
    reason = " ".join(test.reason.split()) or "no reason given"
    if match := _OWN_REASON.fullmatch(reason):
        return match[1], match[2]
    named = [label for label in test.services if re.search(rf"\b{label}\b", reason, re.IGNORECASE)]
    return ", ".join(named or test.services), reason


def _milestones(reader: JournalReader) -> Milestones:
    bodies = [test.body for test in reader.tests if test.body and "docker" in test.services]
    kubernetes = reader.services.get("kubernetes")
    up = kubernetes.at if kubernetes and kubernetes.state == "ready" else 0.0
    cluster = reader.steps.get("cluster")
    if not up and cluster and cluster.status == "done":
        up = cluster.started + cluster.seconds
    ended = number(reader.end, "at")

    def since_start(at: float) -> float | None:
        return round(at - reader.first, 3) if at else None

    return Milestones(
        first_test=since_start(min((test.started for test in reader.tests if test.started), default=0.0)),
        first_docker_test=since_start(min(bodies, default=0.0)),
        cluster_ready=since_start(up),
        tests_ended=since_start(reader.pytest_ended),
        end=since_start(ended),
    )
