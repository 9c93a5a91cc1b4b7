import threading

import pytest

from sdcm.run import engine_watch
from sdcm.run.engine_watch import EngineWatch, lost_engine

ENOUGH = 30


class FakeEndpoint:
    """Answers as told, the last for ever; tells when it was asked often enough."""

    def __init__(self, *answers, listens=False):
        self.asked = 0
        self.often = threading.Event()
        self._answers = answers
        self._listens = listens

    def silence(self, _timeout):
        self.asked += 1
        if self.asked == ENOUGH:
            self.often.set()
        return self._answers[min(self.asked, len(self._answers)) - 1]

    def listens(self):
        return self._listens


def watch(endpoint, closing=None):
    """Return why the engine was taken for lost; empty when it was not, though asked often enough."""
    lost, closing = [], closing or threading.Event()

    def take(reason):
        lost.append(reason)
        closing.set()
        endpoint.often.set()

    EngineWatch(endpoint, closing, take, every=0.001).start()
    if not closing.is_set():
        assert endpoint.often.wait(60)
    closing.set()
    return "".join(lost)


def test_an_engine_that_nobody_listens_for_any_more_is_lost_at_the_second_look():
    endpoint = FakeEndpoint("", "Connection refused")
    assert watch(endpoint) == "Connection refused"
    assert endpoint.asked == 3


@pytest.mark.parametrize("answers", [("",), ("Connection refused", "") * 500])
def test_one_that_answers_again_is_not_lost(answers):
    assert watch(FakeEndpoint(*answers)) == ""


def test_a_busy_one_that_still_listens_has_longer():
    endpoint = FakeEndpoint("no answer within 10 s", listens=True)
    assert watch(endpoint) == "no answer within 10 s"
    assert endpoint.asked == engine_watch._TIMES


def test_the_runs_own_end_is_no_loss():
    closing = threading.Event()
    closing.set()
    assert watch(FakeEndpoint("gone"), closing) == ""


def test_the_runner_reads_what_the_broker_wrote(tmp_path):
    assert lost_engine(tmp_path) == ""
    (tmp_path / engine_watch.LOST_FILE).write_text("the engine is gone")
    assert lost_engine(tmp_path) == "the engine is gone"
