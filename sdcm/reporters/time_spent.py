"""Where a run's time went: before, while and after its tests ran, and what its workers did meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass

from sdcm.reporters.outcome import RunResult
from sdcm.reporters.phrases import seconds_text
from sdcm.reporters.timeline import HostSample, Timeline, test_span

#: Percent of all processors from which they are what everything waits for.
_BUSY = 90
#: Percent below which a share is not told.
_WORTH = 0.5


@dataclass(frozen=True)
class Share:
    """One part of the workers' time.

    Attributes:
        what: What they did.
        kind: `own`, `around`, `waiting` or `idle`.
        seconds: Of all workers together.
        percent: Of the time of all workers while tests ran.
    """

    what: str
    kind: str
    seconds: float
    percent: float


@dataclass(frozen=True)
class TimeSpent:
    """Where the time went.

    Attributes:
        before: Seconds before the first test.
        tests: Seconds from the first test's start to the last one's end.
        after: Seconds after the last test.
        workers: How many workers ran tests.
        shares: What they did from the first test to the last, shares too small to tell left out.
        host: The machine's load meanwhile, in words; empty where it was not measured.
    """

    before: float
    tests: float
    after: float
    workers: int
    shares: tuple[Share, ...]
    host: str

    @property
    def line(self) -> str:
        """The wall time in one line."""
        parts = [(self.before, "before the first test"), (self.tests, "of tests"), (self.after, "after the last one")]
        return ", ".join(f"{seconds_text(seconds)} {what}" for seconds, what in parts)


def time_spent(result: RunResult, timeline: Timeline) -> TimeSpent | None:
    """Return where the time went; None where no test ran.

    Waiting that falls into a test's own code, because it asks for a node there, counts as waiting.
    """
    last = result.started + result.seconds
    ran = [(test, test_span(test, last)) for test in result.tests if test.phase != "collect" and test.outcome]
    ran = [(test, span) for test, span in ran if span.ended > span.started]
    if not ran:
        return None
    first, final = min(span.started for _, span in ran), max(span.ended for _, span in ran)
    workers = len({span.lane for _, span in ran})
    whole = workers * (final - first)
    waiting = own = around = 0.0
    for test, span in ran:
        waits = timeline.waits.of(test, (span.started, span.ended))
        waited = sum(until - since for since, until in waits)
        code = test.phases[1] if test.phases else 0.0
        within = sum(max(0.0, min(until, test.body + code) - max(since, test.body)) for since, until in waits)
        code = max(0.0, code - (within if test.body else 0.0))
        waiting, own = waiting + waited, own + code
        around += max(0.0, span.ended - span.started - waited - code)
    parts = [
        ("tests' own code", "own", own),
        ("their set-up and tear-down", "around", around),
        ("waiting for services, nodes and the like", "waiting", waiting),
        ("no test", "idle", max(0.0, whole - own - around - waiting)),
    ]
    found = (Share(what, kind, seconds, 100 * seconds / whole) for what, kind, seconds in parts)
    shares = tuple(share for share in found if share.percent >= _WORTH)
    during = [sample for sample in timeline.host if first <= sample.at <= final]
    return TimeSpent(
        max(0.0, first - result.started), final - first, max(0.0, last - final), workers, shares, _load(during)
    )


def _load(samples: Sequence[HostSample]) -> str:
    if not samples:
        return ""
    mean = sum(sample.cpu for sample in samples) / len(samples)
    busy = 100 * sum(sample.cpu >= _BUSY for sample in samples) / len(samples)
    most = max(samples, key=lambda sample: sample.memory)
    told = f"processors {mean:.0f} % busy on average"
    told += f", {_BUSY} % and more for {busy:.0f} % of the time" if busy >= 1 else ""
    return f"{told}; memory {most.memory:.0f} % in use at most ({most.used_mb} MiB)"
