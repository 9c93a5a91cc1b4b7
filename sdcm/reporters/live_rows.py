"""The live part of the screen as rows of styled text, none wider than the terminal.

image cassandra  pulling 42 %, 96 of 230 MB, 18 MB/s                             12 s
12/40 tests  1 failed  2 skipped  ~1:20 left | gw0 test_ring 12 s | gw1 test_cql set-up 3 s | nodes 1 booting 2 leased
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sdcm.reporters.live import LiveRun, LiveStep, LiveTest
from sdcm.reporters.live_words import clock, short_name

if TYPE_CHECKING:
    from rich.text import Text

_INDENT = "  "
_NAME = 16
#: Rows for steps; more are counted.
_STEPS = 5
#: Columns that a test has at least; with fewer it is counted, not shown.
_TEST = 22
#: Below so many columns workers' names are left out, and nodes are told in fewer words.
_NARROW = 100
_BAR = " | "
_STAGES = {
    "setting-up": "setting up",
    "collecting": "collecting tests",
    "starting": "pytest and its workers start",
    "ending": "the run ends",
    "teardown": "removing what the run has made",
}


@dataclass(frozen=True)
class Size:
    """Size of a terminal.

    Attributes:
        columns: Its width.
        lines: Its height.
    """

    columns: int = 80
    lines: int = 24


def rows(live: LiveRun, now: float, size: Size) -> "list[Text]":
    """Return the live rows: steps of set-up under way, and the status line last.

    Args:
        live: What goes on.
        now: Epoch seconds.
        size: The terminal's; no row takes its last column, none of the rows its first line.
    """
    if live.stage == "over":
        return []
    width = size.columns - 1
    most = max(0, min(_STEPS, size.lines - 3))
    steps = list(live.steps.values())
    shown = [_step_row(step, now, width) for step in steps[:most]]
    if shown and len(steps) > most:
        shown[-1] = _row([(f"{_INDENT}and {len(steps) - most + 1} more steps", "dim")], width)
    return [*shown, status_row(live, now, width)]


def status_row(live: LiveRun, now: float, width: int) -> "Text":
    """Return the status line.

    Args:
        live: What goes on.
        now: Epoch seconds.
        width: Columns it may take.
    """
    if live.stage != "tests":
        what = _STAGES.get(live.stage, live.stage)
        return _row([(f"{_INDENT}{what} ", ""), (clock(now - live.since), "cyan")], width)
    parts = _counts(live, now)
    nodes = _nodes(live, narrow=width < _NARROW)
    room, named = width - _cells(parts), width >= _NARROW
    tests = _tests(live, now, room - _cells(nodes), named=named)
    if live.running and not tests:
        # What runs is more than what it runs on.
        tests, nodes = _tests(live, now, room, named=named), []
    return _row([*parts, *tests, *nodes], width)


def _step_row(step: LiveStep, now: float, width: int) -> "Text":
    took = clock(now - step.started)
    room = width - len(_INDENT) - _NAME - 1 - len(took) - 2
    said = " ".join(step.said.split()) or "starting"
    name = _cut(step.name, _NAME)
    words = f"{_cut(said, room):<{max(0, room)}}" if room > 0 else ""
    return _row([(f"{_INDENT}{name:<{_NAME}} ", "bold"), (words, ""), (f"  {took}", "cyan")], width)


def _counts(live: LiveRun, now: float) -> list[tuple[str, str]]:
    total = f"/{live.total}" if live.total else ""
    parts = [(f"{_INDENT}{live.done}{total} done", "bold")]
    if live.failed:
        parts.append((f"  {live.failed} failed", "bold red"))
    if live.skipped:
        parts.append((f"  {live.skipped} skipped", "yellow"))
    if (left := live.remaining(now)) is not None:
        parts.append((f"  ~{clock(left)} left", "cyan"))
    return parts


def _nodes(live: LiveRun, *, narrow: bool) -> list[tuple[str, str]]:
    nodes = live.nodes
    counted = [(nodes.booting, "booting"), (nodes.leased, "leased"), (nodes.ready, "ready")]
    if not any(count for count, _ in counted):
        return []
    if narrow:
        up = nodes.leased + nodes.ready
        words = "nodes " + ", ".join(filter(None, (str(up) if up else "", _booting(nodes.booting))))
    else:
        words = "nodes " + " ".join(f"{count} {what}" for count, what in counted if count)
    return [(_BAR, "dim"), (words, "")]


def _booting(nodes: int) -> str:
    return f"{nodes} booting" if nodes else ""


def _tests(live: LiveRun, now: float, room: int, *, named: bool) -> list[tuple[str, str]]:
    """Return as many tests as there is room for, the one that has run longest first, and how many more there are."""
    tests = list(live.running.values())
    fit = min(len(tests), room // (_TEST + len(_BAR)))
    if fit < len(tests):
        fit = min(fit, (room - len(_BAR) - len(_more(len(tests)))) // (_TEST + len(_BAR)))
    if fit <= 0:
        return []
    more = len(tests) - fit
    room -= len(_BAR) * fit + (len(_BAR) + len(_more(more)) if more else 0)
    parts: list[tuple[str, str]] = []
    for place, test in enumerate(tests[:fit]):
        words = _test(live, test, now, room // (fit - place), named=named)
        room -= _cells(words)
        parts += [(_BAR, "dim"), *words]
    return [*parts, (_BAR, "dim"), (_more(more), "dim")] if more else parts


def _more(tests: int) -> str:
    return f"+{tests} more"


def _test(live: LiveRun, test: LiveTest, now: float, room: int, *, named: bool) -> list[tuple[str, str]]:
    waits = live.waits_for(test)
    doing = f" waits for {waits}" if waits else f" {test.phase}" if test.phase else ""
    took = f" {clock(now - test.started)}"
    worker = f"{test.worker} " if named and test.worker else ""
    if room - len(worker) - len(doing) - len(took) < 10:
        doing = " waits" if waits else ""
    name = _cut_inside(short_name(test.test), room - len(worker) - len(doing) - len(took))
    return [(worker, "dim"), (name, ""), (doing, "yellow" if waits else "dim"), (took, "cyan")]


def _cells(parts: list[tuple[str, str]]) -> int:
    from rich.cells import cell_len

    return sum(cell_len(words) for words, _ in parts)


def _cut(words: str, room: int) -> str:
    """Return words that take `room` columns at most, with two dots where some are left out."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(words) <= room:
        return words
    return f"{set_cell_size(words, room - 2).rstrip()}.." if room > 2 else ""


def _cut_inside(name: str, room: int) -> str:
    """Return a test's name cut so that what sets its parameters apart, their end, stays."""
    from rich.cells import cell_len

    ending = name[-(room // 3) :] if name.endswith("]") and room > 12 else ""
    if cell_len(name) <= room or not ending:
        return _cut(name, room)
    ending = ending[ending.rfind("[") :] if "[" in ending else ending
    return _cut(name[: -len(ending)], room - cell_len(ending)) + ending


def _row(parts: list[tuple[str, str]], width: int) -> "Text":
    from rich.text import Text

    text = Text(no_wrap=True)
    for words, style in parts:
        text.append("".join(letter if letter.isprintable() else " " for letter in words), style)
    text.truncate(max(0, width))
    return text
