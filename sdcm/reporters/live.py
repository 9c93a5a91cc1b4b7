"""What a run is doing at this moment, as its journal tells it: a model that knows nothing of terminals."""

from collections.abc import Mapping
from dataclasses import dataclass

from sdcm.reporters.fields import Record, number, text

#: Share of the tests that must have ended before their pace alone tells when the rest will have.
_TELLING = 0.1
_TELLING_TESTS = 5
#: States of a container that stands no more.
_OVER = {"removed", "left"}
_SETTLED = {"ready", "failed", "unavailable"}
SET_UP, CALL, TEAR_DOWN = "set-up", "", "tear-down"


@dataclass
class LiveTest:
    """A test under way.

    Attributes:
        test: Its node id.
        started: Epoch seconds.
        worker: Its worker; empty while that is not known.
        phase: `SET_UP`, `CALL` or `TEAR_DOWN`.
        wants: What it has asked the broker for and not got yet; empty for nothing.
    """

    test: str
    started: float
    worker: str = ""
    phase: str = SET_UP
    wants: str = ""


@dataclass
class LiveStep:
    """A step of set-up under way.

    Attributes:
        name: Its name.
        started: Epoch seconds.
        said: What it said last.
    """

    name: str
    started: float
    said: str = ""


@dataclass(frozen=True)
class NodeCounts:
    """Database nodes and other containers that tests lease.

    Attributes:
        booting: Not ready yet.
        leased: In a test's hands.
        ready: Standing ready for a test.
    """

    booting: int = 0
    leased: int = 0
    ready: int = 0


