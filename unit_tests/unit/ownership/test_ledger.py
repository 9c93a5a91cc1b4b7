"""The ledger: on disk before the resource exists, true after any death of its writer."""

import json
import os
import signal
import stat
import sys
import threading
from pathlib import Path

import pytest

from sdcm import process, process_identity
from sdcm.ownership import ledger
from sdcm.ownership.ledger import Entry, Ledger, LedgerState
from sdcm.process_identity import ProcessIdentity
from sdcm.wait import wait_for

OWNER = ProcessIdentity(pid=4711, start_ticks=15, start_time=0.0, boot_id="boot", host="here", pid_namespace=7)


def _open(folder: Path) -> Ledger:
    return Ledger(folder, "0badcafe", OWNER)


def _read(folder: Path) -> LedgerState:
    state = ledger.read(folder / ledger.FILE_NAME)
    assert state is not None
    return state


def test_an_entry_is_on_disk_before_the_resource_is_made(tmp_path: Path) -> None:
    book = _open(tmp_path / "run")
    network = book.will_make("network", "sct-0badcafe", host="unix:///run/engine")
    node = book.will_make("container", "sct-0badcafe-scylla-1", host="unix:///run/engine")
    state = _read(tmp_path / "run")
    assert state == LedgerState("0badcafe", OWNER, (network, node))
    assert network == Entry(1, "network", "sct-0badcafe", {"host": "unix:///run/engine"})
    assert book.entries() == (network, node)
    book.close()


def test_what_was_removed_is_not_listed_and_twice_does_no_harm(tmp_path: Path) -> None:
    book = _open(tmp_path)
    first, second = book.will_make("directory", "/a"), book.will_make("directory", "/b")
    book.removed(first)
    book.removed(first)
    assert book.entries() == _read(tmp_path).entries == (second,)
    assert book.path.read_bytes().count(b'"removed"') == 1


def test_each_line_is_synced_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append((tmp_path / ledger.FILE_NAME).read_bytes()))
    book = _open(tmp_path)
    entry = book.will_make("network", "n")
    book.removed(entry)
    assert [text.count(b"\n") for text in synced] == [1, 2, 3]


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    book = _open(tmp_path / "run")
    assert stat.S_IMODE(book.path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700


def test_no_file_and_no_owner_is_no_ledger(tmp_path: Path) -> None:
    path = tmp_path / ledger.FILE_NAME
    assert ledger.read(path) is None
    path.write_bytes(b'{"op":"own')
    assert ledger.read(path) is None


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    entry = _open(tmp_path).will_make("network", "n")
    path = tmp_path / ledger.FILE_NAME
    path.write_bytes(path.read_bytes() + b'{"op":"make","number":2,"kind":"conta')
    assert _read(tmp_path).entries == (entry,)


def test_a_new_owner_takes_over_after_a_torn_line(tmp_path: Path) -> None:
    entry = _open(tmp_path).will_make("network", "n")
    path = tmp_path / ledger.FILE_NAME
    path.write_bytes(path.read_bytes() + b'{"op":"make","number":2,"kind":"conta')
    heir = ProcessIdentity(pid=4712, start_ticks=25, start_time=0.0, boot_id="boot", host="here", pid_namespace=7)
    book = Ledger(tmp_path, "0badcafe", heir)
    assert book.entries() == (entry,)
    second = book.will_make("container", "c")
    assert second.number == 2, "numbers go on where the last whole line left them"
    assert _read(tmp_path) == LedgerState("0badcafe", heir, (entry, second))
    book.removed(entry)
    assert _read(tmp_path).entries == (second,)


def test_numbers_of_removed_resources_are_not_used_again(tmp_path: Path) -> None:
    book = _open(tmp_path)
    book.removed(book.will_make("network", "n"))
    book.close()
    assert _open(tmp_path).will_make("network", "m").number == 2


def test_a_kept_environment_says_until_when(tmp_path: Path) -> None:
    book = _open(tmp_path)
    assert _read(tmp_path).keep_until == 0
    book.keep_until(1234.5)
    assert _read(tmp_path).keep_until == 1234.5


def test_many_threads_share_one_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # its time is not what is tested
    book = _open(tmp_path)

    def work(name: str) -> None:
        for number in range(50):
            entry = book.will_make("container", f"{name}-{number}")
            if number % 2:
                book.removed(entry)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = _read(tmp_path).entries
    assert len(entries) == len({entry.number for entry in entries}) == 200
    assert entries == book.entries()
    assert {entry.name for entry in entries} == {f"{name}-{n}" for name in range(8) for n in range(0, 50, 2)}
    for line in book.path.read_bytes().splitlines():
        json.loads(line)


_MAKER = """
import sys
from pathlib import Path
from sdcm import process_identity
from sdcm.ownership.ledger import Ledger
book = Ledger(Path(sys.argv[1]), "0badcafe", process_identity.identify())
while True:
    entry = book.will_make("directory", "x")
    print(entry.number, flush=True)
"""


def test_what_a_killed_process_had_made_is_found(tmp_path: Path) -> None:
    log = tmp_path / "made"
    maker = process.spawn([sys.executable, "-c", _MAKER, tmp_path / "run"], log=log)
    identity = process_identity.identify(maker.pid)
    wait_for(lambda: log.read_text().count("\n") >= 20, step=0.02, timeout=60)
    os.kill(maker.pid, signal.SIGKILL)
    maker.wait(60)
    made = [int(line) for line in log.read_text().split("\n")[:-1] if line]
    state = _read(tmp_path / "run")
    assert {entry.number for entry in state.entries} >= set(made)
    assert state.owner.pid == identity.pid
    assert not process_identity.is_alive(state.owner)
