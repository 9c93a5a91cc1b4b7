"""What the run's journal tells of the time of a test: what it waited for, and the events it was told of."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sdcm import journal
from sdcm.evidence import findings
from sdcm.evidence.findings import Finding, Moment, Piece, Source, Telling
from sdcm.evidence.log_lines import shown, time_of_day

#: Bytes at a journal's end that are looked through, and those at its start, where set-up is.
_TAIL = 4 * 2**20
_HEAD = 512 * 2**10
_BAD = {"ERROR", "CRITICAL"}
_NAMED = ("container", "node")


def of_journal(file: Path, test: str, worker: str, since: float) -> list[Source]:
    """Return whom to ask about the run.

    Args:
        file: The journal.
        test: The test's node id.
        worker: Name of its worker.
        since: When it began, epoch seconds.
    """
    return [Source("the run's journal", lambda _end: _look(file, test, worker, since))]


def _look(file: Path, test: str, worker: str, since: float) -> Iterator[Finding]:
    records = list(_ends(file))
    own = {str(record.get("name")) for record in records if "name" in record and _is_of(record, test)}
    yield from _steps(records)
    lines = []
    for record in records:
        at = float(record.get("at") or 0.0)
        mine = _is_of(record, test) or (record["event"] in _NAMED and str(record.get("name")) in own)
        if at < since - 0.5 or (record.get("worker") not in (None, "", worker)):
            continue
        if record["event"] == "test-event" and mine:
            lines.append(f"{time_of_day(at)} {record.get('line')}")
            if record.get("severity") in _BAD:
                yield Telling(f"event {shown(str(record.get('line')))}", findings.COMPLAINED)
        elif mine and (told := _in_words(record)):
            yield Moment(at, told)
        elif record["event"] in {"service", "engine-lost"}:
            yield Moment(
                at, shown(f"{record.get('service', 'engine')} {record.get('state', 'lost')} {record.get('reason', '')}")
            )
    if lines:
        yield Piece("events.txt", f"{len(lines)} events of the test", "\n".join(lines) + "\n", findings.UNWELL)


def _is_of(record: Mapping[str, Any], test: str) -> bool:
    """Whether a record is of the test, or of a fixture of its module or class."""
    told = str(record.get("test") or "")
    return bool(told) and (told == test or test.startswith(f"{told}::"))


def _ends(file: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the records at the start and at the end of a journal, however long it is."""
    with file.open("rb") as opened:
        size = file.stat().st_size
        parts = [opened.read(_HEAD if size > _HEAD + _TAIL else size)]
        if size > _HEAD + _TAIL:
            opened.seek(size - _TAIL)
            parts.append(opened.read().partition(b"\n")[2])
    for part in parts:
        for line in part.splitlines():
            if (record := journal.parse(line)) is not None:
                yield record


def _steps(records: list[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield the steps of set-up that the run had taken by then."""
    rows, failed = [], False
    for record in records:
        if record["event"] == "step-end":
            error = record.get("error")
            why = error.get("what", "") if isinstance(error, Mapping) else error or ""
            failed = failed or record.get("status") == "failed"
            rows.append(f"{record.get('step'):<28} {record.get('status'):<12} {record.get('seconds')} s {why}".rstrip())
    if rows:
        place = findings.ENDED if failed else findings.BACKGROUND
        yield Piece("set-up.txt", "steps of set-up that were over by then", "\n".join(rows) + "\n", place)


def _in_words(record: Mapping[str, Any]) -> str:
    event, state = record["event"], str(record.get("state", ""))
    took = f" after {record['seconds']:g} s" if isinstance(record.get("seconds"), (int, float)) else ""
    if event == "lease":
        words = {"wanted": "asks for a", "granted": "gets its", "ended": "gives back its"}
        return f"the test {words.get(state, state)} {record.get('what')}{took}"
    if event == "container":
        why = f": {record['reason']}" if record.get("reason") else ""
        return shown(f"{record.get('name')}: {state}{took}{why}")
    if event == "node":
        return shown(f"{record.get('name')}: {record.get('what')} {record.get('reason') or ''}")
    if event == "stress":
        return (
            shown(f"{record.get('run')}: {state} {record.get('command') or record.get('text') or ''}")
            if state != "running"
            else ""
        )
    if event == "held-back":
        return f"the test was held back for {record.get('seconds')} s"
    return ""
