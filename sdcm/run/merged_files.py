"""What lies beside the journals of a run's shards, gathered beside the merged one."""

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sdcm.evidence.folder import reports_folder
from sdcm.paths import LAST_WORDS
from sdcm.reporters.fields import number, pairs, text
from sdcm.reporters.merging.attempts import ShardRun
from sdcm.reporters.records import PHASES, stays_below
from sdcm.scheduling import durations
from sdcm.scheduling.protocol import WAITED_PROPERTY

Record = dict[str, Any]
DURATIONS = "durations.json"
LOGS = "logs"


def gather(out: Path, runs: Mapping[str, ShardRun], records: Iterable[Record]) -> list[Record]:
    """Bring the shards' evidence, logs of failed steps and last words into one folder.

    Args:
        out: That folder.
        runs: The shards' runs, by what stands before their names.
        records: The merged records.

    Returns:
        The records, those of failed steps with the log's new place.
    """
    for name in (LAST_WORDS, LOGS):
        shutil.rmtree(out / name, ignore_errors=True)
    for label, run in runs.items():
        _last_words(out, label, run)
    found = []
    for record in records:
        run_of = runs.get(str(record.get("shard", "")))
        if run_of is not None and record["event"] == "evidence":
            _evidence(out, run_of, str(record.get("folder") or ""))
        failed_step = run_of is not None and record["event"] == "step-end" and record.get("log") and record.get("error")
        found.append({**record, "log": _log(out, run_of, record)} if run_of and failed_step else record)
    return found


def _evidence(out: Path, run: ShardRun, folder: str) -> None:
    """Bring one test's folder; none is there where its shard was lost before it could be kept."""
    if not folder or not stays_below(folder):
        return
    roots = (run.attempt.folder, *run.attempt.beside, reports_folder(run.attempt.folder))
    source = next((root / folder for root in roots if os.path.isdir(root / folder)), None)  # noqa: PTH112 - too long
    if source is None or source.resolve() == (out / folder).resolve():
        return
    shutil.rmtree(out / folder, ignore_errors=True)
    with suppress(OSError, shutil.Error):
        shutil.copytree(source, out / folder, copy_function=_link)


def _link(source: str, target: str) -> None:
    """Let two names stand for one file; where that cannot be, copy it."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _log(out: Path, run: ShardRun, record: Record) -> str:
    """Return where a step's log is now; where it was on its own machine when it did not come along."""
    log = Path(str(record["log"]))
    below = log.parts[log.parts.index(run.result.run) + 1 :] if run.result.run in log.parts else (log.name,)
    source = run.attempt.folder.joinpath(*below)
    if not os.path.isfile(source):  # noqa: PTH113 - a name too long is an error to pathlib
        return str(log)
    target = out / LOGS / str(record["shard"]) / log.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        target.unlink(missing_ok=True)
        _link(str(source), str(target))
        return str(target.absolute())
    return str(log)


def _last_words(out: Path, label: str, run: ShardRun) -> None:
    folder = run.attempt.folder / LAST_WORDS
    for file in sorted(folder.glob("*.txt")) if folder.is_dir() else ():
        (out / LAST_WORDS).mkdir(exist_ok=True)
        _link(str(file), str(out / LAST_WORDS / f"{label}-{file.name}"))


def note_durations(out: Path, records: Iterable[Record], environ: Mapping[str, str]) -> None:
    """Write how long the tests take: what the shards were split by, with this run added."""
    named = environ.get(durations.FILE_VARIABLE)
    known = durations.read_or_nothing(Path(named)) if named else {}
    for test, seconds in _measured(records):
        known[test] = known[test].with_run(seconds) if test in known else durations.Duration(seconds)
    durations.write(out / DURATIONS, known)


def _measured(records: Iterable[Record]) -> Iterable[tuple[str, float]]:
    """Yield the seconds of each test whose set-up passed, without its wait for services."""
    body = PHASES[1]
    for record in records:
        phases = record.get("phases")
        if record["event"] != "test-end" or not isinstance(phases, dict) or body not in phases:
            continue
        waited = sum(_seconds(value) for name, value in pairs(record, "properties") if name == WAITED_PROPERTY)
        yield text(record, "test"), max(0.0, number(record, "seconds") - waited)


def _seconds(told: str) -> float:
    try:
        return number({"seconds": float(told)}, "seconds")
    except ValueError:
        return 0.0
