import os
import signal
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from sdcm.cli import engine_at_hand as module
from sdcm.errors import Interrupted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_lets_go_of_the_engine_and_stops_a_private_one(monkeypatch, tmp_path, number):
    done = []

    @contextmanager
    def hold(choice, places, step):
        try:
            yield "engine"
        finally:
            done.append("let go")

    monkeypatch.setenv("SCT_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(module, "find_engine", lambda *args, **kwargs: SimpleNamespace(private=True))
    monkeypatch.setattr(module, "hold_engine", hold)
    monkeypatch.setattr("sdcm.environment.engine.stop_if_unused", lambda places: done.append("stopped"))
    before = signal.getsignal(number)
    with pytest.raises(Interrupted), module.engine_at_hand():
        os.kill(os.getpid(), number)
    assert done == ["let go", "stopped"]
    assert signal.getsignal(number) is before
