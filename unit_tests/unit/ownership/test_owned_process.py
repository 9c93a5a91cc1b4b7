import os
import subprocess
import sys

import pytest

from sdcm import process_identity
from sdcm.errors import EnvironmentFailed
from sdcm.ownership import owned_process, removers
from sdcm.ownership.ledger import Ledger
from sdcm.ownership.owned_process import marked, spawn_owned
from sdcm.wait import wait_for


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(tmp_path, "0123abcd", process_identity.identify())
    yield opened
    opened.close()


def test_a_program_is_in_the_ledger_before_it_exists(ledger, monkeypatch):
    seen = []
    monkeypatch.setattr(owned_process.process, "spawn", lambda *args, **options: seen.append(ledger.entries()))
    spawn_owned(ledger, ["/usr/bin/kind", "create"], env={})
    ((entry,),) = seen
    assert (entry.kind, entry.name) == ("process", "kind")


def test_a_program_whose_pid_was_never_written_down_is_ended_with_what_it_started(ledger):
    """As after a kill between its start and the next line of the ledger."""
    child, entry = spawn_owned(
        ledger, ["sh", "-c", "setsid sleep 601 & exec sleep 600"], env={"PATH": os.environ["PATH"]}
    )
    bystander = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    mark = entry.facts[owned_process.FACT]
    try:
        wait_for(lambda: len(list(marked(mark))) == 2, step=0.01, timeout=60)
        assert removers.remove([entry], ledger, 60) == []
        assert list(marked(mark)) == []
        assert ledger.entries() == ()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait(60)
        child.wait(60)


def test_one_that_cannot_be_started_is_written_off(ledger):
    with pytest.raises(EnvironmentFailed):
        spawn_owned(ledger, ["/no/such/program"], env={})
    assert ledger.entries() == ()


def test_without_a_run_nothing_is_written():
    child, entry = spawn_owned(None, ["true"], env={"PATH": os.environ["PATH"]})
    assert entry is None
    assert child.wait(60) == 0
