"""What teardown does when a removal fails."""

import pytest

from sdcm import journal as journals
from sdcm import process_identity
from sdcm.errors import EnvironmentFailed
from sdcm.journal import Journal
from sdcm.ownership import removers
from sdcm.ownership.ledger import Ledger
from sdcm.paths import Paths
from sdcm.run import teardown

RUN = "0123abcd"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Tears a run down that has a runtime directory and a private engine; `ended` is what the journal has of it."""
    places = Paths(*(tmp_path / name for name in ("runtime", "state", "cache", "engine")))
    monkeypatch.setenv("SCT_RUNTIME_DIR", str(places.runtime))
    monkeypatch.setattr(teardown, "end_strays", lambda *_: None)
    places.run_runtime(RUN).mkdir(parents=True)
    ledger = Ledger(places.run_state(RUN), RUN, process_identity.identify())
    journal = Journal(places.run_state(RUN) / journals.FILE_NAME)
    ledger.will_make("directory", str(places.run_runtime(RUN)))
    ledger.will_make("engine", str(places.engine))

    def tear_down():
        left = teardown.tear_down(RUN, places, ledger, journal)
        assert places.run_runtime(RUN).exists() == any(each.kind == "directory" for each in left)
        failed = [record["name"] for record in journals.read(journal.path) if record["event"] == "removal-failed"]
        return [each.kind for each in left], failed, [entry.kind for entry in ledger.entries()]

    yield tear_down, places
    journal.close()
    ledger.close()


def failing(times, then=lambda *_: None):
    """Return what fails so often before it does what it should."""
    failures = [EnvironmentFailed("busy")] * times

    def remove(*arguments):
        if failures:
            raise failures.pop()
        return then(*arguments)

    return remove


@pytest.mark.parametrize("what", ["directory", "engine"])
def test_what_goes_last_is_tried_again_too(run, monkeypatch, what):
    tear_down, places = run
    directory, engine = removers.remove_directory, lambda _places: True
    monkeypatch.setattr(removers, "remove_directory", failing(what == "directory", directory))
    monkeypatch.setattr(teardown, "stop_if_unused", failing(what == "engine", engine))
    name = str(places.run_runtime(RUN) if what == "directory" else places.engine)
    assert tear_down() == ([], [name], [])


def test_what_fails_twice_is_left_and_stays_in_the_ledger(run, monkeypatch):
    tear_down, places = run
    monkeypatch.setattr(teardown, "stop_if_unused", failing(2))
    assert tear_down() == (["engine"], [str(places.engine)], ["engine"])
