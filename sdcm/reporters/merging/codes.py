"""The exit code of a run that consists of shards: what their own codes say together."""

from collections.abc import Sequence

from sdcm.exit_codes import ExitCode, first_that_applies
from sdcm.reporters.merging.attempts import ShardRun
from sdcm.reporters.shard_records import COMPLETE, ShardEnd

#: Codes that a shard's end does not say of the whole: there is more to it than this shard.
_OF_A_SHARE = {ExitCode.OK, ExitCode.NOTHING_SELECTED, ExitCode.UNAVAILABLE}
#: Classes of failure that are not the tests' own.
_NOT_OF_TESTS = {"environment", "leak"}


def exit_code(runs: Sequence[ShardRun], ends: Sequence[ShardEnd], *, misfits: bool = False) -> ExitCode:
    """Return the first code that applies.

    A complete shard's own code holds for the whole, but for two: that all its tests were skipped, or none selected,
    says nothing of the others. A lost shard counts as a failed environment beside what its tests have said; only where
    all that came back were interrupted was the run itself.

    Args:
        runs: The run that counts for each shard that came back.
        ends: All shards' ends.
        misfits: The shards do not fit together.
    """
    complete = [run for run in runs if run.state == COMPLETE]
    codes = {code for run in complete for code in _known(run.result.exit_code) if code not in _OF_A_SHARE}
    if misfits:
        codes.add(ExitCode.USAGE)
    if any(end.state != COMPLETE for end in ends):
        codes.add(ExitCode.ENVIRONMENT_FAILED)
    if runs and all(run.interrupted for run in runs):
        codes.add(ExitCode.INTERRUPTED)
    for run in runs:
        if run.state != COMPLETE:
            by_class = run.result.failures_by_class
            codes |= {ExitCode.TESTS_FAILED} if by_class.keys() - _NOT_OF_TESTS else set()
            codes |= {ExitCode.LEAKED} if "leak" in by_class or run.result.leaks_that_count else set()
    if complete and all(run.result.exit_code == ExitCode.NOTHING_SELECTED for run in complete):
        codes.add(ExitCode.NOTHING_SELECTED)
    if _unavailable(complete):
        codes.add(ExitCode.UNAVAILABLE)
    return first_that_applies(codes)


def _unavailable(complete: Sequence[ShardRun]) -> bool:
    """Whether something required was not to be had: for a share of skipped tests alone, only if others ran none too."""
    said = [run.result for run in complete if run.result.exit_code == ExitCode.UNAVAILABLE]
    if any(result.docker_unavailable or not result.all_skipped_for_services for result in said):
        return True
    ran = any(test.outcome != "skipped" for run in complete for test in run.result.tests)
    return bool(said) and not ran


def _known(code: int | None) -> tuple[ExitCode, ...]:
    try:
        return (ExitCode(code),) if code is not None else ()
    except ValueError:
        return (ExitCode.TESTS_FAILED,)
