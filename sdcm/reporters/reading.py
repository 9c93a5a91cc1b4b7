"""Reads a journal record by record; what it does not know it passes over."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sdcm.errors import from_record
from sdcm.reporters.fields import Record, items, number, pairs, text, texts
from sdcm.reporters.records import (
    DID_NOT_FINISH,
    OUTCOMES,
    PHASES,
    EndedStep,
    EndedTest,
    Evidence,
    Leak,
    ServiceState,
    Stage,
    stays_below,
)
from sdcm.reporters.shard_records import ShardReader
from sdcm.services.selected import SelectedTest


class JournalReader:
    """What a journal has said so far.

    Attributes:
        first: Time of the first record, epoch seconds.
        last: Time of the last one.
        run: The fields of `run-start`.
        end: The fields of `run-end`; empty while there is none.
        seen: Names of all events so far.
        steps: Steps by name, in the order they began.
        services: Services by label.
        tests: Tests in the order they started; one that has run twice is there twice.
        leaks: What tests left behind.
        leftovers: What teardown could not remove.
        workers_lost: Workers that died, with the reason.
        stages: What the run did beside set-up and tests.
        merged: What the journal of a merged run says of its shards.
    """

    def __init__(self, selected: Iterable[SelectedTest] = ()) -> None:
        """Read nothing yet.

        Args:
            selected: The selection, for what the records of tests do not tell.
        """
        self.know(selected)
        self.first = 0.0
        self.last = 0.0
        self.run: Record = {}
        self.end: Record = {}
        self.selected: int | None = None
        self.pytest_status: int | None = None
        self.pytest_ended = 0.0
        self.pytest_stopped = ""
        self.teardown_seconds: float | None = None
        self.seen: set[str] = set()
        self.steps: dict[str, EndedStep] = {}
        self.services: dict[str, ServiceState] = {}
        self.tests: list[EndedTest] = []
        self.leaks: list[Leak] = []
        self.leftovers: list[str] = []
        self.workers_lost: dict[str, str] = {}
        self.stages: list[Stage] = []
        self.merged = ShardReader()
        self._begun: dict[str, float] = {}  # stages that have not ended
        self._test_ended = 0.0
        self._held_back: dict[str, float] = {}  # by node id, until the test starts
        self._evidence: dict[str, Evidence] = {}
        self._latest: dict[str, int] = {}  # place in `tests` of each test's last start
        self._open: set[int] = set()

    def know(self, selected: Iterable[SelectedTest]) -> None:
        """Know the selection, where it was made after this reader."""
        self._selected = {test.nodeid: test for test in selected}

    def feed(self, record: Record) -> None:
        """Take in one record."""
        event, at = text(record, "event"), number(record, "at")
        self.first = self.first or at
        self.last = max(self.last, at)
        self.seen.add(event)
        read = getattr(self, f"_on_{event.replace('-', '_')}", None)
        read(record) if read is not None else self.merged.feed(event, record)

    # One method for each event that matters here, named for it.

    def _on_run_start(self, record: Record) -> None:
        self.run = record

    def _on_run_end(self, record: Record) -> None:
        self.end = record

    def _on_selection(self, record: Record) -> None:
        self.selected = int(number(record, "tests"))
        at = number(record, "at")
        self.stages.append(Stage("collecting", at - number(record, "seconds"), at))

    def _on_pytest_start(self, record: Record) -> None:
        self._begun["pytest starting"] = number(record, "at")

    def _on_teardown_start(self, record: Record) -> None:
        self._begun["teardown"] = number(record, "at")

    def _over(self, stage: str, record: Record) -> None:
        if (began := self._begun.pop(stage, None)) is not None:
            self.stages.append(Stage(stage, began, number(record, "at")))

    def _on_held_back(self, record: Record) -> None:
        self._held_back[text(record, "test")] = number(record, "seconds")

    def _on_collected(self, record: Record) -> None:
        if self.selected is None:
            self.selected = int(number(record, "tests"))

    def _on_shard(self, record: Record) -> None:
        self.selected = int(number(record, "tests"))

    def _on_step_start(self, record: Record) -> None:
        name = text(record, "step")
        needs = texts(record, "needs")
        self.steps[name] = EndedStep(name, started=number(record, "at"), needs=needs)

    def _on_step_end(self, record: Record) -> None:
        name = text(record, "step")
        error = record.get("error")
        told = {str(key): text(error, key) for key in error} if isinstance(error, dict) else {}
        self.steps[name] = replace(
            self.steps.get(name, EndedStep(name, started=number(record, "at") - number(record, "seconds"))),
            status=text(record, "status"),
            seconds=number(record, "seconds"),
            error=str(from_record(told)) if told else text(record, "error"),
            error_type=text(told, "type"),
            evidence=text(told, "evidence"),
            log=text(record, "log"),
        )

    def _on_service(self, record: Record) -> None:
        label = text(record, "service")
        known = self.services.get(label)
        steps = texts(record, "steps") or (known.steps if known else ())
        state, at, reason = text(record, "state"), number(record, "at"), text(record, "reason")
        self.services[label] = ServiceState(label, state, at, reason, steps)

    def _on_worker(self, record: Record) -> None:
        if record.get("state") == "lost":
            self.workers_lost[text(record, "worker")] = text(record, "reason")

    def _on_test_start(self, record: Record) -> None:
        name = text(record, "test")
        self._over("pytest starting", record)
        self._latest[name] = len(self.tests)
        self._open.add(len(self.tests))
        self.tests.append(
            EndedTest(
                name,
                "error",
                worker=text(record, "worker"),
                started=number(record, "at"),
                reason=DID_NOT_FINISH,
                services=self._services(record, name),
                images=self._selected[name].images if name in self._selected else (),
                held_back=self._held_back.pop(name, 0.0),
            )
        )

    def _on_test_body(self, record: Record) -> None:
        place = self._latest.get(text(record, "test"))
        if place is not None:
            self.tests[place] = self.tests[place].with_values(body=number(record, "started") or number(record, "at"))

    def _on_lease(self, record: Record) -> None:
        place = self._latest.get(text(record, "test"))
        if place is None or place not in self._open:
            return
        test = self.tests[place]
        leasing = test.leasing + (number(record, "seconds") if text(record, "state") == "granted" else 0.0)
        # A test that never ends is told by nothing else where it ran.
        self.tests[place] = replace(test, worker=test.worker or text(record, "worker"), leasing=leasing)

    def _on_test_end(self, record: Record) -> None:
        name = text(record, "test")
        self._test_ended = number(record, "at")
        place = self._latest.get(name)
        if place is None:
            self._on_test_start({"test": name})
            place = self._latest[name]
        before = self.tests[place]
        ended = before.with_values(
            outcome=text(record, "outcome"),
            worker=text(record, "worker") or before.worker,
            phase=text(record, "phase"),
            seconds=number(record, "seconds"),
            phases=_phases(record),
            body=number(record, "started") or before.body,
            reason=text(record, "reason"),
            text=text(record, "text"),
            sections=pairs(record, "sections"),
            failure_class=text(record, "failure_class"),
            services=self._services(record, name) or before.services,
            properties=pairs(record, "properties"),
        )
        if ended.unsuccessful:
            ended = replace(ended, evidence=self._evidence.pop(name, None) or before.evidence)
        # A worker that dies after a test has ended is reported as a second end of that test.
        if place in self._open or _badness(ended) > _badness(before):
            self.tests[place] = ended
        self._open.discard(place)

    def _on_evidence(self, record: Record) -> None:
        # Its worker writes it, who may be ahead of the process that tells of the test's start and end.
        if text(record, "folder") and stays_below(text(record, "folder")):
            self._evidence[text(record, "test")] = Evidence.from_record(record)

    def ended(self) -> tuple[EndedTest, ...]:
        """Return the tests, those that never ended with what was kept of them nevertheless."""
        tests = list(self.tests)
        for place in self._open:
            if (kept := self._evidence.get(tests[place].test)) is not None:
                tests[place] = replace(tests[place], evidence=kept)
        return tuple(tests)

    def _on_collect_error(self, record: Record) -> None:
        content = text(record, "text")
        last = content.strip().splitlines()[-1:] or ["cannot be collected"]
        self.tests.append(
            EndedTest(
                text(record, "test"),
                "error",
                phase="collect",
                started=number(record, "at"),
                reason=last[0],
                text=content,
                failure_class="test",
            )
        )

    def _on_leak(self, record: Record) -> None:
        self.leaks.append(
            Leak(
                kind=text(record, "kind"),
                name=text(record, "name"),
                test=text(record, "test"),
                image=text(record, "image"),
                during=texts(record, "during"),
                state=text(record, "state") or "removed",
                reason=text(record, "reason"),
                sure=record.get("sure") is not False,
            )
        )

    def _on_pytest_end(self, record: Record) -> None:
        self.pytest_status = int(number(record, "status"))
        self.pytest_ended = number(record, "at")
        if self._test_ended:
            self.stages.append(Stage("pytest ending", self._test_ended, self.pytest_ended))
        self.pytest_stopped = text(record, "stopped")

    def _on_teardown_end(self, record: Record) -> None:
        self._over("teardown", record)
        self.teardown_seconds = number(record, "seconds")
        self.leftovers = [_leftover(leftover) for leftover in items(record, "leftovers")]

    def _services(self, record: Record, name: str) -> tuple[str, ...]:
        return texts(record, "services") or self._of_selection(name)

    def _of_selection(self, name: str) -> tuple[str, ...]:
        return self._selected[name].services if name in self._selected else ()


def _phases(record: Record) -> tuple[float, ...]:
    told = record.get("phases")
    return tuple(number(told, phase) for phase in PHASES) if isinstance(told, Mapping) and told else ()


def _badness(test: EndedTest) -> int:
    return OUTCOMES.index(test.outcome) if test.outcome in OUTCOMES else len(OUTCOMES)


def _leftover(value: object) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    name = " ".join(filter(None, (text(value, "kind"), text(value, "name"))))
    reason = text(value, "reason")
    return f"{name} ({reason})" if reason else name
