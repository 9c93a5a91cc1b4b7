"""Set-up as lines: what each step of a run says, and a sign of life from those that say nothing.

engine      starting a private engine (0 s)
engine      up in 4.1 s
image base  pulling 42 % (6 s)
still       image base 8 s, cluster 5 s
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from sdcm.reporters.fields import Record, number, text
from sdcm.reporters.reading import JournalReader
from sdcm.reporters.stress_lines import StressLines

#: Seconds of silence after which a step is heard of: on a terminal, and where a log is kept.
TERMINAL_BEAT = 2.0
LOG_BEAT = 10.0
#: No step is silent for longer at its start.
_FIRST_BEAT = 2.0
#: Seconds between two lines of progress of one step; of what is said faster the last is shown.
_PACE = 0.5
_WIDTH = 16
_LONGEST = 200
_UP = {"engine", "network", "cluster"}
_SECONDS = re.compile(r" \(\d+ s\)$")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f]+")


@dataclass
class _Running:
    """A step under way: what it said last, and when a line of it was last printed."""

    started: float
    printed: float
    said: str = ""
    held: bool = False
    heard: bool = False


class SetupLines:
    """Turns journal records into lines for people."""

    def __init__(self, beat: float = TERMINAL_BEAT, *, progress: bool = True) -> None:
        """Start with no step.

        Args:
            beat: Seconds after which a silent step is heard of again.
            progress: What steps say, and that they go on, is told too, not their end alone.
        """
        self._beat = beat
        self._progress = progress
        self._running: dict[str, _Running] = {}
        self._reader = JournalReader()
        self._stress = StressLines()
        self._lines_of: dict[str, Callable[[Record], list[str]]] = {
            "selection": _selection,
            "service": _service,
            "step-start": self._start,
            "step-say": self._say,
            "step-end": self._end,
            "pytest-start": self._pytest_starts,
            "stress": self._stress_says,
            "teardown-start": self._tear_down,
            "teardown-end": self._torn_down,
            "run-end": self._run_ends,
        }

    def feed(self, record: Record) -> list[str]:
        """Return the lines that one record makes."""
        event = str(record["event"])
        if event.startswith(("step-", "teardown-")):
            self._reader.feed(record)
        lines_of = self._lines_of.get(event)
        return lines_of(record) if lines_of else []

    def tick(self, now: float | None = None) -> list[str]:
        """Return what is due by the clock alone: lines held back, and signs of life.

        Args:
            now: Epoch seconds; the present when omitted.
        """
        if not self._progress:
            return []
        at = time.time() if now is None else now
        lines = [
            self._line(name, step, at)
            for name, step in self._running.items()
            if step.held and at - step.printed >= _PACE
        ]
        silent = {name: step for name, step in self._running.items() if at - step.printed >= self._patience(step)}
        if len(silent) == 1:
            (name, step), *_ = silent.items()
            lines.append(self._line(name, step, at))
        elif silent:
            took = ", ".join(f"{name} {at - step.started:.0f} s" for name, step in silent.items())
            lines.append(row_of("still", took))
        for step in silent.values():
            step.printed, step.heard = at, True
        return lines

    def _patience(self, step: _Running) -> float:
        return self._beat if step.heard else min(self._beat, _FIRST_BEAT)

    def _start(self, record: Record) -> list[str]:
        at = number(record, "at")
        self._running[text(record, "step")] = _Running(at, at)
        return []

    def _say(self, record: Record) -> list[str]:
        name, said, at = text(record, "step"), text(record, "text"), number(record, "at")
        step = self._running.setdefault(name, _Running(at, at - _PACE))
        # A heartbeat's own seconds make no news of the same words; the line has the step's anyway.
        said = _SECONDS.sub("", said)
        if said == step.said:
            return []
        step.said, step.held = said, True
        return [self._line(name, step, at)] if self._progress and at - step.printed >= _PACE else []

    def _line(self, name: str, step: _Running, at: float) -> str:
        step.printed, step.held, step.heard = at, False, True
        return row_of(name, f"{step.said or 'under way'} ({max(0.0, at - step.started):.0f} s)")

    def _end(self, record: Record) -> list[str]:
        name = text(record, "step")
        self._running.pop(name, None)
        step = self._reader.steps[name]
        seconds = f"{step.seconds:.1f} s"
        if step.status == "done":
            detail = text(record, "detail")
            verb = "done" if name.endswith(" removal") else "up" if name.partition(" ")[0] in _UP else "ready"
            return [row_of(name, f"{verb} in {seconds}" + (f" ({detail})" if detail else ""))]
        if step.status != "failed":
            return [row_of(name, f"{step.status} after {seconds}" + (f": {step.error}" if step.error else ""))]
        lines = [row_of(name, f"FAILED after {seconds}: {step.error}", longest=0)]
        return [*lines, row_of("", f"log: {step.log}")] if step.log else lines

    def _pytest_starts(self, _: Record) -> list[str]:
        # From here on pytest's own lines show that the run lives.
        self._beat = max(self._beat, LOG_BEAT)
        return []

    def _stress_says(self, record: Record) -> list[str]:
        said = self._stress.feed(record)
        return [row_of(*said)] if said else []

    def _tear_down(self, record: Record) -> list[str]:
        at = number(record, "at")
        self._running["teardown"] = _Running(at, at, said="removing what the run has made")
        return []

    def _run_ends(self, _: Record) -> list[str]:
        self._running.clear()
        return []

    def _torn_down(self, record: Record) -> list[str]:
        self._running.pop("teardown", None)
        left = self._reader.leftovers
        what = f"{len(left)} LEFT OVER: {', '.join(left)}" if left else "nothing is left"
        return [row_of("teardown", f"{what} ({number(record, 'seconds'):.1f} s)", longest=0)]


def _service(record: Record) -> list[str]:
    state = record.get("state")
    if state not in {"failed", "unavailable"}:
        return []
    fate = "its tests fail" if state == "failed" else "its tests are skipped"
    return [row_of(text(record, "service"), f"{state}, {fate}: {text(record, 'reason')}", longest=0)]


def _selection(record: Record) -> list[str]:
    tests = int(number(record, "tests"))
    return [row_of("selection", f"{tests} test{'' if tests == 1 else 's'} in {number(record, 'seconds'):.1f} s")]


def row_of(name: str, said: str, longest: int = _LONGEST) -> str:
    """Return one line of a run's; `longest` characters are kept of what is said, all for 0."""
    plain = " ".join(_CONTROL.sub(" ", said).split())
    if longest and len(plain) > longest:
        plain = plain[: longest - 3] + "..."
    return f"  {name:<{_WIDTH}} {plain}"