class LiveRun:
    """What goes on in a run.

    Attributes:
        started: Epoch seconds of the first record.
        stage: `setting-up`, `collecting`, `starting` (pytest, its workers), `tests`, `ending`, `teardown` or `over`.
        since: Epoch seconds at which the stage began.
        workers: Workers that are up.
        steps: Steps under way, by name.
        running: Tests under way, by node id, the one that started first in front.
        total: How many tests there are; 0 while that is not known.
        done: How many have ended; those that failed and were skipped included.
        failed: How many failed.
        skipped: How many were skipped.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.started = 0.0
        self.stage = "setting-up"
        self.since = 0.0
        self.workers: set[str] = set()
        self.steps: dict[str, LiveStep] = {}
        self.running: dict[str, LiveTest] = {}
        self.total = self.done = self.failed = self.skipped = 0
        self._services_of: Mapping[str, tuple[str, ...]] = {}
        self._settled: set[str] = set()
        self._containers: dict[str, str] = {}
        self._leases: set[str] = set()
        self._expected: dict[str, float] = {}
        self._left: dict[str, float] = {}

    def know(self, services_of: Mapping[str, tuple[str, ...]], seconds: Mapping[str, float]) -> None:
        """Learn which tests were chosen, what they need and how long they took before.

        Args:
            services_of: Labels of the services each needs, by node id.
            seconds: Expected seconds by node id, of these tests and others; tests that it lacks take the median of
                those it has.
        """
        self._services_of = services_of
        known = {test: seconds[test] for test in services_of if test in seconds}
        from statistics import median  # brings fractions and decimals: pytest is started sooner without them

        middle = median(known.values()) if known else 0.0
        self._expected = {test: known.get(test, middle) for test in services_of} if known else {}
        self._left = dict(self._expected)

    @property
    def nodes(self) -> NodeCounts:
        """The containers that tests lease."""
        booting = sum(state != "ready" for state in self._containers.values())
        leased = len(self._leases)
        return NodeCounts(booting, leased, max(0, len(self._containers) - booting - leased))

    def waits_for(self, test: LiveTest) -> str:
        """Return what a test waits for: a service's label, `node` and the like; empty when for nothing."""
        if test.phase == SET_UP:
            for label in self._services_of.get(test.test, ()):
                if label in {"docker", "kubernetes"} and label not in self._settled:
                    return label
        return test.wants

    def remaining(self, now: float) -> float | None:
        """Return the seconds until the last test will have ended; None when nothing tells.

        Args:
            now: Epoch seconds.
        """
        if self.stage != "tests":
            return None
        hands = max(1, len(self.workers))
        if not self._expected:
            left = self.total - self.done
            if self.done < max(_TELLING_TESTS, _TELLING * self.total) or left <= 0:
                return None
            return (now - self.since) / self.done * left
        under_way = [
            max(0.0, self._expected.get(test.test, 0.0) - (now - test.started)) for test in self.running.values()
        ]
        longest = max(max(under_way, default=0.0), max(self._left.values(), default=0.0))
        return max(longest, (sum(under_way) + sum(self._left.values())) / hands)

    def feed(self, record: Record) -> None:
        """Take in one record."""
        self.started = self.started or number(record, "at")
        self.since = self.since or self.started
        read = getattr(self, f"_on_{str(record['event']).replace('-', '_')}", None)
        if read is not None:
            read(record)

    # One method for each event that matters here, named for it.

    def _on_run_start(self, record: Record) -> None:
        self._enter("collecting", record)

    def _on_selection(self, record: Record) -> None:
        self.total = int(number(record, "tests"))
        self._enter("setting-up", record)

    _on_shard = _on_selection

    def _on_pytest_start(self, record: Record) -> None:
        self._enter("starting", record)
        self.workers.clear()
        self.done = self.failed = self.skipped = 0
        self._left = dict(self._expected)

    def _on_collected(self, record: Record) -> None:
        self.total = int(number(record, "tests"))

    def _on_worker(self, record: Record) -> None:
        name = text(record, "worker")
        if record.get("state") == "up":
            self.workers.add(name)
        else:
            self.workers.discard(name)

    def _on_test_start(self, record: Record) -> None:
        if self.stage == "starting":
            self._enter("tests", record)
        name = text(record, "test")
        self._left.pop(name, None)
        self.running[name] = LiveTest(name, number(record, "at"), text(record, "worker"))

    def _on_test_body(self, record: Record) -> None:
        self._phase(record, CALL)

    def _on_test_teardown(self, record: Record) -> None:
        self._phase(record, TEAR_DOWN)

    def _phase(self, record: Record, phase: str) -> None:
        test = self.running.get(text(record, "test"))
        if test is not None:
            test.phase, test.wants = phase, ""
            test.worker = test.worker or text(record, "worker")

    def _on_test_end(self, record: Record) -> None:
        # A worker that dies after a test's end adds a second one; then the test is counted already.
        new = self.running.pop(text(record, "test"), None) is not None
        outcome = text(record, "outcome")
        self.done += new
        self.failed += outcome in {"failed", "error"}
        self.skipped += new and outcome == "skipped"

    def _on_lease(self, record: Record) -> None:
        state, what = record.get("state"), text(record, "what")
        test = self.running.get(text(record, "test"))
        if test is not None:
            test.worker = test.worker or text(record, "worker")
            test.wants = what if state == "wanted" else ""
        if what == "namespace":
            return
        if state == "granted":
            self._leases.add(text(record, "lease"))
        elif state == "ended":
            self._leases.discard(text(record, "lease"))

    def _on_container(self, record: Record) -> None:
        name, state = text(record, "name"), text(record, "state")
        if state in _OVER:
            self._containers.pop(name, None)
        else:
            self._containers[name] = state

    def _on_service(self, record: Record) -> None:
        if record.get("state") in _SETTLED:
            self._settled.add(text(record, "service"))

    def _on_step_start(self, record: Record) -> None:
        name = text(record, "step")
        self.steps[name] = LiveStep(name, number(record, "at"))

    def _on_step_say(self, record: Record) -> None:
        step = self.steps.setdefault(text(record, "step"), LiveStep(text(record, "step"), number(record, "at")))
        step.said = text(record, "text")

    def _on_step_end(self, record: Record) -> None:
        self.steps.pop(text(record, "step"), None)

    def _on_pytest_end(self, record: Record) -> None:
        self.running.clear()
        self._leases.clear()
        self._enter("ending", record)

    def _on_teardown_start(self, record: Record) -> None:
        self.steps.clear()
        self._containers.clear()
        self._enter("teardown", record)

    def _on_teardown_end(self, record: Record) -> None:
        self._enter("ending", record)

    def _on_run_end(self, record: Record) -> None:
        self._enter("over", record)

    def _enter(self, stage: str, record: Record) -> None:
        self.stage, self.since = stage, number(record, "at")
