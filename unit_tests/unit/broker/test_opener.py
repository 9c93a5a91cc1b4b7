import errno
import os

import pytest

from sdcm import paths
from sdcm.broker import opener
from sdcm.broker.client import BrokerClient, BrokerGone
from sdcm.broker.opener import BrokerSpec, OpenBroker
from sdcm.errors import EnvironmentFailed, UsageProblem
from sdcm.ownership import ledger


def places_in(tmp_path, runtime):
    return paths.from_environment(
        {"HOME": str(tmp_path), "SCT_STATE_DIR": str(tmp_path / "s"), "SCT_RUNTIME_DIR": str(runtime)}
    )


def test_a_runtime_directory_too_long_for_a_socket_is_refused_before_anything_starts(tmp_path):
    long = tmp_path / ("x" * 100)
    with pytest.raises(UsageProblem, match="SCT_RUNTIME_DIR to a shorter one"):
        OpenBroker.start(BrokerSpec("0123abcd"), places_in(tmp_path, long), os.environ)
    assert not long.exists()


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "s").write_text("a file where a folder should be")
    with pytest.raises(EnvironmentFailed, match="the broker cannot be started") as caught:
        OpenBroker.start(BrokerSpec("0123abcd"), places_in(tmp_path, tmp_path / "r"), os.environ)
    assert str(tmp_path / "s") in caught.value.why


@pytest.mark.parametrize("where", ["paths.write_private", "obituary.note_birth"])
def test_of_a_broker_that_cannot_be_started_nothing_is_left(tmp_path, monkeypatch, where):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(opener, "_require_short", lambda _: None)
    monkeypatch.setattr(f"sdcm.broker.opener.{where}", full)
    places = places_in(tmp_path, tmp_path / "r")
    with pytest.raises(EnvironmentFailed, match="No space left on device"):
        OpenBroker.start(BrokerSpec("0123abcd"), places, os.environ)
    assert list(places.runtime.iterdir()) == []
    state = ledger.read(places.run_state("0123abcd") / ledger.FILE_NAME)
    assert state is not None
    assert state.entries == ()


def test_a_broker_that_crashes_at_its_start_is_explained(tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(opener, "_ENTRY", "sdcm.run.no_such_entry")
    places = places_in(tmp_path, tmp_path_factory.mktemp("r"))  # a short path for the socket
    broker = OpenBroker.start(BrokerSpec("0123abcd"), places, {**os.environ, "PYTHONPATH": ""})
    try:
        with pytest.raises(BrokerGone, match="no_such_entry"):
            BrokerClient(broker.socket_path, "gw0", deadline=120)
        assert "no_such_entry" in broker.last_words()
    finally:
        broker.hang_up()
        broker.wait(60)
