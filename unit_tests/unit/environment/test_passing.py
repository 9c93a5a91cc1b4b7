import pytest

from sdcm.environment import passing
from sdcm.errors import DeadlinePassed, EngineLost, EnvironmentFailed, ServiceUnavailable


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            EnvironmentFailed("no node", why="Bind for 127.0.0.1:80 failed: port is already allocated"),
            "port is already",
        ),
        (EnvironmentFailed("kind", why="listen tcp4 127.0.0.1:1: bind: address already in use"), "address already in"),
        (
            EnvironmentFailed("no network", why="received unexpected HTTP status: 503 Service Unavailable"),
            "503 Service",
        ),
        (EnvironmentFailed("no node", why="it ended with status 1"), ""),
        (DeadlinePassed("no answer", why="i/o timeout"), ""),
        (EngineLost("gone", why="connection reset by peer"), ""),
        (ServiceUnavailable("no image", why="too many requests"), ""),
        (OSError("address already in use"), ""),
    ],
)
def test_only_what_may_be_gone_in_a_moment_passes(error, words):
    assert passing.reason(error).startswith(words)
    assert bool(passing.reason(error)) == bool(words)


def attempts(*outcomes):
    left = list(outcomes)

    def action():
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return action


TAKEN = EnvironmentFailed("no cluster", why="address already in use")


def test_it_is_tried_again_with_longer_pauses_and_says_so():
    said, pauses = [], []
    assert passing.again(attempts(TAKEN, TAKEN, "up"), said.append, pauses.append) == "up"
    assert pauses == list(passing.PAUSES)
    assert said == [
        "failed, which may pass (address already in use); again in 1 s, try 2 of 3",
        "failed, which may pass (address already in use); again in 4 s, try 3 of 3",
    ]


def test_the_last_try_and_every_other_failure_escape():
    with pytest.raises(EnvironmentFailed, match="no cluster"):
        passing.again(attempts(TAKEN, TAKEN, TAKEN), lambda _: None, lambda _: None)
    pauses = []
    with pytest.raises(EnvironmentFailed, match="broken"):
        passing.again(attempts(EnvironmentFailed("broken")), lambda _: None, pauses.append)
    assert pauses == []
