import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sdcm import process_identity
from sdcm.process_identity import ProcessIdentity


def test_an_identity_survives_its_record_and_tells_the_dead() -> None:
    child = subprocess.Popen(["sleep", "60"])
    identity = process_identity.identify(child.pid)
    assert ProcessIdentity.from_record(identity.to_record()) == identity
    assert process_identity.is_alive(identity)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not process_identity.is_alive(identity), "a zombie does not run"
    child.wait(5)
    assert not process_identity.is_alive(identity)
    with pytest.raises(ProcessLookupError):
        process_identity.identify(child.pid)


def _changed(**changes: object) -> ProcessIdentity:
    return ProcessIdentity.from_record({**process_identity.identify().to_record(), **changes})


def test_this_process_is_alive_and_judgeable() -> None:
    me = process_identity.identify()
    assert me.pid == os.getpid()
    assert process_identity.is_alive(me)
    assert process_identity.is_judgeable(me)


@pytest.mark.parametrize(
    ("changes", "alive", "judgeable"),
    [
        pytest.param({"start_ticks": 1}, False, True, id="its number was reused"),
        pytest.param({"start_time": 1.0}, True, True, id="the wall clock was set"),
        pytest.param({"boot_id": "an earlier boot"}, False, True, id="an earlier boot"),
        pytest.param({"host": "another"}, True, False, id="another host"),
        pytest.param({"pid_namespace": 1}, True, False, id="another pid namespace"),
        pytest.param(
            {"pid_namespace": 1, "boot_id": "an earlier boot"}, False, True, id="namespace of an earlier boot"
        ),
    ],
)
def test_what_can_be_told_of_a_process(changes: dict[str, object], alive: bool, judgeable: bool) -> None:
    identity = _changed(**changes)
    assert process_identity.is_alive(identity) is alive
    assert process_identity.is_judgeable(identity) is judgeable


def test_a_number_reused_within_the_second_is_another_process() -> None:
    later = _changed(start_ticks=process_identity.identify().start_ticks + 1)
    assert not process_identity.is_alive(later)


@pytest.fixture
def without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that has no /proc, as macOS."""
    monkeypatch.setattr(process_identity, "_kernel_says", lambda pid: ("", 0))
    monkeypatch.setattr(process_identity, "_STAT", Path("/nowhere"))


@pytest.mark.usefixtures("without_proc")
def test_without_proc_the_start_time_tells() -> None:
    child = subprocess.Popen(["sleep", "60"])
    identity = process_identity.identify(child.pid)
    assert process_identity.is_alive(identity)
    assert not process_identity.is_alive(replace(identity, start_time=identity.start_time - 60))
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not process_identity.is_alive(identity), "a zombie does not run"
    child.wait(5)
    with pytest.raises(ProcessLookupError):
        process_identity.identify(child.pid)
