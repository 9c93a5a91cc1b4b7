"""What the HTML report draws and filters, as compact values.

Times are milliseconds since the run's start; words that many tests share are kept once and pointed at by place.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sdcm.reporters.critical_path import Link, folded
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.records import OUTCOMES, EndedTest
from sdcm.reporters.timeline import Timeline, spans_of_steps, test_span

#: Characters of one reason that are kept; the failures are there in full.
_REASON = 400
#: Samples of the machine's load that are drawn at most.
_SAMPLES = 2000
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Words:
    """Words in the order they were first seen."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._places = {word: place for place, word in enumerate(words)}

    def place(self, word: str) -> int:
        """Return a word's place, which it gets when it is new."""
        return self._places.setdefault(word, len(self._places))

    def all(self) -> list[str]:
        """Return the words by place."""
        return list(self._places)


def html_data(result: RunResult, timeline: Timeline, path: Sequence[Link]) -> dict[str, Any]:
    """Return the data of the page's script.

    Args:
        result: The run.
        timeline: What happened in it when.
        path: Its critical path.

    Returns:
        `total` (ms), the words `outcomes`, `files`, `workers`, `classes`, `services`, `reasons`, and rows:
        `tests` [file, name, outcome, worker, start, set-up, call, tear-down, waited, class, services, reason, failure],
        where the name follows the file's node id, `reason` is -1 for none and `failure` is the place among the page's
        failures or -1; `steps` [name, status, start, length, error];
        `containers` [name, image, test, start, ready or -1, end]; `host` [at, CPU, memory (both percent), MiB in use];
        `waits` [place of a test, start, length]; `path` [what, kind, start, length] of the critical path.
    """
    first, last = result.started, result.started + result.seconds
    tests = _TestRows(result, timeline)
    every = -(-len(timeline.host) // _SAMPLES)
    return {
        "total": _ms(result.seconds),
        "started": round(first * 1000),
        **tests.to_data(),
        "steps": [
            [step.step, step.status, _ms(span.started - first), _ms(span.ended - span.started), plain(step.error)]
            for step, span in zip(result.steps, spans_of_steps(result), strict=True)
        ],
        "containers": [
            [
                container.name,
                container.image,
                plain(container.test),
                _ms(container.started - first),
                _ms(container.ready - first) if container.ready else -1,
                _ms((container.ended or last) - first),
            ]
            for container in timeline.containers
        ],
        "path": [[plain(link.what), link.kind, _ms(link.started - first), _ms(link.seconds)] for link in folded(path)],
        "host": [
            [_ms(each.at - first), round(each.cpu), round(each.memory), each.used_mb]
            for each in timeline.host[:: every or 1]
        ],
    }


class _TestRows:
    """The rows of tests, and the words that they share."""

    def __init__(self, result: RunResult, timeline: Timeline) -> None:
        self._first, self._last = result.started, result.started + result.seconds
        self._waits_of = timeline.waits
        self._failed = {id(test): place for place, test in enumerate(unsuccessful(result))}
        self._outcomes, self._classes, self._services = _Words(OUTCOMES), _Words([""]), _Words([""])
        self._files, self._workers, self._reasons = _Words(), _Words(), _Words()
        self._waits: list[list[int]] = []
        self._rows = [self._row(place, test) for place, test in enumerate(result.tests)]

    def to_data(self) -> dict[str, Any]:
        """Return what `html_data` tells of tests."""
        return {
            "tests": self._rows,
            "waits": self._waits,
            "outcomes": self._outcomes.all(),
            "files": self._files.all(),
            "workers": self._workers.all(),
            "classes": self._classes.all(),
            "services": self._services.all(),
            "reasons": self._reasons.all(),
        }

    def _row(self, place: int, test: EndedTest) -> list[Any]:
        file, _, name = test.test.partition("::")
        span = test_span(test, self._last)
        setup, call, teardown = test.phases or (0.0, span.ended - span.started, 0.0)
        waits = self._waits_of.of(test, (span.started, span.ended))
        self._waits += [[place, _ms(since - self._first), _ms(until - since)] for since, until in waits]
        return [
            self._files.place(plain(file)),
            plain(name),
            self._outcomes.place(test.outcome),
            self._workers.place(test.worker),
            _ms(span.started - self._first),
            _ms(setup),
            _ms(call),
            _ms(teardown),
            _ms(sum(until - since for since, until in waits)),
            self._classes.place(test.failure_class),
            self._services.place(", ".join(test.services)),
            self._reasons.place(plain(test.reason)[:_REASON]) if test.reason else -1,
            self._failed.get(id(test), -1),
        ]


def unsuccessful(result: RunResult) -> tuple[EndedTest, ...]:
    """Return the tests that failed or never ended, in the order of their classes; what the page tells in full."""
    failures = (test for tests in result.failures_by_class.values() for test in tests)
    return (*failures, *result.unfinished)


def plain(value: str) -> str:
    """Return text without colours and characters that a page cannot show."""
    return _CONTROL.sub("", value)


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
