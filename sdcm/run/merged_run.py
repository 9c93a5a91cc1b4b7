"""Merges the journals of a run's shards into one run's reports: `sct.py report merge`, and whoever started the shards.

    merged = merge_into(Path("merged"), find_attempts([Path("artifacts")]))

finds every journal below `artifacts`, whatever the folders between are called, and writes into `merged`:

    journal.jsonl   one journal, from which `sct.py report --from` makes any report
    selection.json  what the tests need
    junit.xml       each test once; the shards are a suite of their own, `sct.shards`
    report.html, summary.json
    durations.json  how long the tests took, added to what `SCT_DURATIONS` names
    evidence/       that of all failed tests

`merged.exit_code` is the whole run's, `merged.lines` are its summary. Shards that are missing are known by the number
of shards that the others tell, or by `count`.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sdcm import journal as journals
from sdcm.errors import EnvironmentFailed, UsageProblem
from sdcm.evidence.folder import FOLDER as EVIDENCE
from sdcm.exit_codes import ExitCode
from sdcm.reporters import html
from sdcm.reporters.critical_path_text import critical_path_record
from sdcm.reporters.merging.attempts import Attempt, Chosen, ShardRun, choose, read
from sdcm.reporters.merging.merge import Merged, merge
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.summary import summary_lines
from sdcm.reporters.timeline import Timeline
from sdcm.reporters.whole_files import whole_file
from sdcm.run import merged_files, report_files
from sdcm.scheduling.shards import Shares
from sdcm.services import selected

Record = dict[str, Any]


@dataclass(frozen=True)
class MergedRun:
    """What became of a run on several machines.

    Attributes:
        result: How it went.
        exit_code: The whole run's.
        lines: Its summary; the last line tells where the reports are.
    """

    result: RunResult
    exit_code: ExitCode
    lines: tuple[str, ...]


def find_attempts(folders: Sequence[Path], out: Path | None = None) -> list[Attempt]:
    """Return every run whose journal lies somewhere below the folders.

    Args:
        folders: What came back of the shards: an artifact each, or a folder of artifacts.
        out: Where an earlier merge went, which is no shard.

    Raises:
        UsageProblem: One is no folder.
    """
    found: dict[Path, Attempt] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UsageProblem(f"{folder} is no folder", mend="name folders with the shards' journals below them")
        for journal, beside in _journals(folder.resolve(), out.resolve() if out else None):
            found.setdefault(journal, Attempt(journal, beside=beside))
    return list(found.values())


def _journals(top: Path, out: Path | None) -> Iterator[tuple[Path, tuple[Path, ...]]]:
    """Yield the folders of journals below one, each with the folders of the same artifact that hold evidence."""
    with_journal: list[Path] = []
    with_evidence: dict[Path, list[Path]] = {}
    for path, folders, files in os.walk(top):
        here = Path(path)
        if here == out:
            folders.clear()
            continue
        if journals.FILE_NAME in files:
            with_journal.append(here)
        if EVIDENCE in folders:
            folders.remove(EVIDENCE)
            with_evidence.setdefault(_artifact(top, here), []).append(here)
        folders.sort()
    for folder in with_journal:
        yield folder, tuple(with_evidence.get(_artifact(top, folder), ()))


def _artifact(top: Path, folder: Path) -> Path:
    return top if folder == top else top / folder.relative_to(top).parts[0]


def merge_into(
    out: Path,
    attempts: Sequence[Attempt],
    *,
    count: int = 0,
    shares: Shares | None = None,
    why_lost: Mapping[int, str] | None = None,
    environ: Mapping[str, str] | None = None,
    junit_xml: Path | None = None,
    command: str = "run",
    now: float | None = None,
) -> MergedRun:
    """Merge runs of shards and write the reports.

    Args:
        out: Folder of the reports; what an earlier merge wrote there is replaced.
        attempts: The shards' runs; of a shard that ran several times the last complete one counts.
        count: How many shards there should be; 0: as the shards say.
        shares: All shards' tests; None: as the shards have written them down.
        why_lost: Shard number -> why it never came back.
        environ: This process's environment; names the CI system, and the durations file.
        junit_xml: A further place for JUnit.
        command: What was run, where no shard came back to tell.
        now: This machine's clock, epoch seconds.

    Raises:
        UsageProblem: There is nothing to merge, or a journal cannot be read.
        EnvironmentFailed: The reports cannot be written.
    """
    count = max(count, len(shares.tests) if shares else 0)
    commands = choose(read(attempts), count)
    if not commands and not count:
        raise UsageProblem(
            f"there is no {journals.FILE_NAME} to merge",
            why="the shards' state directories hold them",
            mend="keep SCT_STATE_DIR/runs of each shard; see docs/guides/run-in-ci.md",
        )
    if not commands:
        commands = [Chosen(command, count, {}, {number: f"{number}/{count}" for number in range(1, count + 1)}, {})]
    merged = merge(commands, time.time() if now is None else now, shares, why_lost)
    environ = os.environ if environ is None else environ
    try:
        result = _write(out, merged, environ, junit_xml)
    except OSError as exc:
        raise EnvironmentFailed(
            "the merged reports cannot be written", why=f"{exc.filename or out}: {exc.strerror or exc}", mend="df -h"
        ) from exc
    return MergedRun(result, merged.exit_code, tuple(summary_lines(result, out)))


def _write(out: Path, merged: Merged, environ: Mapping[str, str], junit_xml: Path | None) -> RunResult:
    out.mkdir(parents=True, exist_ok=True)
    records = merged_files.gather(out, merged.runs, merged.records)
    tests = {test.nodeid: test for run in merged.runs.values() for test in _selection(run)}
    selected.write(out / report_files.SELECTION_FILE, tests.values())
    so_far = RunResult.from_journal(records, tests.values())
    last = records[-1]["at"] if records else 0.0
    records.append({"event": "critical-path", "at": last, **critical_path_record(so_far)})
    records.append({"event": "run-end", "at": last, "exit_code": int(merged.exit_code)})
    journal = out / journals.FILE_NAME
    with whole_file(journal) as temporary, temporary.open("w") as file:
        file.writelines(json.dumps(record, separators=(",", ":"), default=str) + "\n" for record in records)
    at_end = replace(so_far.milestones, end=round(last - so_far.started, 3))
    result = replace(so_far, exit_code=int(merged.exit_code), finished=True, milestones=at_end).beside(journal)
    report_files.put(result, out, junit_xml, environ)
    html.write_html(result, Timeline.from_journal(records), out / html.FILE_NAME)
    merged_files.note_durations(out, records, environ)
    return result


def _selection(run: ShardRun) -> tuple[selected.SelectedTest, ...]:
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return selected.read(run.attempt.folder / report_files.SELECTION_FILE)
    return ()
