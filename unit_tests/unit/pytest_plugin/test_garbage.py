"""Nothing is collected as garbage until the tests begin; then all of it is, as ever."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from sdcm.broker.protocol import PLAIN_VARIABLE, RUN_VARIABLE
from sdcm.pytest_plugin import garbage


@pytest.fixture(autouse=True)
def _collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(RUN_VARIABLE, "run")
    monkeypatch.delenv(PLAIN_VARIABLE, raising=False)
    monkeypatch.setattr(gc, "freeze", lambda: None)  # what this process's own tests have made is not there to stay
    gc.enable()
    yield
    gc.enable()


@pytest.fixture
def config() -> Iterator[Any]:
    with ExitStack() as cleanups:
        yield SimpleNamespace(stash=pytest.Stash(), add_cleanup=cleanups.callback)


def test_collector_rests_until_the_tests_begin(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    apart: list[bool] = []
    monkeypatch.setattr(gc, "freeze", lambda: apart.append(gc.isenabled()))
    garbage.hold(config)
    assert not gc.isenabled()
    session: Any = SimpleNamespace(config=config)
    garbage.pytest_runtestloop(session)
    assert gc.isenabled()
    garbage.pytest_runtestloop(session)
    assert apart == [False]  # once, and before anything could be collected


def test_session_ends_with_the_collector_on_and_what_is_left_apart(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart: list[bool] = []
    with ExitStack() as cleanups:
        config.add_cleanup = cleanups.callback
        garbage.hold(config)
        assert not gc.isenabled()
        monkeypatch.setattr(gc, "freeze", lambda: apart.append(gc.isenabled()))
    assert gc.isenabled()
    assert apart == [True]


@pytest.mark.parametrize("whose", ["plain", "switched-off"])
def test_what_others_decide_stays(config: Any, monkeypatch: pytest.MonkeyPatch, whose: str) -> None:
    if whose == "plain":
        monkeypatch.setenv(PLAIN_VARIABLE, "1")
    else:
        gc.disable()
    before = gc.isenabled()
    garbage.hold(config)
    assert gc.isenabled() is before
    session: Any = SimpleNamespace(config=config)
    garbage.pytest_runtestloop(session)
    assert gc.isenabled() is before
