"""What differs between two runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from sdcm.reporters.outcome import RunResult
from sdcm.reporters.records import OUTCOMES, EndedTest

#: A test is slower when it takes this many times as long, and so many seconds more: less is noise.
SLOWER_TIMES = 1.5
SLOWER_BY = 0.5
#: A run on a busier machine is slower as a whole: that is taken off, where so many tests of so many seconds tell.
_ENOUGH = 10
_TELLING = 0.1
#: What of a comparison may fail a job.
KINDS = ("newly-failing", "slower", "newly-skipped", "gone")
_LISTED = 50
_WIDTH = 16


@dataclass(frozen=True)
class Slower:
    """A test that succeeded in both runs and took longer.

    Attributes:
        test: Its node id.
        before: Seconds in the earlier run.
        after: Seconds in the later one.
    """

    test: str
    before: float
    after: float


@dataclass(frozen=True)
class Comparison:
    """Two runs, the earlier one first.

    Attributes:
        before: Id of the earlier run.
        after: Id of the later one.
        newly_failing: Node id and reason of tests that fail now and did not.
        still_failing: Tests that fail in both.
        fixed: Tests that failed and pass now.
        slower: The slower ones, the most seconds first.
        newly_skipped: Node id and reason of tests that are skipped now and were not.
        gone: Tests that only the earlier run has.
        new: Tests that only the later run has.
        not_run: Tests that the later run chose and never started.
        seconds: Durations of the runs.
        pace: How many times as long the tests of the later run took in general; 1 when they did not take longer.
    """

    before: str
    after: str
    newly_failing: tuple[tuple[str, str], ...]
    still_failing: tuple[str, ...]
    fixed: tuple[str, ...]
    slower: tuple[Slower, ...]
    newly_skipped: tuple[tuple[str, str], ...]
    gone: tuple[str, ...]
    new: tuple[str, ...]
    not_run: int
    seconds: tuple[float, float]
    pace: float = 1.0

    def kinds(self) -> set[str]:
        """Return which of `KINDS` occur."""
        found = {"newly-failing": self.newly_failing, "slower": self.slower, "newly-skipped": self.newly_skipped}
        found |= {"gone": self.gone}
        return {kind for kind, tests in found.items() if tests}

    def to_record(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return {
            **vars(self),
            "newly_failing": [{"test": test, "reason": reason} for test, reason in self.newly_failing],
            "newly_skipped": [{"test": test, "reason": reason} for test, reason in self.newly_skipped],
            "slower": [vars(test) for test in self.slower],
        }


def compare(before: RunResult, after: RunResult) -> Comparison:
    """Return what changed from one run to a later one; of a test that ran several times its worst outcome counts."""
    old, new = _worst(before.tests), _worst(after.tests)
    both = [(old[name], test) for name, test in new.items() if name in old]
    failing = [test for name, test in new.items() if test.unsuccessful and not _failed(old.get(name))]
    pace = _pace(both)
    slower = [Slower(now.test, _own(then), _own(now)) for then, now in both if _is_slower(then, now, pace)]
    skipped = [now for then, now in both if now.outcome == "skipped" and then.outcome != "skipped"]
    return Comparison(
        before.run,
        after.run,
        newly_failing=tuple((test.test, _line(test.reason)) for test in failing),
        still_failing=tuple(now.test for then, now in both if then.unsuccessful and now.unsuccessful),
        fixed=tuple(now.test for then, now in both if then.unsuccessful and now.outcome in {"passed", "xfailed"}),
        slower=tuple(sorted(slower, key=lambda test: test.before - test.after)),
        newly_skipped=tuple((test.test, _line(test.reason)) for test in skipped),
        gone=tuple(name for name in old if name not in new),
        new=tuple(name for name in new if name not in old),
        not_run=after.not_run,
        seconds=(round(before.seconds, 3), round(after.seconds, 3)),
        pace=round(pace, 2),
    )


def comparison_lines(comparison: Comparison) -> list[str]:
    """Return the comparison for people."""
    first, second = comparison.seconds
    lines = [_row("runs", f"{comparison.before} ({first:.1f} s), then {comparison.after} ({second:.1f} s)")]
    lines += _listed("newly failing", [f"{test}: {reason}" for test, reason in comparison.newly_failing])
    lines += _listed("still failing", comparison.still_failing)
    lines += _listed("fixed", comparison.fixed)
    lines += _listed(
        "slower", [f"{test.test}: {test.before:.1f} s, now {test.after:.1f} s" for test in comparison.slower]
    )
    if comparison.pace >= SLOWER_TIMES:
        lines.append(
            _row("", f"the later run's tests took {comparison.pace:g} times as long in general: taken off above")
        )
    lines += _listed("newly skipped", [f"{test}: {reason}" for test, reason in comparison.newly_skipped])
    lines += _listed("gone", comparison.gone)
    if comparison.not_run:
        lines.append(_row("", f"{comparison.not_run} of the later run's tests never started and are among the gone"))
    lines += _listed("new", comparison.new)
    return lines if len(lines) > 1 else [*lines, _row("", "no difference")]


def _worst(tests: Iterable[EndedTest]) -> dict[str, EndedTest]:
    found: dict[str, EndedTest] = {}
    for test in tests:
        known = found.get(test.test)
        if known is None or _rank(test) > _rank(known):
            found[test.test] = test
    return found


def _rank(test: EndedTest) -> int:
    return OUTCOMES.index(test.outcome) if test.outcome in OUTCOMES else len(OUTCOMES)


def _failed(test: EndedTest | None) -> bool:
    return test is not None and test.unsuccessful


def _is_slower(then: EndedTest, now: EndedTest, pace: float) -> bool:
    if not _passed(then, now):
        return False
    expected = _own(then) * pace
    return _own(now) >= expected * SLOWER_TIMES and _own(now) - expected >= SLOWER_BY


def _passed(then: EndedTest, now: EndedTest) -> bool:
    return then.outcome == "passed" and now.outcome == "passed"


def _own(test: EndedTest) -> float:
    """Return a test's seconds without those for which it waited for nodes and the like: they depend on other tests."""
    return round(max(0.0, test.seconds - test.leasing), 3)


def _pace(both: Sequence[tuple[EndedTest, EndedTest]]) -> float:
    """Return how many times as long the tests in the middle took."""
    pairs = [(_own(then), _own(now)) for then, now in both if _passed(then, now)]
    ratios = [now / then for then, now in pairs if then >= _TELLING]
    return max(1.0, median(ratios)) if len(ratios) >= _ENOUGH else 1.0


def _listed(title: str, items: Iterable[str]) -> list[str]:
    told = list(items)
    lines = [_row(title if not place else "", item) for place, item in enumerate(told[:_LISTED])]
    return [*lines, _row("", f"and {len(told) - _LISTED} more")] if len(told) > _LISTED else lines


def _row(title: str, said: str) -> str:
    return f"  {title:<{_WIDTH}} {said}"


def _line(reason: str) -> str:
    return " ".join(reason.split())
