"""When what ran: steps, containers, waits and tests of a run on one axis."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sdcm.reporters.outcome import RunResult
from sdcm.reporters.reading import Record, number, text
from sdcm.reporters.records import EndedTest

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
        waited: Node id -> seconds for which the test waited for nodes, namespaces and the like.
        host: The machine's load, oldest first.
    """

    containers: tuple[Container, ...]
    waited: dict[str, float]
    host: tuple[HostSample, ...] = ()

    @classmethod
    def from_journal(cls, records: Iterable[Record]) -> "Timeline":
        """Read the records, oldest first; a lease that was never granted counts up to its test's end."""
        containers: dict[str, Container] = {}
        wanted: dict[str, dict[str, list[float]]] = {}  # by test, by what
        waited: dict[str, float] = defaultdict(float)
        host: list[HostSample] = []
        last = 0.0
        for record in records:
            last = max(last, number(record, "at"))
            if record["event"] == "host":
                host.append(_sample(record))
            elif record["event"] == "container":
                _live(containers, record)
            elif record["event"] == "lease":
                test = text(record, "test")
                since = wanted.setdefault(test, {}).setdefault(text(record, "what"), [])
                if record.get("state") == "wanted":
                    since.append(number(record, "at"))
                elif record.get("state") == "granted" and since:
                    waited[test] += number(record, "at") - since.pop()
            elif record["event"] == "test-end":
                test = text(record, "test")
                for since in wanted.pop(test, {}).values():
                    waited[test] += sum(min(number(record, "seconds"), last - at) for at in since)
        for test, by_what in wanted.items():
            waited[test] += sum(last - at for since in by_what.values() for at in since)
        rounded = {test: round(value, 3) for test, value in waited.items()}
        return cls(tuple(containers.values()), rounded, tuple(host))


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
