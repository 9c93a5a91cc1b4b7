"""An idle node is held still, and what is done to it meanwhile is seen."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from sdcm.broker import node_care
from sdcm.broker.node_care import NodeCare
from sdcm.broker.touch_watch import TouchWatch
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.wait import wait_for
from unit_tests.lib.fake_engine import FakeEngine
from unit_tests.lib.set_clock import SetClock

NODE = SimpleNamespace(container_id="c1")
PAUSE = "POST /containers/c1/pause"
NOT_FROZEN = (500, {"message": "Cannot pause container c1: OCI runtime pause failed: unable to freeze: unknown"})
DONE = (204, None)


@pytest.fixture
def engine(tmp_path):
    fake = FakeEngine(tmp_path)
    yield fake
    fake.close()


@pytest.fixture
def care(engine, monkeypatch):
    monkeypatch.setattr(node_care, "time", SetClock())
    monkeypatch.setattr(node_care, "TouchWatch", lambda *_: SimpleNamespace(await_start=lambda: None))
    supplies = SimpleNamespace(run_id="0123abcd", engine=lambda: SimpleNamespace(endpoint=Endpoint(engine.host)))
    return NodeCare(supplies)


def test_a_node_that_does_not_stand_still_is_asked_again(engine, care):
    engine.refusals[PAUSE] = [NOT_FROZEN, NOT_FROZEN, DONE]
    assert care.rest(NODE) == ""
    assert engine.refusals[PAUSE] == []


def test_one_that_never_does_is_given_up(engine, care):
    engine.refusals[PAUSE] = [NOT_FROZEN] * 1000
    assert "unable to freeze" in care.rest(NODE)
    assert 10 < 1000 - len(engine.refusals[PAUSE]) < 200


def test_another_answer_is_final(engine, care):
    engine.refusals[PAUSE] = [(409, {"message": "container is not running"}), DONE]
    assert "is not running" in care.rest(NODE)
    assert engine.refusals[PAUSE] == [DONE]


def test_when_the_engine_tells_what_is_no_event_every_node_counts_as_touched(engine):
    engine.events.append({})
    watch = TouchWatch(Endpoint(engine.host), "0123abcd")
    assert "broke off" in wait_for(lambda: watch.seen("c1"), timeout=60, step=0.02, text="the watch has noticed")


@pytest.mark.parametrize(("wanted", "calls"), [(True, []), (False, [PAUSE, "POST /containers/c1/unpause"])])
def test_a_node_that_a_test_waits_for_is_not_held_still_first(engine, care, monkeypatch, wanted, calls):
    watch = SimpleNamespace(
        pauses=lambda _id: 0,
        touches=lambda _id, _before: "",
        touches_by_now=lambda _id: "",
        seen=lambda _id: "",
        forget=lambda _id: None,
    )
    monkeypatch.setattr(care, "_watch", watch)
    monkeypatch.setattr("sdcm.containers.pristine.connection_with", lambda _node: nullcontext())
    monkeypatch.setattr("sdcm.containers.pristine.restore", lambda *_: "")
    for path in (PAUSE, "POST /containers/c1/unpause"):
        engine.refusals[path] = [DONE]
    node = SimpleNamespace(container_id="c1", flavour="cassandra")
    assert care.put_back(node, None, wanted=lambda: wanted) == ""
    assert care.wake(node) == ""
    assert engine.requests == calls
