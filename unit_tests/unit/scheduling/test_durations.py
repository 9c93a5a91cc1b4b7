"""The durations file: what it keeps, how it forgets, how machines share it."""

import json

import pytest

from sdcm.errors import UsageProblem
from sdcm.paths import from_environment
from sdcm.scheduling import durations
from sdcm.scheduling.durations import MEMORY, Duration


def test_what_was_noted_is_read_back(tmp_path):
    file = tmp_path / "deep" / "d.json"
    durations.note(file, {"a": 1.5, "b": 0.25})
    assert durations.read(file) == {"a": Duration(1.5), "b": Duration(0.25)}
    durations.note(file, {"a": 2.5})
    assert durations.read(file) == {"a": Duration(2.0, 2), "b": Duration(0.25)}


def test_one_slow_run_moves_an_old_mean_little():
    known = Duration(1.0)
    for _ in range(20):
        known = known.with_run(1.0)
    assert known == Duration(1.0, MEMORY)
    assert known.with_run(11.0).seconds == pytest.approx(1 + 10 / MEMORY)


def test_a_changed_test_is_known_after_a_few_runs():
    known = Duration(1.0, MEMORY)
    for _ in range(2 * MEMORY):
        known = known.with_run(10.0)
    assert known.seconds > 9


def test_machines_are_merged_by_their_runs(tmp_path):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    durations.write(one, {"a": Duration(1.0, 3), "b": Duration(7.0)})
    durations.write(two, {"a": Duration(5.0, 1)})
    assert durations.merge([one, two]) == {"a": Duration(2.0, 4), "b": Duration(7.0)}


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", '{"format": 1}', '{"format": 1, "tests": {"a": 3}}', '{"format": 9}', "[" * 100_000),
        *(f'{{"format": 1, "tests": {{"a": [{known}]}}}}' for known in ("NaN, 1", "1e308, 1", "1, 0", "1, Infinity")),
    ],
    ids=lambda content: content[:40],
)
def test_a_foreign_file_is_a_mistake_for_who_reads_it_and_begun_anew_for_who_notes(tmp_path, content):
    file = tmp_path / "d.json"
    file.write_text(content)
    with pytest.raises(UsageProblem, match=r"d\.json"):
        durations.read(file)
    durations.note(file, {"a": 1.0})
    assert durations.read(file) == {"a": Duration(1.0)}


def test_a_missing_file_knows_nothing_but_cannot_be_merged(tmp_path):
    assert durations.read(tmp_path / "none.json") == {}
    with pytest.raises(UsageProblem, match="no such file"):
        durations.merge([tmp_path / "none.json"])


def test_projects_of_one_name_have_files_of_their_own(tmp_path):
    places = from_environment({"SCT_STATE_DIR": str(tmp_path / "state"), "HOME": str(tmp_path)})
    (tmp_path / "a" / "p").mkdir(parents=True)
    (tmp_path / "b" / "p").mkdir(parents=True)
    one = durations.own_file(tmp_path / "a" / "p", places)
    two = durations.own_file(tmp_path / "b" / "p", places)
    assert one != two
    assert one.parent == two.parent == tmp_path / "state" / "durations"
    assert durations.file_to_read(tmp_path / "a" / "p", places, {}) == one
    assert str(durations.file_to_read(tmp_path / "a" / "p", places, {durations.FILE_VARIABLE: "/x/y"})) == "/x/y"


def test_a_file_that_has_grown_too_big_forgets_what_the_last_run_did_not_have(tmp_path, monkeypatch):
    monkeypatch.setattr(durations, "_TESTS_AT_MOST", 3)
    file = tmp_path / "d.json"
    durations.write(file, {name: Duration(1.0) for name in "abcd"})
    durations.note(file, {"a": 1.0, "e": 2.0})
    assert set(durations.read(file)) == {"a", "e"}


def test_the_file_reads_well_in_a_diff(tmp_path):
    file = tmp_path / "d.json"
    durations.note(file, {"b": 1.0, "a": 1.23456})
    assert list(json.loads(file.read_text())["tests"].items()) == [("a", [1.235, 1]), ("b", [1.0, 1])]


def test_a_run_that_was_stopped_while_it_noted_does_not_hold_others_up(tmp_path, monkeypatch):
    monkeypatch.setattr(durations, "_LOCK_DEADLINE", 0.05)
    file = tmp_path / "known.json"
    with durations._locked(file), pytest.raises(BlockingIOError):
        durations.note(file, {"f.py::t": 1.0})
    durations.note(file, {"f.py::t": 1.0})
    assert durations.seconds_by_test(durations.read(file)) == {"f.py::t": 1.0}
