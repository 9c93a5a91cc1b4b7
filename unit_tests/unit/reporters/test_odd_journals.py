"""A journal with values that no run writes makes a report nevertheless: less of one, and never a defect."""

import json
import math
import random

import pytest

from sdcm import journal
from sdcm.reporters.comparison import compare, comparison_lines
from sdcm.reporters.fields import items, number, pairs, texts
from sdcm.reporters.markdown import to_markdown
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.shard_records import ShardEnd
from sdcm.reporters.summary import summary_lines
from sdcm.run import report_files
from sdcm.run.merged_run import find_attempts, merge_into
from unit_tests.lib.journals import HandJournal
from unit_tests.lib.odd_journals import ODD, damaged, journal_of_all_kinds

LINES = [json.dumps(record) for record in journal_of_all_kinds()]
KEYS = sorted({key for record in journal_of_all_kinds() for key in record} - {"event"})


@pytest.mark.parametrize("value", [None, "1", [1], {}, math.nan, math.inf, -math.inf, 1e308, 1e12, -1e12, 10**400])
def test_what_is_no_number_of_sane_size_counts_as_none(value):
    assert number({"at": value}, "at") == 0.0


def test_a_number_is_read_as_it_is():
    assert [number({"at": value}, "at") for value in (1_700_000_000.5, -3, 0, True)] == [
        1_700_000_000.5,
        -3.0,
        0.0,
        1.0,
    ]


@pytest.mark.parametrize("value", [None, 5, "ab", {"a": 1}, True])
def test_what_is_no_list_has_no_items(value):
    assert items({"x": value}, "x") == texts({"x": value}, "x") == pairs({"x": value}, "x") == ()


def test_only_pairs_are_pairs():
    assert pairs({"x": [["a", 1], ["b"], "cd", None, (2, "c")]}, "x") == (("a", "1"), ("2", "c"))


@pytest.mark.parametrize("line", [b"[" * 100_000, b"5", b"null", b'["event"]', b'{"event": ["x"]}', b'{"event": null}'])
def test_a_line_that_is_no_record_is_left_out(line):
    assert journal.parse(line) is None


def reports_of(path, folder):
    """Make all reports of a journal."""
    result = report_files.read_journal(path)
    report_files.put(result, folder)
    report_files.write_page(result, path, folder / "page.html")
    to_markdown(result)
    good = RunResult.from_journal(journal_of_all_kinds())
    return [*summary_lines(result, folder), *comparison_lines(compare(good, result))]


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
def test_an_odd_value_in_any_field(tmp_path, value):
    file = tmp_path / journal.FILE_NAME
    for key in KEYS:
        odd = ({**record, key: value} if key in record else record for record in journal_of_all_kinds())
        file.write_text("".join(json.dumps(record) + "\n" for record in odd))
        assert RunResult.from_file(file).seconds >= 0
    every = ({**record, **dict.fromkeys(record.keys() - {"event"}, value)} for record in journal_of_all_kinds())
    file.write_text("".join(json.dumps(record) + "\n" for record in every))
    assert reports_of(file, tmp_path / "out")


@pytest.mark.parametrize("seed", range(20))
def test_damaged_journals_are_told_and_merged(tmp_path, seed):
    chance = random.Random(seed)
    for name in ("1", "2"):
        file = tmp_path / "art" / name / journal.FILE_NAME
        file.parent.mkdir(parents=True)
        file.write_bytes(damaged(LINES, chance))
        assert reports_of(file, tmp_path / "reports" / name)
    assert merge_into(tmp_path / "out", find_attempts([tmp_path / "art"]), environ={}).lines
    assert reports_of(tmp_path / "out" / journal.FILE_NAME, tmp_path / "again")


def test_a_file_of_evidence_whose_name_no_file_can_have_is_left_out(tmp_path):
    (tmp_path / "evidence" / "x").mkdir(parents=True)
    files = [{"file": name, "what": "w"} for name in ("a\x00b", "a" * 300, "a.txt")]
    (tmp_path / "evidence" / "x" / "a.txt").write_text("what was kept")
    records = (
        HandJournal().write("run-start", run="a").write("evidence", test="a.py::x", folder="evidence/x", files=files)
    )
    file = records.test("a.py::x", "failed").save(tmp_path / journal.FILE_NAME)
    assert reports_of(file, tmp_path / "out")
    assert "what was kept" in (tmp_path / "out" / "page.html").read_text()


@pytest.mark.parametrize(
    ("folder", "file"), [("evidence/x", "../../secret"), ("../e", "secret"), ("evidence", "{there}")]
)
def test_a_report_shows_no_file_from_outside_its_folder(tmp_path, folder, file):
    out = tmp_path / "run"
    (out / "evidence" / "x").mkdir(parents=True)
    (tmp_path / "e").mkdir()
    for secret in (tmp_path / "secret", out / "secret", tmp_path / "e" / "secret"):
        secret.write_text("nobodys-business")
    files = [{"file": file.format(there=tmp_path / "secret"), "what": "w"}]
    records = HandJournal().write("run-start", run="a").write("evidence", test="a.py::x", folder=folder, files=files)
    journal_file = records.test("a.py::x", "failed").save(out / journal.FILE_NAME)
    assert reports_of(journal_file, tmp_path / "out")
    assert "nobodys-business" not in (tmp_path / "out" / "page.html").read_text()


def test_a_record_without_a_time_stands_where_it_stood_in_the_merged_journal(tmp_path):
    records = HandJournal().write("run-start", run="a", command="unit-tests").test("a.py::one").test("a.py::two")
    records[2]["at"], records[3]["at"] = "x", math.nan
    records.save(tmp_path / journal.FILE_NAME)
    merge_into(tmp_path / "out", find_attempts([tmp_path]), environ={})
    merged = list(journal.read(tmp_path / "out" / journal.FILE_NAME))
    told = [(record["event"], record["test"]) for record in merged if record["event"].startswith("test-")]
    assert told == [
        (event, f"a.py::{name}") for name in ("one", "two") for event in ("test-start", "test-body", "test-end")
    ]
    assert "NaN" not in (tmp_path / "out" / journal.FILE_NAME).read_text()


def test_a_shard_s_end_is_read_leniently():
    odd = {"event": "shard-end", "tests": "many", "exit_code": None, "seconds": math.nan, "unknown": 1}
    assert ShardEnd.from_record(odd) == ShardEnd("")
    assert ShardEnd.from_record({"shard": "1/2", "tests": 3, "exit_code": 0, "attempts": 0}) == ShardEnd(
        "1/2", tests=3, exit_code=0, attempts=0
    )
