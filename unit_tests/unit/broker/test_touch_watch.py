"""What the engine tells of a container between two tests, and how it is known that it has told all."""

import pytest

from sdcm.broker.touch_watch import TouchWatch


class Engine:
    """Tells the watch of each look at a container's output, after what is in `before`; unless it is `silent`."""

    def __init__(self):
        self.before, self.status, self.silent = [], 200, False
        self.watch = None

    def call(self, method, path, timeout):
        assert (method, path) == ("POST", "/containers/c1/attach?stream=0&logs=0")
        for action in [*self.before, *([] if self.silent else ["attach"])]:
            self.tell(action)
        return self.status, None

    def tell(self, action):
        self.watch._take({"Actor": {"ID": "c1"}, "Action": action})


class Watch(TouchWatch):
    """Told by the engine itself."""

    def _follow(self):
        self._listening.set()


@pytest.fixture
def engine():
    made = Engine()
    made.watch = Watch(made, "0123abcd")
    return made


def test_what_the_engine_tells_before_our_look_counts(engine):
    assert engine.watch.touches_by_now("c1") == ""
    engine.before = ["exec_create: touch /tmp/left"]
    assert engine.watch.touches_by_now("c1") == "exec_create: touch /tmp/left"
    engine.watch.forget("c1")
    engine.before = ["exec_create: nodetool status"]
    assert engine.watch.touches_by_now("c1") == ""


def test_a_look_of_somebody_else_is_a_touch(engine):
    engine.tell("attach")
    assert engine.watch.touches_by_now("c1") == "attach"


def test_an_engine_that_refuses_or_does_not_tell_leaves_the_node_unknown(engine, monkeypatch):
    engine.status, engine.silent = 409, True
    assert "status 409" in engine.watch.touches_by_now("c1")
    engine.status = 200
    monkeypatch.setattr("sdcm.broker.touch_watch._BARRIER", 0.01)
    assert "does not tell" in engine.watch.touches_by_now("c1")
