"""What the wall time of a run consisted of: a chain of stretches, each of which began when the one before it was over.

The chain is followed back from the run's end: from the test that ended last to the step of set-up that it had to wait
for, and from that to the step that that one needed; where a test waited for none, to the test before it on the same
worker, or, for a test that was held back, to the one that ended last before it. What no record explains is a gap, and
is told as one.
"""

from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from sdcm.reporters.merging.voices import shard_of
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.records import EndedTest
from sdcm.reporters.timeline import Span, spans_of_steps, test_span
from sdcm.services.selected import NODE_IMAGE

#: Seconds between two things that count as one after the other: pytest's own work between tests.
_CLOSE = 0.5
#: Seconds below which a step held nobody up.
_WORTH = 0.05
#: What a gap is called.
UNEXPLAINED = "idle, or not recorded"


@dataclass(frozen=True)
class Link:
    """One stretch of the chain.

    Attributes:
        what: Name of a step or of a stage of the run, a node id, or so many tests of one worker.
        kind: `stage`, `step`, `test`, `tests` or `gap`.
        started: Epoch seconds.
        seconds: How long.
        services: Labels of the services that a test needs.
        worker: The worker of a test.
        leasing: Seconds of a test for which it waited for what it leased.
    """

    what: str
    kind: str
    started: float
    seconds: float
    services: tuple[str, ...] = ()
    worker: str = ""
    leasing: float = 0.0


@dataclass(frozen=True)
class _Ran:
    """A test, when it ran, and its place among those of its worker."""

    test: EndedTest
    span: Span
    place: int


def critical_path(result: RunResult) -> tuple[Link, ...]:
    """Return the chain, oldest first; empty when no test has ended."""
    return tuple(reversed(list(_Walk(result).back())))


class _Walk:
    """The way back through one run."""

    def __init__(self, result: RunResult) -> None:
        """Sort what the run's journal tells."""
        self._first = result.started
        self._last = result.started + result.seconds
        self._all_stages = sorted(result.stages, key=lambda stage: stage.ended, reverse=True)
        self._stages = self._all_stages
        self._shard = ""  # where a run was merged, the one that the chain goes back in, with a stroke after it
        self._steps = {span.name: span for span in spans_of_steps(result)}
        self._needs = {step.step: step.needs for step in result.steps}
        self._of_service = {service.service: service.steps for service in result.services}
        self._lanes: dict[str, list[_Ran]] = defaultdict(list)
        tests = [(test_span(test, self._last), test) for test in result.tests if _ran(test)]
        for span, test in sorted(tests, key=lambda pair: pair[0].started):
            lane = self._lanes[span.lane]
            lane.append(_Ran(test, span, len(lane)))

    def back(self) -> Iterator[Link]:
        """Yield the chain, newest first."""
        ran = self._before(self._last + 1.0)
        if ran is None:
            return
        self._shard = shard_of(ran.span.lane)
        self._stages = [stage for stage in self._all_stages if stage.shard == self._shard.removesuffix("/")]
        yield from self._between(ran.span.ended, self._last)
        while ran is not None:
            until = ran.span.ended
            step = self._awaited(ran)
            if step is not None:
                yield _of(ran, step.ended, until)
                until = yield from self._steps_back(step)
                if until <= ran.span.started:
                    # It came up beside the tests that ran before; the chain is its own.
                    yield from self._between(self._first, until)
                    return
            yield _of(ran, ran.span.started, until)
            earlier = self._earlier(ran)
            yield from self._between(earlier.span.ended if earlier else self._first, ran.span.started)
            ran = earlier

    def _awaited(self, ran: _Ran) -> Span | None:
        """Return the step that a test waited for longest: one that it needs, and that ended after it had begun."""
        steps = [self._steps[name] for name in self._needed(ran.test) if name in self._steps]
        last = max(steps, key=lambda step: step.ended, default=None)
        if last is None or not ran.span.started + _WORTH < last.ended < ran.span.ended:
            return None
        return last

    def _needed(self, test: EndedTest) -> Iterator[str]:
        for service in test.services:
            for step in self._of_service.get(service, ()):
                if shard_of(step) != self._shard:
                    continue
                if not step.startswith(f"{self._shard}image ") or NODE_IMAGE in test.images:
                    yield step
        yield from (f"{self._shard}image {name}" for name in test.images)

    def _steps_back(self, step: Span) -> Generator[Link, None, float]:
        """Yield a step and what it waited for, newest first; return when the first of them began."""
        while True:
            if step.ended - step.started >= _WORTH:
                yield Link(step.name, "step", step.started, step.ended - step.started)
            needs = [self._steps[name] for name in self._needs.get(step.name, ()) if name in self._steps]
            need = max(needs, key=lambda other: other.ended, default=None)
            if need is None or need.started >= step.started:
                return step.started
            yield from self._between(need.ended, step.started)
            step = need

    def _earlier(self, ran: _Ran) -> _Ran | None:
        """Return the test that the start of one waited for."""
        if ran.test.held_back > _CLOSE:
            return self._before(ran.span.started)
        return self._lanes[ran.span.lane][ran.place - 1] if ran.place else None

    def _before(self, until: float) -> _Ran | None:
        """Return the test that ended last before a time, whichever its worker."""
        ended = [
            ran
            for name, lane in self._lanes.items()
            if name.startswith(self._shard)
            for ran in lane
            if ran.span.ended <= until and ran.span.started < until
        ]
        return max(ended, key=lambda ran: ran.span.ended, default=None)

    def _between(self, since: float, until: float) -> Iterator[Link]:
        """Yield what filled a time in which neither test nor step of the chain ran, newest first."""
        if until - since <= _CLOSE:
            return
        for stage in self._stages:
            started, ended = max(stage.started, since), min(stage.ended, until)
            if ended - started < _WORTH:
                continue
            if until - ended > _CLOSE:
                yield Link(UNEXPLAINED, "gap", ended, until - ended)
            yield Link(stage.name, "stage", started, ended - started)
            until = started
        if until - since > _CLOSE:
            yield Link(UNEXPLAINED, "gap", since, until - since)


def _ran(test: EndedTest) -> bool:
    return test.phase != "collect" and bool(test.worker)


def _of(ran: _Ran, started: float, ended: float) -> Link:
    seconds = max(0.0, ended - started)
    leasing = min(seconds, ran.test.leasing)
    return Link(ran.span.name, "test", started, seconds, ran.test.services, ran.span.lane, leasing)


def folded(links: Sequence[Link]) -> tuple[Link, ...]:
    """Return the chain with runs of short tests as one stretch: the long ones are what can be mended."""
    longest = max(0.02 * sum(link.seconds for link in links), _CLOSE)
    found: list[list[Link]] = []
    for link in links:
        last = found[-1][-1] if found else None
        alike = last is not None and last.worker == link.worker and _is_short(last, longest)
        if alike and _is_short(link, longest):
            found[-1].append(link)
        else:
            found.append([link])
    return tuple(_one(stretch) for stretch in found)


def _is_short(link: Link, longest: float) -> bool:
    return link.kind == "test" and link.seconds < longest


def _one(stretch: Sequence[Link]) -> Link:
    first, last = stretch[0], stretch[-1]
    if len(stretch) == 1:
        return first
    seconds = last.started + last.seconds - first.started
    return Link(f"{len(stretch)} tests on {first.worker}", "tests", first.started, seconds)
