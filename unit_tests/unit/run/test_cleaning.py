import json
import os
import time
from dataclasses import replace

import pytest
from click.testing import CliRunner

from sdcm import paths
from sdcm.cli import clean
from sdcm.exit_codes import ExitCode
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.ownership.ledger import Ledger
from sdcm.process_identity import identify
from sdcm.run import cleaning
from unit_tests.lib.fake_engine import FakeEngine

HOUR = 3600.0


@pytest.fixture
def places(tmp_path, monkeypatch):
    for name in ("RUNTIME", "STATE", "CACHE", "ENGINE"):
        monkeypatch.setenv(f"SCT_{name}_DIR", str(tmp_path / name.lower()))
    return paths.from_environment()


@pytest.fixture
def engine(tmp_path):
    fake = FakeEngine(tmp_path)
    yield fake
    fake.close()


def dead(**changes):
    return replace(identify(), start_ticks=1, **changes)


@pytest.fixture
def run(places, engine):
    """Make a run with one container, on the engine and in its ledger."""

    def make(run_id, owner, *, quiet=0.0, kind="container"):
        state = places.run_state(run_id)
        opened = Ledger(state, run_id, owner)
        opened.will_make(kind, f"sct-{run_id}-scylla-1", host=engine.host)
        opened.close()
        os.utime(opened.path, (time.time() - quiet,) * 2)
        engine.add_container(f"sct-{run_id}-scylla-1", {"sct.run": run_id})
        return run_id

    return make


def names(found):
    return sorted(candidate.name for candidate in found.candidates())


def on_engine(engine):
    return sorted(container["Names"][0].lstrip("/") for container in engine.containers)


def test_only_what_dead_owners_left_is_removed(places, engine, run):
    run("aaaaaaaa", dead())
    run("bbbbbbbb", identify())
    run("cccccccc", dead(host="elsewhere"), quiet=50 * HOUR)
    run("dddddddd", dead(pid_namespace=1), quiet=50 * HOUR)
    engine.add_container("theirs", {})
    found = cleaning.look(places, Endpoint(engine.host), None)
    assert names(found) == ["sct-aaaaaaaa-scylla-1"]
    assert found.spared == 2
    (candidate,) = found.candidates()
    assert (candidate.kind, candidate.run, candidate.why) == ("container", "aaaaaaaa", "its owner is dead")
    assert candidate.age is not None
    assert 0 <= candidate.age < 60
    assert found.remove(places) == []
    assert "sct-aaaaaaaa-scylla-1" not in on_engine(engine)
    assert len(on_engine(engine)) == 4


def test_older_than_adds_those_that_cannot_be_judged_and_never_a_live_one(places, engine, run):
    run("bbbbbbbb", identify(), quiet=50 * HOUR)
    run("cccccccc", dead(host="elsewhere"), quiet=3 * HOUR)
    run("dddddddd", dead(pid_namespace=1), quiet=HOUR)
    found = cleaning.look(places, Endpoint(engine.host), 2 * HOUR)
    assert names(found) == ["sct-cccccccc-scylla-1"]
    assert found.candidates()[0].why == "no sign of life for 3 h"
    assert "of elsewhere" in found.candidates()[0].owner
    assert found.remove(places) == []
    assert on_engine(engine) == ["sct-bbbbbbbb-scylla-1", "sct-dddddddd-scylla-1"]


def test_a_kept_environment_of_another_host_stays_for_its_time(places, engine, run):
    run("cccccccc", dead(host="elsewhere"), quiet=50 * HOUR)
    opened = Ledger(places.run_state("cccccccc"), "cccccccc", dead(host="elsewhere"))
    opened.keep_until(time.time() + HOUR)
    opened.close()
    os.utime(opened.path, (1, 1))
    assert names(cleaning.look(places, None, 2 * HOUR)) == []


def test_processes_out_of_reach_are_written_off(places, engine, run):
    run("cccccccc", dead(host="elsewhere"), quiet=3 * HOUR, kind="process")
    assert cleaning.look(places, None, HOUR).remove(places) == []
    assert names(cleaning.look(places, None, HOUR)) == []


def test_objects_without_a_ledger_need_an_age(places, engine):
    engine.add_container("old", {"sct.run": "eeeeeeee"})
    engine.containers[-1]["Created"] = time.time() - 3 * HOUR
    engine.networks = [
        {"Id": "n", "Name": "young", "Labels": {"sct.run": "ffffffff"}, "Created": "2999-01-01T00:00:00Z"}
    ]
    endpoint = Endpoint(engine.host)
    assert names(cleaning.look(places, endpoint, None)) == []
    assert names(cleaning.look(places, endpoint, 4 * HOUR)) == []
    found = cleaning.look(places, endpoint, 2 * HOUR)
    assert names(found) == ["old"]
    assert found.remove(places) == []
    assert on_engine(engine) == []
    assert engine.networks


