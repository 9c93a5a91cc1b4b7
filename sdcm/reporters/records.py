"""What a run's journal says of each test, step and service."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from sdcm.evidence.folder import Kept
from sdcm.reporters.fields import items, number, text

#: Outcomes of a test, the worst last.
OUTCOMES = ("passed", "xfailed", "skipped", "xpassed", "failed", "error")
#: What a failure is told apart by, the order of reports.
FAILURE_CLASSES = ("product", "test", "environment", "leak")
#: What a test consists of, in its order.
PHASES = ("setup", "call", "teardown")
DID_NOT_FINISH = "did not finish"


@dataclass(frozen=True)
class Evidence:
    """What was kept of a failed test; see `sdcm.evidence`.

    Attributes:
        folder: Its folder, below that of the reports.
        line: The most telling line beside the failure's own; may be empty.
        files: Its files, the index first, then the most interesting ones.
    """

    folder: str
    line: str = ""
    files: tuple[Kept, ...] = ()

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Evidence":
        """Read a journal's record; what is not as it should be counts as nothing."""
        files = (
            each for each in items(record, "files") if isinstance(each, Mapping) and stays_below(text(each, "file"))
        )
        told = (
            Kept(text(each, "file"), text(each, "what"), int(number(each, "bytes")), int(number(each, "cut")))
            for each in files
        )
        return cls(str(record.get("folder") or ""), str(record.get("line") or ""), tuple(told))


def stays_below(name: str) -> bool:
    """Whether a relative path leads nowhere above: a journal may be somebody else's, and a report shows the files."""
    path = PurePath(name)
    return not path.is_absolute() and ".." not in path.parts


@dataclass(frozen=True)
class EndedTest:
    """One test, once for each time it ran.

    Attributes:
        test: Its node id; for a file that cannot be collected the file's.
        outcome: One of `OUTCOMES`; a test that never ended is an error.
        worker: The worker it ran on, where that is known.
        phase: `setup`, `call` or `teardown`, whichever decided; `collect`; `???` when its worker died.
        seconds: Duration of all phases.
        phases: Seconds of its set-up, its own code and its tear-down; nothing when they are not known.
        started: Epoch seconds; 0 when only its end is known.
        body: Epoch seconds at which its own code started, after its set-up; 0 when it did not.
        reason: Why it was skipped, or one line of the failure.
        text: The failure in full.
        sections: Captured output and evidence: title and text.
        failure_class: One of `FAILURE_CLASSES`; empty unless it failed.
        services: Labels of the services it needs, where they are known.
        images: Images it needs, as `sdcm.services.selected` has them, where they are known.
        held_back: Seconds for which it waited for other tests to end, before it began.
        leasing: Seconds of its own for which it waited for what it leased: nodes, containers, namespaces.
        properties: What the test and its fixtures had to tell (`record_property`): name and value, in order.
        evidence: What was kept of it, should it have failed.
    """

    test: str
    outcome: str
    worker: str = ""
    phase: str = ""
    seconds: float = 0.0
    phases: tuple[float, ...] = ()
    started: float = 0.0
    body: float = 0.0
    reason: str = ""
    text: str = ""
    sections: tuple[tuple[str, str], ...] = ()
    failure_class: str = ""
    services: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    held_back: float = 0.0
    leasing: float = 0.0
    properties: tuple[tuple[str, str], ...] = ()
    evidence: Evidence | None = None

    def with_values(self, **values: Any) -> "EndedTest":
        """Return it with other values, as `dataclasses.replace` would: that takes as long as all else of a record."""
        changed = object.__new__(EndedTest)
        vars(changed).update(vars(self), **values)
        return changed

    @property
    def unsuccessful(self) -> bool:
        """Whether it failed, in whatever phase."""
        return self.outcome in {"failed", "error"}

    @property
    def finished(self) -> bool:
        """Whether its end is known."""
        return self.reason != DID_NOT_FINISH


@dataclass(frozen=True)
class EndedStep:
    """One step of set-up.

    Attributes:
        step: Its name.
        status: `done`, `failed`, `cancelled`, `skipped`; `unfinished` when its end is not known.
        seconds: Duration.
        started: Epoch seconds.
        error: One line; empty unless it failed.
        error_type: Name of the error's type in `sdcm.errors`.
        evidence: Longer text to the error.
        log: Path of the step's log.
        needs: Names of the steps that had to end before it could begin.
    """

    step: str
    status: str = "unfinished"
    seconds: float = 0.0
    started: float = 0.0
    error: str = ""
    error_type: str = ""
    evidence: str = ""
    log: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ServiceState:
    """The last state of a service.

    Attributes:
        service: Its label.
        state: `waiting`, `ready`, `failed`, `unavailable` or `dismissed`.
        at: Epoch seconds since when.
        reason: Why it is not ready.
        steps: Names of the steps of set-up that it consists of.
    """

    service: str
    state: str
    at: float
    reason: str = ""
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """A stretch of the run in which it neither set anything up nor ran a test.

    Attributes:
        name: What it did.
        started: Epoch seconds.
        ended: Epoch seconds.
        shard: The shard of a merged run that did it.
    """

    name: str
    started: float
    ended: float
    shard: str = ""


@dataclass(frozen=True)
class SkipGroup:
    """Tests that were skipped for one reason.

    Attributes:
        count: How many.
        service: Label of the service that was missing; empty when the reason names none.
        reason: The reason without the label.
    """

    count: int
    service: str
    reason: str

    def __str__(self) -> str:
        """Return the group as one line."""
        cause = f"{self.service} ({self.reason})" if self.service else self.reason
        return f"{self.count} skipped: {cause}"


@dataclass(frozen=True)
class Milestones:
    """Seconds from the run's start; None for what did not happen.

    Attributes:
        first_test: The first test was given to a worker.
        first_docker_test: The body of the first test that needs docker started.
        cluster_ready: The Kubernetes cluster was up.
        tests_ended: pytest ended.
        end: The run was over, teardown included.
    """

    first_test: float | None = None
    first_docker_test: float | None = None
    cluster_ready: float | None = None
    tests_ended: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class Leak:
    """Something a test left behind.

    Attributes:
        kind: What it is: `container`, `thread`, ...
        name: Its name.
        test: Node id of the test that made it; empty when that is not known.
        image: Reference of a container's image.
        during: Tests that ran when it appeared, where it is not known which of them made it.
        state: `removed`, or `left` where it is still there.
        reason: Why it is still there.
        sure: Whether a test of this run made it; it may as well be somebody else's where other runs use the engine.
    """

    kind: str
    name: str
    test: str = ""
    image: str = ""
    during: tuple[str, ...] = ()
    state: str = "removed"
    reason: str = ""
    sure: bool = True

    @property
    def what(self) -> str:
        """Kind, name and image."""
        return f"{self.kind} {self.name}" + (f" (image {self.image})" if self.image else "")

    @property
    def whose(self) -> str:
        """Who left it, as far as it is known."""
        if self.test:
            return f"left by {self.test}"
        return f"appeared during {', '.join(self.during)}" if self.during else "appeared during the run"

    @property
    def fate(self) -> str:
        """Whether it was removed, and if not, why."""
        return self.state + (f": {self.reason}" if self.reason else "")

    def __str__(self) -> str:
        """Return the leak as one line."""
        return f"{self.what}, {self.whose} ({self.fate})"
