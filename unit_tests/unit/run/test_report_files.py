import json
import os
from dataclasses import replace

import pytest

from sdcm import journal
from sdcm.errors import EnvironmentFailed, UsageProblem
from sdcm.paths import Paths
from sdcm.process_identity import identify
from sdcm.run import report_files
from unit_tests.lib.journals import HandJournal


def a_run(folder, *, alive, ended=False):
    folder.mkdir(parents=True)
    report_files.settle(folder, folder, folder.parent / "junit.xml")
    if not alive:
        places = json.loads((folder / report_files.PLACES_FILE).read_text())
        places["owner"] = replace(identify(), start_ticks=1, start_time=1.0).to_record()
        (folder / report_files.PLACES_FILE).write_text(json.dumps(places))
    records = HandJournal().write("run-start", run=folder.name, command="unit-tests").test("f.py::t")
    if ended:
        records.write("run-end", exit_code=0)
    records.save(folder / journal.FILE_NAME, torn='{"event":"test-st')
    return folder


def test_what_a_killed_runner_could_not_write_is_written_once(tmp_path):
    places = Paths(tmp_path, tmp_path, tmp_path, tmp_path)
    dead = a_run(places.run_state("dead"), alive=False)
    others = [a_run(places.run_state("live"), alive=True), a_run(places.run_state("over"), alive=False, ended=True)]
    (places.runs / "no-run").mkdir()
    report_files.write_for_all_dead(places, tmp_path / "told.jsonl")
    assert json.loads((dead / "summary.json").read_text())["counts"] == {"passed": 1}
    assert (places.runs / "junit.xml").exists()
    assert "did not come to its end" in (dead / "report.html").read_text()
    assert not any((folder / "summary.json").exists() for folder in others)
    (dead / "summary.json").unlink()
    report_files.write_for_all_dead(places, tmp_path / "told.jsonl")
    assert not (tmp_path / "told.jsonl").exists()
    assert not (dead / "summary.json").exists()


def test_a_run_is_found_by_its_id_and_the_last_without(tmp_path):
    places = Paths(tmp_path, tmp_path, tmp_path, tmp_path)
    with pytest.raises(UsageProblem, match="there is none yet"):
        report_files.find(places)
    first, second = (a_run(places.run_state(name), alive=True, ended=True) for name in ("first", "second"))
    os.utime(first / report_files.PLACES_FILE, (1, 1))
    assert report_files.find(places) == second
    assert report_files.find(places, "first") == first
    report_files.settle(first, first, None, places.runs / "shop")
    os.utime(first / report_files.PLACES_FILE, (1, 1))
    assert report_files.find(places, project=places.runs / "shop") == first
    assert report_files.find(places, project=places.runs / "other") == second
    with pytest.raises(UsageProblem, match=r"no run third in .*: the last are second, first"):
        report_files.find(places, "third")


def test_a_run_without_a_selection_or_places_is_written_beside_its_journal(tmp_path):
    HandJournal().write("run-start", run="r").test("f.py::t", "failed").save(tmp_path / journal.FILE_NAME)
    assert report_files.write(tmp_path).counts == {"failed": 1}
    assert (tmp_path / "junit.xml").exists()
    assert not report_files.write_for_dead(tmp_path)


def test_reports_that_cannot_be_written_are_one_line_and_hinder_no_other_run(tmp_path):
    places = Paths(tmp_path, tmp_path, tmp_path, tmp_path)
    state = a_run(places.run_state("dead"), alive=False)
    (tmp_path / "full").touch()
    settled = json.loads((state / report_files.PLACES_FILE).read_text())
    (state / report_files.PLACES_FILE).write_text(json.dumps({**settled, "folder": str(tmp_path / "full/reports")}))
    with pytest.raises(EnvironmentFailed, match=r"reports cannot be written: .*full/reports: Not a directory") as told:
        report_files.write_all(state)
    assert "report dead" in told.value.mend
    other = a_run(places.run_state("other"), alive=False)
    report_files.write_for_all_dead(places, tmp_path / "told.jsonl")
    (told,) = journal.read(tmp_path / "told.jsonl")
    assert (told["event"], told["name"]) == ("reports-lost", "dead")
    assert (other / "report.html").exists()
