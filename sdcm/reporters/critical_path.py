"""What the end of a run waited for: a chain of steps and tests, each of which began when the one before it was over.

The chain is followed back from the test that ended last: through the tests that ran before it on the same worker, and
where that worker stood still, through the step of set-up that ended last in that time. What neither explains is a
gap and is told as one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sdcm.reporters.outcome import RunResult
from sdcm.reporters.timeline import Span, spans_of_steps, test_span

#: Seconds between two things that count as one after the other: pytest's own work between tests.
_CLOSE = 0.5
#: Seconds below which a step held nobody up.
_WORTH = 0.05


@dataclass(frozen=True)
class Link:
    """One stretch of the chain.

    Attributes:
        what: A step's name, a node id, or so many tests of one worker.
        kind: `step`, `test`, `tests` or `gap`.
        started: Epoch seconds.
        seconds: How long.
    """

    what: str
    kind: str
    started: float
    seconds: float


def critical_path(result: RunResult) -> tuple[Link, ...]:
    """Return the chain, oldest first; empty when no test has ended."""
    last = result.started + result.seconds
    tests = [test_span(test, last) for test in result.tests if test.phase != "collect" and test.worker]
    if not tests:
        return ()
    at_end = max(tests, key=lambda span: span.ended)
    own = sorted((span for span in tests if span.lane == at_end.lane), key=lambda span: span.started)
    steps = sorted(spans_of_steps(result), key=lambda span: span.ended)
    links: list[Link] = []
    later = at_end.started
    for place in range(len(own) - 1, -1, -1):
        span = own[place]
        before = own[place - 1].ended if place else result.started
        links.append(Link(span.name, "test", span.started, span.ended - span.started))
        later = span.started
        if later - before > _CLOSE:
            links += _between(steps, before, later)
    return tuple(_folded(links[::-1], at_end.lane))


def _between(steps: Sequence[Span], since: float, until: float) -> list[Link]:
    """Return what filled a worker's stillness, newest first."""
    links: list[Link] = []
    for step in reversed(steps):
        if step.ended > until + _CLOSE or step.ended <= since:
            continue
        if until - step.ended > _CLOSE:
            links.append(Link("pytest starts, collects or waits", "gap", step.ended, until - step.ended))
        started = max(step.started, since)
        if step.ended - started >= _WORTH:
            links.append(Link(step.name, "step", started, step.ended - started))
        until = started
    if until - since > _CLOSE:
        links.append(Link("pytest starts, collects or waits", "gap", since, until - since))
    return links


def _folded(links: Sequence[Link], worker: str) -> list[Link]:
    """Return the chain with runs of short tests as one stretch: the long ones are what can be mended."""
    whole = sum(link.seconds for link in links)
    folded: list[Link] = []
    tests: list[Link] = []
    for link in (*links, Link("", "end", 0.0, 0.0)):
        if link.kind == "test" and link.seconds < max(0.02 * whole, _CLOSE):
            tests.append(link)
            continue
        if len(tests) > 1:
            seconds = tests[-1].started + tests[-1].seconds - tests[0].started
            folded.append(Link(f"{len(tests)} tests on {worker}", "tests", tests[0].started, seconds))
        else:
            folded += tests
        tests = []
        folded.append(link)
    return folded[:-1]
