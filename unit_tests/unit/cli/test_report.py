import json

import pytest
from click.testing import CliRunner

from sdcm.cli.report import command
from sdcm.errors import UsageProblem
from sdcm.scheduling.shards import Shares
from unit_tests.lib.journals import HandJournal
from unit_tests.lib.shard_runs import shard_run


@pytest.fixture
def journal(tmp_path):
    records = HandJournal().write("run-start", run="0123abcd", command="unit-tests").test("a.py::one")
    return records.test("a.py::two", "failed", reason="why").save(tmp_path / "some.jsonl", torn='{"event":"te')


def report(*arguments):
    done = CliRunner().invoke(command, [str(argument) for argument in arguments], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.output


def test_a_journal_is_told_and_its_page_is_written_beside_it(journal):
    assert "1 passed, 1 failed" in report("--from", journal)
    assert "a.py::two" in (journal.parent / "report.html").read_text()


@pytest.mark.parametrize("content", [b"", b"some words\n", b"\x00\xff\xfe", b"[1, 2]\n5\nnull\n", b'{"at": 1}\n'])
def test_what_is_no_journal_is_refused(journal, tmp_path, content):
    other = tmp_path / "other.jsonl"
    other.write_bytes(content)
    for arguments in (["--from", other], ["--from", other, "--format", "json"], ["--compare", journal, other]):
        with pytest.raises(UsageProblem, match="is no journal: no record of a run is in it"):
            report(*arguments)
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize(
    ("name", "begins"),
    [("r.html", "<!doctype html>"), ("r.md", "## unit-tests"), ("r.xml", "<testsuites"), ("r.json", "{")],
)
def test_the_suffix_says_the_format(journal, tmp_path, name, begins):
    path = tmp_path / "deep" / name
    report("--from", journal, "--output", path)
    assert path.read_text().startswith(begins)
    assert not (journal.parent / "report.html").exists()


def test_other_formats_go_to_standard_output(journal):
    assert json.loads(report("--from", journal, "--format", "json"))["counts"] == {"passed": 1, "failed": 1}
    assert report("--from", journal, "--format", "markdown").startswith("## ")
    assert report("--from", journal, "--format", "junit").startswith("<testsuites")
    assert report("--from", journal, "--format", "html").strip() == str(journal.parent / "report.html")


@pytest.mark.parametrize("screen", [True, False])
def test_the_page_is_opened_where_there_is_a_screen(journal, monkeypatch, screen):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) is None)
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    if screen:
        monkeypatch.setenv("DISPLAY", ":0")
    told = report("--from", journal, "--open")
    page = (journal.parent / "report.html").as_uri()
    assert opened == ([page] if screen else [])
    assert (f"no browser with windows here: open {page}" in told) is not screen


def test_merge_is_a_command_below_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shard_run(tmp_path / "art", 1, ended=79, shares=Shares("d", (("a.py::one",),)))
    told = report("merge", "art")
    assert "1 passed in" in told
    assert told.rstrip().endswith("merged")
    assert json.loads(report("merge", "art", "--json", "-o", "other", "--junit-xml", "j.xml"))["exit_code"] == 79
    assert (tmp_path / "j.xml").read_text() == (tmp_path / "other" / "junit.xml").read_text()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page.md"))
    done = CliRunner().invoke(command, ["merge", "art"], standalone_mode=False)
    assert done.return_value == 79
    assert "1 of 1 shards complete" in (tmp_path / "page.md").read_text()


def test_two_journals_are_compared(journal, tmp_path):
    other = HandJournal().write("run-start", run="B").test("a.py::one", "failed", reason="new").test("a.py::two")
    later = other.save(tmp_path / "later.jsonl")
    told = report("--compare", journal, later)
    assert "newly failing    a.py::one: new" in told
    assert "fixed            a.py::two" in told
    assert json.loads(report("--compare", journal, later, "--json"))["fixed"] == ["a.py::two"]
    with pytest.raises(UsageProblem, match="cannot be compared as html"):
        report("--compare", journal, later, "--format", "html")


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [((), 1), (("nothing",), 0), (("newly-skipped", "slower"), 0), (("newly-skipped", "newly-failing"), 1)],
)
def test_a_comparison_ends_as_a_job_wants_it(journal, tmp_path, fail_on, code):
    """Without a word: 1 when a test fails that did not."""
    later = (
        HandJournal().write("run-start", run="B").test("a.py::one", "failed", reason="new").save(tmp_path / "l.jsonl")
    )
    options = [word for kind in fail_on for word in ("--fail-on", kind)]
    done = CliRunner().invoke(command, ["--compare", str(journal), str(later), *options], standalone_mode=False)
    assert done.return_value == code


def test_where_nothing_can_be_written_is_told_in_one_line(journal, tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("r.html", "r.md"):
        with pytest.raises(UsageProblem, match="cannot be written"):
            report("--from", journal, "--output", tmp_path / "file" / name)