def test_an_object_whose_run_is_over_goes_without_an_age(places, engine):
    Ledger(places.run_state("aaaaaaaa"), "aaaaaaaa", dead()).close()
    Ledger(places.run_state("bbbbbbbb"), "bbbbbbbb", identify()).close()
    for run_id in ("aaaaaaaa", "bbbbbbbb"):
        engine.add_container(f"late-{run_id}", {"sct.run": run_id})
    assert names(cleaning.look(places, Endpoint(engine.host), None)) == ["late-aaaaaaaa"]


def test_a_run_sweeps_what_came_after_its_maker_was_dead_and_nothing_else(places, engine, run):
    Ledger(places.run_state("aaaaaaaa"), "aaaaaaaa", dead()).close()
    engine.add_container("late", {"sct.run": "aaaaaaaa"})
    engine.add_container("of-another-state-directory", {"sct.run": "eeeeeeee"})
    run("bbbbbbbb", identify())
    run("cccccccc", dead(host="elsewhere"), quiet=50 * HOUR)
    cleaning.remove_late_objects(places, Endpoint(engine.host))
    left = ["of-another-state-directory", "sct-bbbbbbbb-scylla-1", "sct-cccccccc-scylla-1"]
    assert on_engine(engine) == left


@pytest.fixture
def clean_here(places, engine, monkeypatch):
    monkeypatch.setattr(clean, "_engine_that_answers", lambda places: Endpoint(engine.host))
    monkeypatch.setattr("sdcm.environment.engine.stop_if_unused", lambda places: True)
    return lambda *arguments: CliRunner().invoke(clean.command, arguments, standalone_mode=False)


def test_a_dry_run_lists_and_removes_nothing(clean_here, engine, run):
    run("aaaaaaaa", dead())
    run("cccccccc", dead(host="elsewhere"))
    ended = clean_here("--dry-run")
    assert ended.return_value == ExitCode.OK
    assert "container     sct-aaaaaaaa-scylla-1" in ended.stdout
    assert "run aaaaaaaa, process" in ended.stdout
    assert "its owner is dead" in ended.stdout
    assert "1 runs of other hosts or containers are left alone" in ended.stdout
    assert len(on_engine(engine)) == 2
    told = json.loads(clean_here("--dry-run", "--json").stdout)
    assert told["dry_run"] is True
    assert [each["name"] for each in told["found"]] == ["sct-aaaaaaaa-scylla-1"]
    assert len(on_engine(engine)) == 2


def test_what_stays_is_told_and_is_the_exit_code(clean_here, engine, run, monkeypatch):
    run("aaaaaaaa", dead())
    monkeypatch.setattr("sdcm.run.cleaning.teardown.removers.remove", lambda *args, **kwargs: _stuck(args))
    ended = clean_here()
    assert ended.return_value == ExitCode.ENVIRONMENT_FAILED
    assert "left over: container sct-aaaaaaaa-scylla-1 (driver failed)" in ended.stderr


def _stuck(arguments):
    from sdcm.ownership.removers import Leftover

    return [Leftover(entry.kind, entry.name, "driver failed") for entry in arguments[0]]


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5400.0), ("2h", 7200.0), ("1.5d", 129600.0), ("30s", 30.0)])
def test_durations(text, seconds):
    assert clean.Duration().convert(text, None, None) == seconds


def test_a_number_without_a_unit_is_no_duration(clean_here):
    ended = clean_here("--older-than", "5")
    assert "write 90m, 2h or 1d" in str(ended.exception)


def test_only_what_was_made_here_is_removed_of_the_images(engine, places, monkeypatch):
    from sdcm.environment.catalogue import Catalogue
    from sdcm.environment.engine import Engine
    from sdcm.environment.images import Images

    pulled = next(entry.pull for name in Catalogue.load().names() if (entry := Catalogue.load().entry(name)).pull)
    engine.add_image("sct/mine:1", {"sct.build": "0123"})
    engine.add_image("theirs:1")
    engine.add_image(pulled)
    on_users = Images(Engine(engine.host, private=False), Catalogue.load(), places)
    assert on_users.ours() == ["sct/mine:1"]
    assert on_users.remove_ours().names == ("sct/mine:1",)
    assert sorted(engine.images) == sorted([pulled, "theirs:1"])
    on_private = Images(Engine(engine.host, private=True), Catalogue.load(), places)
    assert on_private.remove_ours().names == (pulled,)
    assert sorted(engine.images) == ["theirs:1"]
