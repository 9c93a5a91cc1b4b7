"""Following an engine's event stream."""

import queue

from sdcm.broker import engine_events
from sdcm.broker.engine_events import EngineEvents, clock_skew
from sdcm.ownership.docker_endpoint import Endpoint
from unit_tests.lib.fake_engine import FakeEngine


def told(kind, action, number, at, **attributes):
    return {
        "Type": kind,
        "Action": action,
        "timeNano": int(at * 1e9),
        "Actor": {"ID": number, "Attributes": attributes},
    }


def test_events_come_as_they_happen_and_over_a_break_of_the_stream(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_events, "_PAUSE", 0.01)
    engine = FakeEngine(tmp_path)
    engine.events = [told("container", "create", "c1", 10, name="lone", image="i:1"), {"odd": 1}]
    heard = queue.Queue()
    events = EngineEvents(Endpoint(engine.host), heard.put)
    try:
        first = heard.get(timeout=60)
        engine.events.append(told("volume", "destroy", "v1", 11))
        second = heard.get(timeout=60)
    finally:
        events.close()
        engine.close()
    assert (first.kind, first.created, first.id, first.name, first.at) == ("container", True, "c1", "lone", 10.0)
    assert first.attributes["image"] == "i:1"
    assert (second.kind, second.created, second.name) == ("volume", False, "v1")


def test_an_engine_of_this_machine_has_its_clock(tmp_path):
    assert clock_skew(Endpoint(f"unix://{tmp_path}/none.sock")) == 0.0
