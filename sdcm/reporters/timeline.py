"""When what ran: steps, containers, waits and tests of a run on one axis."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sdcm.reporters.fields import Record, number, text
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.records import EndedTest
from sdcm.reporters.waits import Waits, WaitsReader

#: States of a container after which it runs no more, as far as the run is concerned.
_OVER = {"removed", "left"}


@dataclass(frozen=True)
class Span:
    """A stretch of time in which one thing went on.

    Attributes:
        name: What it was: a step, a node id, a container.
        started: Epoch seconds.
        ended: Epoch seconds; the journal's last moment for what never ended.
        lane: Who did it: a worker; empty for steps and containers.
    """

    name: str
    started: float
    ended: float
    lane: str = ""


@dataclass(frozen=True)
class Container:
    """The life of one container.

    Attributes:
        name: Its name.
        image: The image's reference.
        test: Node id of the test that it was made for.
        started: Epoch seconds.
        ready: Epoch seconds; 0 when it never was.
        ended: Epoch seconds; 0 when its end is not known.
    """

    name: str
    image: str
    test: str
    started: float
    ready: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True)
class HostSample:
    """How busy the machine was.

    Attributes:
        at: Epoch seconds.
        cpu: Percent of all processors, since the sample before.
        memory: Percent in use.
        used_mb: MiB in use.
    """

    at: float
    cpu: float
    memory: float
    used_mb: int


@dataclass(frozen=True)
class Timeline:
    """What a journal says of times, beside a run's result.

    Attributes:
        containers: In the order they began.
        waits: When tests waited.
        host: The machine's load, oldest first.
    """

    containers: tuple[Container, ...]
    waits: Waits
    host: tuple[HostSample, ...] = ()

    @classmethod
    def from_journal(cls, records: Iterable[Record]) -> "Timeline":
        """Read the records, oldest first."""
        reader = TimelineReader()
        for record in records:
            reader.feed(record)
        return reader.over()


class TimelineReader:
    """Reads a timeline out of a journal's records."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._containers: dict[str, Container] = {}
        self._waits = WaitsReader()
        self._host: list[HostSample] = []

    def feed(self, record: Record) -> None:
        """Take in one record."""
        self._waits.feed(record)
        if record["event"] == "host":
            self._host.append(_sample(record))
        elif record["event"] == "container":
            _live(self._containers, record)

    def over(self) -> Timeline:
        """Return the timeline, once all records are in."""
        return Timeline(tuple(self._containers.values()), self._waits.over(), tuple(self._host))


def test_span(test: EndedTest, last: float) -> Span:
    """Return when a test ran.

    Its own code's start is told by the worker's clock; what pytest's controller journals of its start comes later.

    Args:
        test: The test.
        last: Epoch seconds of the journal's end, up to which an unfinished test counts.
    """
    started = test.body - test.phases[0] if test.body and test.phases else test.started
    started = started or max(0.0, last - test.seconds)
    return Span(test.test, started, started + test.seconds if test.finished else max(started, last), test.worker)


def spans_of_steps(result: RunResult) -> list[Span]:
    """Return when the steps of set-up ran, those that never ended up to the journal's end."""
    last = result.started + result.seconds
    return [
        Span(step.step, step.started, last if step.status == "unfinished" else step.started + step.seconds)
        for step in result.steps
    ]


def _sample(record: Record) -> HostSample:
    figures = number(record, "cpu"), number(record, "memory")
    return HostSample(number(record, "at"), *figures, int(number(record, "used_mb")))


def _live(containers: dict[str, Container], record: Record) -> None:
    name, at = text(record, "name"), number(record, "at")
    known = containers.get(name) or Container(name, text(record, "image"), text(record, "test"), at)
    state = text(record, "state")
    if state == "ready" and not known.ready:
        known = replace(known, ready=at)
    elif state in _OVER:
        known = replace(known, ended=at)
    containers[name] = known
