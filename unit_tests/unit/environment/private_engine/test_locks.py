import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sdcm.environment.private_engine.locks import FileLock, gate, users_lock
from sdcm.errors import DeadlinePassed, EnvironmentFailed
from sdcm.wait import wait_for

HOLDER = """\
import sys, time
from pathlib import Path
from sdcm.environment.private_engine.locks import users_lock
lock = users_lock(Path(sys.argv[1]))
print(lock.try_shared(), flush=True)
time.sleep(600)
"""


def test_the_users_lock_is_shared_until_one_is_left(tmp_path: Path) -> None:
    first, second = users_lock(tmp_path), users_lock(tmp_path)
    assert first.try_shared()
    assert second.try_shared()
    assert not first.try_exclusive()
    assert first.try_shared()
    second.close()
    assert first.try_exclusive()
    first.close()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"True\n"
    mine = users_lock(tmp_path)
    assert not mine.try_exclusive()
    holder.kill()
    holder.wait()
    assert mine.try_exclusive()
    mine.close()


def test_a_directory_that_cannot_be_made_is_named_with_what_mends_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for base in (tmp_path / "file", tmp_path / "file" / "engine"):
        with (
            pytest.raises(EnvironmentFailed, match=f"{base} cannot .*: Not a directory -- set SCT_ENGINE_DIR"),
            gate(base, deadline=1, say=lambda _: None),
        ):
            pass


def test_the_gate_lets_one_through_and_says_who_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdcm.environment.private_engine.locks._SAY_EVERY", 0.05)
    said: list[str] = []
    passed = threading.Event()

    def wait() -> None:
        with gate(tmp_path, deadline=120, say=said.append):
            passed.set()

    with gate(tmp_path, deadline=60, say=said.append):
        thread = threading.Thread(target=wait)
        thread.start()
        wait_for(lambda: said, step=0.02, text="the other says that it waits", timeout=60)
        assert not passed.is_set()
    thread.join(60)
    assert passed.is_set()
    assert said
    assert said[0].startswith("waiting for another run that starts or stops the private engine")


def test_the_gate_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    other = FileLock(tmp_path / "gate.lock")
    assert other.try_exclusive()
    with pytest.raises(DeadlinePassed, match="was not free within"), gate(tmp_path, deadline=0.1, say=print):
        raise AssertionError
    other.close()
