"""The index of an evidence folder: to be read first, by somebody who has not seen the test."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sdcm.evidence.findings import Gathered, Moment
from sdcm.evidence.folder import Kept
from sdcm.evidence.log_lines import shown, time_of_day

_MOMENTS = 80
_TELLING = 6


@dataclass(frozen=True)
class Failed:
    """The test as its report tells it.

    Attributes:
        test: Its node id.
        run: The run's id.
        worker: The worker.
        phase: `setup`, `call` or `teardown`.
        kind: Class of the failure.
        reason: One line.
        started: Epoch seconds.
        body: When its own code began; 0 when it did not.
        failed: When it had failed.
        doc: The test's own words on what it does.
    """

    test: str
    run: str
    worker: str
    phase: str
    kind: str
    reason: str
    started: float
    body: float
    failed: float
    doc: str = ""


_WHERE = {"setup": "in its set-up", "call": "in its own code", "teardown": "in its tear-down"}
_NEXT = {
    "product": "the database, or what stands for it, did something that the test did not expect",
    "environment": "what the run brought up failed: a node, the engine, the broker; not the test's own doing",
    "test": "an assertion or a mistake of the test's own code",
    "leak": "the test left something behind",
    "interrupted": "the run was asked to stop, or lost what it stood on",
}


def own_moments(failed: Failed) -> list[Moment]:
    """Return what is known of the test's course without asking anybody."""
    moments = [Moment(failed.started, "the test's set-up begins")]
    if failed.body:
        moments.append(Moment(failed.body, "the test's own code begins"))
    moments.append(Moment(failed.failed, f"FAILED {_WHERE.get(failed.phase, '')}: {shown(failed.reason)}"))
    return moments


def index_of(failed: Failed, gathered: Gathered, kept: Iterable[Kept], left_out: Sequence[str] = ()) -> str:
    """Return the index as Markdown.

    Args:
        failed: The test.
        gathered: What was found.
        kept: The folder's files, the most interesting first.
        left_out: Files that found no room.
    """
    took = failed.failed - failed.started
    lines = [
        f"# {failed.test}",
        "",
        f"**{failed.kind}** failure {_WHERE.get(failed.phase, '')}: {_NEXT.get(failed.kind, '')}.",
        "",
        *(f"> {shown(line)}" for line in failed.reason.splitlines()[:3]),
        "",
    ]
    if failed.doc:
        lines += [f"What it tests, in its own words: {shown(failed.doc)}", ""]
    if telling := gathered.telling()[:_TELLING]:
        lines += ["## What tells most", "", *(f"- {line}" for line in telling), ""]
    if held := gathered.held():
        lines += ["## What it had", "", "| name | state when it failed | more |", "|---|---|---|"]
        lines += [f"| {_cell(each.name)} | {_cell(each.state)} | {_cell(each.facts)} |" for each in held]
        lines.append("")
    lines += [
        f"## What happened, {took:.1f} s (times are UTC)",
        "",
        "```text",
        *_course(gathered, failed.started),
        "```",
        "",
    ]
    lines += ["## Files, the most interesting first", "", "| file | what | bytes |", "|---|---|---|"]
    lines += [f"| [{each.file}]({each.file}) | {_cell(each.what)} | {each.bytes}{_cut(each)} |" for each in kept]
    lines.append("")
    missing = list(gathered.missing)
    if left_out:
        missing.append(f"no room was left for {', '.join(left_out)}")
    if missing:
        lines += ["## What is missing", "", *(f"- {shown(line)}" for line in missing), ""]
    lines += [f"Run {failed.run}, worker {failed.worker}.", ""]
    return "\n".join(lines)


def _course(gathered: Gathered, started: float) -> list[str]:
    moments = gathered.moments()
    left_out = len(moments) - _MOMENTS
    shown_ones = moments if left_out <= 0 else [*moments[: _MOMENTS // 4], *moments[-_MOMENTS * 3 // 4 :]]
    rows = [f"{time_of_day(each.at)} {each.at - started:+8.3f} s  {each.what}" for each in shown_ones]
    if left_out > 0:
        rows.insert(_MOMENTS // 4, f"({left_out} more, in course.txt)")
    return rows


def course(gathered: Gathered, started: float) -> str:
    """Return everything that happened, in its order."""
    return "".join(f"{time_of_day(each.at)} {each.at - started:+8.3f} s  {each.what}\n" for each in gathered.moments())


def _cut(kept: Kept) -> str:
    return f", {kept.cut} more left out" if kept.cut else ""


def _cell(value: str) -> str:
    return " ".join(value.split()).replace("|", "\\|")
