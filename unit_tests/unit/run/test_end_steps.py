from sdcm import journal
from sdcm.broker.defects import note_failure
from sdcm.errors import EnvironmentFailed
from sdcm.exit_codes import ExitCode
from sdcm.journal import Journal
from sdcm.reporters.outcome import RunResult
from sdcm.run.end_steps import EndSteps


def test_every_step_is_taken_the_last_first_and_failures_are_named(tmp_path):
    taken = []

    def broken():
        taken.append("broken")
        raise OSError("no space")

    path = tmp_path / journal.FILE_NAME
    with EndSteps(Journal(path)) as steps:
        steps.callback(taken.append, "first given")
        steps.callback(broken)
        steps.callback(taken.append, "last given")
    assert taken == ["last given", "broken", "first given"]
    (name,) = steps.failed
    assert name.endswith("broken")
    result = RunResult.from_file(path)
    assert result.codes() == {ExitCode.ENVIRONMENT_FAILED}
    (failure,) = result.environment_failures
    assert name in failure
    assert "no space" in failure


def test_a_failure_of_ours_keeps_its_words(tmp_path):
    path = tmp_path / journal.FILE_NAME
    note_failure(Journal(path), "broker", EnvironmentFailed("the broker is gone", why="killed"))
    (failure,) = RunResult.from_file(path).environment_failures
    assert failure == "broker: the broker is gone: killed"
