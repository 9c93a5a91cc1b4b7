"""A run as Markdown: for a job's summary page, a pull request's comment, a chat."""

from sdcm.reporters.outcome import RunResult
from sdcm.reporters.records import EndedTest

#: Failures and leaks that are listed, and characters of one failure's text that are shown.
_LISTED = 30
_SHOWN = 3_000
_SLOWEST = 5


def to_markdown(result: RunResult) -> str:
    """Return the run's report, some kilobytes long however large the run was."""
    state = f"exit code {result.exit_code}" if result.finished else "did not come to its end"
    counted = ", ".join(f"{number} {outcome}" for outcome, number in result.counts.items()) or "no test ran"
    if result.not_run:
        counted += f", {result.not_run} not run"
    lines = [f"## {result.command or 'run'} `{result.run}`: {state}", "", f"{counted} in {result.seconds:.1f} s", ""]
    lines += _shards(result)
    for name, tests in result.failures_by_class.items():
        lines += [f"### Failed: {name} ({len(tests)})", ""]
        for test in tests[:_LISTED]:
            lines += _failure(test, result)
        lines += _more(len(tests))
    lines += _listed("Unfinished", [f"`{test.test}`" for test in result.unfinished])
    lines += _listed("Set-up", [f"{_plain(step.step)}: {_plain(step.error)}" for step in result.failed_steps])
    lines += _listed("Leaks", [_plain(str(leak)) for leak in result.leaks])
    lines += _listed("Left over", [_plain(left) for left in result.leftovers])
    if result.skips:
        lines += ["### Skipped", "", "| tests | service | reason |", "|---|---|---|"]
        lines += [f"| {skip.count} | {skip.service} | {_plain(skip.reason)} |" for skip in result.skips[:_LISTED]]
        lines.append("")
    if slowest := sorted(result.tests, key=lambda test: -test.seconds)[:_SLOWEST]:
        lines += ["### Slowest", "", "| seconds | test |", "|---|---|"]
        lines += [f"| {test.seconds:.1f} | {_plain(test.test)} |" for test in slowest]
        lines.append("")
    return "\n".join(lines)


def _shards(result: RunResult) -> list[str]:
    """Return what is to be said of the shards of a merged run."""
    complete = sum(not shard.lost for shard in result.shards)
    lines = [f"{complete} of {len(result.shards)} shards complete", ""] if result.shards else []
    lines += _listed("Lost", [_plain(shard.lost) for shard in result.shards if shard.lost])
    return lines + _listed("Shards that do not fit together", [_plain(misfit) for misfit in result.misfits])


def _failure(test: EndedTest, result: RunResult) -> list[str]:
    where = f" (in {test.phase})" if test.phase in {"setup", "teardown"} else ""
    head = f"<code>{_escaped(test.test)}</code>{where}: {_escaped(' '.join(test.reason.split()))}"
    kept = []
    if test.evidence is not None:
        kept += [f"Tells most: <code>{_escaped(test.evidence.line)}</code>", ""] if test.evidence.line else []
        kept += [f"Evidence: `{result.folder_of(test) or test.evidence.folder}`", ""]
    if not test.text:
        return [f"- {head}", "", *kept]
    content = test.text if len(test.text) <= _SHOWN else "...\n" + test.text[-_SHOWN:]
    # A block of HTML ends at an empty line, so the text is in a fence of its own.
    fence = "`" * (max((len(run) for run in _ticks(content)), default=2) + 1)
    return [f"<details><summary>{head}</summary>", "", *kept, fence, content, fence, "", "</details>", ""]


def _ticks(content: str) -> list[str]:
    """Return the runs of backticks in a text, those of three and more."""
    runs = "".join(letter if letter == "`" else " " for letter in content).split()
    return [run for run in runs if len(run) >= 3]


def _listed(title: str, items: list[str]) -> list[str]:
    if not items:
        return []
    return [f"### {title} ({len(items)})", "", *(f"- {item}" for item in items[:_LISTED]), *_more(len(items)), ""]


def _more(number: int) -> list[str]:
    return [f"- and {number - _LISTED} more", ""] if number > _LISTED else []


def _plain(value: str) -> str:
    """Return text on one line that neither ends a table's cell nor is taken for HTML."""
    return _escaped(" ".join(value.split())).replace("|", "\\|")


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;")
