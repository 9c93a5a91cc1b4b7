from pathlib import Path

import pytest

from sdcm.environment.catalogue import Entry
from sdcm.environment.image_sources import build
from sdcm.environment.image_sources.build import BuildFailed, build_with_retries

PASSING = "Err:1 docker-registry\n  Temporary failure resolving 'mirror'"


def failing(monkeypatch, *evidences):
    """Let builds fail with these evidences, one after the other, and then succeed."""
    left = list(evidences)

    def attempt(*_args, **_kwargs):
        if left:
            raise BuildFailed("no", evidence=left.pop(0))

    monkeypatch.setattr(build, "build", attempt)
    return left


def again(told, pauses=(0.0, 0.0)):
    build_with_retries(None, Entry("a", "sct/a:1", folder=Path()), {}, tell=told.append, pauses=pauses)


def test_a_failure_that_may_pass_is_tried_again_and_said(monkeypatch):
    told = []
    failing(monkeypatch, PASSING)
    again(told)
    assert told == ["building a again in 0 s: Temporary failure resolving"]


@pytest.mark.parametrize(
    "evidence",
    [
        "warning: spurious network error (1 tries remaining): [28] Timeout was reached",
        "[28] Timeout was reached (Operation too slow. Less than 10 bytes/sec transferred the last 30 seconds)",
        "npm error code ETIMEDOUT",
        "npm error network socket hang up",
        "Connect timed out",
        "read tcp: connection reset by peer",
        "net/http: TLS handshake timeout",
        "curl: (22) The requested URL returned error: 503 Service Unavailable",
    ],
)
def test_what_package_clients_say_of_a_bad_moment_is_known(monkeypatch, evidence):
    told = []
    failing(monkeypatch, evidence)
    again(told)
    assert len(told) == 1


def test_a_failure_of_the_build_itself_is_final(monkeypatch):
    left = failing(monkeypatch, "error: no such function", PASSING)
    with pytest.raises(BuildFailed):
        again([])
    assert left == [PASSING]


def test_it_is_not_tried_for_ever(monkeypatch):
    told = []
    failing(monkeypatch, *[PASSING] * 3)
    with pytest.raises(BuildFailed):
        again(told)
    assert len(told) == 2
