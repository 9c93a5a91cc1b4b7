"""The end of a run in a few lines, and as values for machines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdcm.reporters.critical_path_text import critical_path_line, critical_path_record
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.records import EndedTest, SkipGroup
from sdcm.reporters.shard_lines import shard_lines, shard_record

#: Failures that are listed; the reports have them all.
_LISTED = 50
_WIDTH = 16
#: Between the subject of a skip's reason and what is said of it.
_SAID = " is "
_PLURALS = {"error": "errors"}
_MILESTONES = {
    "first_test": "first test after {:.1f} s",
    "first_docker_test": "first docker test after {:.1f} s",
    "cluster_ready": "cluster ready after {:.1f} s",
    "tests_ended": "tests over after {:.1f} s",
    "end": "all over after {:.1f} s",
}


def summary_lines(result: RunResult, reports: Path | str) -> list[str]:
    """Return the summary; its last line tells where the reports are.

    Args:
        result: The run.
        reports: Folder of the reports.
    """
    lines = [_row("tests", _tests(result))]
    lines += [_row("", str(group)) for group in _alike(result.skips)]
    lines += shard_lines(result, _listed)
    lines += _failures(result)
    lines += _listed("changed", [f"{test}: {', then '.join(found)}" for test, found in result.changed.items()])
    unfinished = result.unfinished
    lines += _listed("unfinished", [_of(test) for test in unfinished], [_evidence(result, each) for each in unfinished])
    lines += _listed("set-up", [f"{step.step} failed: {step.error}" for step in result.failed_steps])
    lines += _listed("lost", [f"worker {name}: {reason}" for name, reason in result.workers_lost.items()])
    lines += _listed("LEAK", [str(leak) for leak in result.leaks])
    lines += _listed("left over", list(result.leftovers))
    if not result.torn_down and any(step.status == "done" for step in result.steps):
        lines.append(_row("left over", "not known: teardown did not come to its end"))
    reached = {name: value for name, value in vars(result.milestones).items() if value is not None}
    if reached:
        lines.append(_row("times", ", ".join(_MILESTONES[name].format(value) for name, value in reached.items())))
    if path := critical_path_line(result.critical_path):
        lines.append(_row("critical path", path))
    lines.append(_row("reports", str(reports)))
    return lines


def summary_record(result: RunResult, reports: Path | str) -> dict[str, Any]:
    """Return what `summary_lines` tells as JSON values."""
    return {
        "run": result.run,
        "command": result.command,
        "finished": result.finished,
        "exit_code": result.exit_code,
        "seconds": round(result.seconds, 3),
        "selected": result.selected,
        "not_run": result.not_run,
        **shard_record(result),
        "counts": result.counts,
        "skips": [vars(group) for group in result.skips],
        "failures": {
            name: [_record(result, test) for test in tests] for name, tests in result.failures_by_class.items()
        },
        "changed": {test: list(found) for test, found in result.changed.items()},
        "unfinished": [test.test for test in result.unfinished],
        "unfinished_evidence": [_record(result, test) for test in result.unfinished if test.evidence is not None],
        "steps": [
            {"step": step.step, "status": step.status, "seconds": step.seconds, "error": step.error}
            for step in result.steps
        ],
        "services": {service.service: service.state for service in result.services},
        "environment_failures": list(result.environment_failures),
        "workers_lost": dict(result.workers_lost),
        "leaks": [{**vars(leak), "during": list(leak.during)} for leak in result.leaks],
        "torn_down": result.torn_down,
        "leftovers": list(result.leftovers),
        "milestones": vars(result.milestones),
        "critical_path": critical_path_record(result),
        "reports": str(reports),
    }


def _alike(groups: Sequence[SkipGroup]) -> list[SkipGroup]:
    """Return skips as rows; those with the same said of several things, as of images that are not here, in one."""
    rows: dict[tuple[str, str, str], list[SkipGroup]] = {}
    for group in groups:
        subject, _, said = group.reason.partition(_SAID)
        kind = subject.partition(" ")[0]
        rows.setdefault((group.service, kind, said) if said else (group.service, group.reason, ""), []).append(group)
    return sorted((_joined(said, alike) for (_, _, said), alike in rows.items()), key=lambda row: -row.count)


def _joined(said: str, groups: list[SkipGroup]) -> SkipGroup:
    if len(groups) == 1:
        return groups[0]
    subjects = ", ".join(group.reason.partition(_SAID)[0] for group in groups)
    return SkipGroup(sum(group.count for group in groups), groups[0].service, f"{subjects}: each{_SAID}{said}")


def _tests(result: RunResult) -> str:
    parts = [_count(number, outcome) for outcome, number in result.counts.items()]
    if result.not_run:
        parts.append(f"{result.not_run} not run")
    return f"{', '.join(parts) or 'none ran'} in {result.seconds:.1f} s"


def _count(number: int, outcome: str) -> str:
    return f"{number} {_PLURALS.get(outcome, outcome) if number > 1 else outcome}"


def _failures(result: RunResult) -> list[str]:
    lines: list[str] = []
    for name, tests in result.failures_by_class.items():
        lines += _listed(name, [_of(test) for test in tests], [_evidence(result, test) for test in tests])
    return lines


def _evidence(result: RunResult, test: EndedTest) -> list[str]:
    """Return the line that tells most beside the failure's own, and where the rest lies."""
    folder = result.folder_of(test)
    if test.evidence is None or folder is None:
        return []
    line = [f"tells most: {test.evidence.line}"] if test.evidence.line else []
    return [*line, f"evidence: {folder}"]


def _of(test: EndedTest) -> str:
    where = f" (in {test.phase})" if test.phase in {"setup", "teardown"} else ""
    return f"{test.test}{where}: {test.reason}" if test.reason else f"{test.test}{where}"


def _record(result: RunResult, test: EndedTest) -> dict[str, Any]:
    record: dict[str, Any] = {
        "test": test.test,
        "outcome": test.outcome,
        "phase": test.phase,
        "reason": test.reason,
    }
    if test.evidence is not None:
        folder = result.folder_of(test)
        record["evidence"] = {
            "folder": str(folder or test.evidence.folder),
            "line": test.evidence.line,
            "files": [vars(each) for each in test.evidence.files],
        }
    return record


def _listed(title: str, items: list[str], more: Sequence[Sequence[str]] = ()) -> list[str]:
    """Return a line for each item, the title before the first, and below each what more there is to it."""
    lines: list[str] = []
    for place, item in enumerate(items[:_LISTED]):
        lines.append(_row(title if not place else "", item))
        lines += [_row("", f"{line}") for line in (more[place] if more else ())]
    if len(items) > _LISTED:
        lines.append(_row("", f"and {len(items) - _LISTED} more"))
    return lines


def _row(title: str, said: str) -> str:
    return f"  {title:<{_WIDTH}} {' '.join(said.split())}"
