"""What was kept of failed tests, in every report."""

from xml.etree import ElementTree as ET

import pytest

from sdcm.reporters.html import to_html
from sdcm.reporters.junit import to_junit
from sdcm.reporters.markdown import to_markdown
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.summary import summary_lines, summary_record
from sdcm.reporters.timeline import Timeline
from unit_tests.lib.journals import HandJournal

TEST = "unit_tests/a.py::t"
FOLDER = "evidence/a-t-12345678"
LINE = "sct-2 ended with status 137; its log: FATAL <disk>"
KEPT = {
    "test": TEST,
    "folder": FOLDER,
    "line": LINE,
    "files": [
        {"file": "README.md", "what": "read this first", "bytes": 10, "cut": 0},
        {"file": "sct-2.log", "what": "log during the test", "bytes": 20, "cut": 5},
    ],
}


@pytest.fixture
def records():
    """A run of one failing test with evidence, and a later one that passes."""
    records = HandJournal().write("run-start", run="0123abcd", command="integration-tests")
    # Its worker writes it, and may be ahead of the process that tells of the test.
    records.write("evidence", **KEPT)
    records.test(TEST, "failed", reason="no host", text="Traceback", failure_class="product")
    return records.test("unit_tests/a.py::good")


@pytest.fixture
def state(tmp_path):
    """The run's state directory with the evidence in it."""
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("# the index")
    (folder / "sct-2.log").write_text("12:00 FATAL </pre><b>disk</b>")
    return tmp_path


def test_the_terminal_says_the_most_telling_line_and_where_the_rest_is(records, state):
    """Below the failure itself."""
    lines = summary_lines(RunResult.from_file(records.save(state / "journal.jsonl")), "/r")
    at = next(place for place, line in enumerate(lines) if TEST in line)
    assert [line.strip() for line in lines[at + 1 : at + 3]] == [
        "tells most: sct-2 ended with status 137; its log: FATAL <disk>",
        f"evidence: {state / FOLDER}",
    ]


def test_summary_json_names_folder_and_files(records, state):
    """Of the failed test alone."""
    told = summary_record(RunResult.from_file(records.save(state / "journal.jsonl")), "/r")
    (failure,) = told["failures"]["product"]
    assert failure["evidence"]["folder"] == str(state / FOLDER)
    assert failure["evidence"]["files"][1] == {
        "file": "sct-2.log",
        "what": "log during the test",
        "bytes": 20,
        "cut": 5,
    }


@pytest.mark.parametrize(
    ("environ", "below"),
    [({}, ""), ({"CI_PROJECT_DIR": "{state}"}, ""), ({"GITLAB_CI": "true", "CI_PROJECT_DIR": "{state}"}, "{state}")],
)
def test_junit_attaches_the_files_as_the_ci_system_wants_them(records, state, environ, below):
    """Absolute for Jenkins, below the job's folder for GitLab; the index first, each on a line of its own."""
    result = RunResult.from_file(records.save(state / "journal.jsonl"))
    root = to_junit(result, {name: value.format(state=state) for name, value in environ.items()})
    case = next(case for case in root.iter("testcase") if case.get("name") == "t")
    folder = FOLDER if below else str(state / FOLDER)
    lines = (case.findtext("system-out") or "").splitlines()
    assert lines == [f"[[ATTACHMENT|{folder}/README.md]]", f"[[ATTACHMENT|{folder}/sct-2.log]]"]
    properties = {each.get("name"): each.get("value") for each in case.iter("property")}
    assert properties["evidence"] == str(state / FOLDER)
    assert properties["tells_most"] == LINE
    assert (
        "evidence"
        not in ET.tostring(next(case for case in root.iter("testcase") if case.get("name") == "good")).decode()
    )


def test_the_page_shows_the_files_themselves(records, state):
    """Escaped, and what is shown elsewhere on the page not twice."""
    result = RunResult.from_file(records.save(state / "journal.jsonl"))
    page = to_html(result, Timeline.from_journal(records))
    assert "12:00 FATAL &lt;/pre&gt;&lt;b&gt;disk" in page
    assert "log during the test, 20 bytes, shortened" in page
    assert "FATAL &lt;disk&gt;" in page
    assert "# the index" in page


def test_markdown_names_the_line_and_the_folder(records, state):
    """For a job's summary page."""
    told = to_markdown(RunResult.from_file(records.save(state / "journal.jsonl")))
    assert "Tells most: <code>sct-2 ended with status 137; its log: FATAL &lt;disk></code>" in told
    assert f"Evidence: `{state / FOLDER}`" in told


def test_a_journal_whose_evidence_is_gone_is_told_all_the_same(records, tmp_path):
    """Somebody sent the journal alone."""
    result = RunResult.from_file(records.save(tmp_path / "journal.jsonl"))
    assert not any("evidence:" in line for line in summary_lines(result, "/r"))
    assert "[[ATTACHMENT" not in ET.tostring(to_junit(result, {})).decode()
    assert "sct-2 ended with status 137" in to_html(result, Timeline.from_journal(records))


def test_evidence_that_a_killed_run_has_gathered_is_linked(state):
    """The test never ended; the evidence was there when the run was killed."""
    records = HandJournal().write("run-start", run="0123abcd").write("test-start", test=TEST).write("evidence", **KEPT)
    result = RunResult.from_file(records.save(state / "journal.jsonl", torn='{"event":"test-e'))
    lines = summary_lines(result, "/r")
    assert any(str(state / FOLDER) in line for line in lines)
    assert "log during the test, 20 bytes" in to_html(result, Timeline.from_journal(records))
    assert summary_record(result, "/r")["unfinished_evidence"][0]["evidence"]["line"] == LINE


def test_each_time_a_test_fails_it_has_its_own_evidence(state):
    """With `--repeat`; a time that passes has none."""
    records = HandJournal().write("run-start")
    for number, outcome in enumerate(("failed", "passed", "failed")):
        records.write("test-start", test=TEST)
        if outcome == "failed":
            records.write("evidence", **{**KEPT, "folder": f"evidence/{number}"})
        records.write("test-end", test=TEST, outcome=outcome, seconds=1.0)
    tests = RunResult.from_journal(records).tests
    assert [test.evidence and test.evidence.folder for test in tests] == ["evidence/0", None, "evidence/2"]


@pytest.mark.parametrize("sections", [[], [["stacks of all threads when its time was up", "thread MainThread"]]])
def test_the_page_has_the_stacks_once(state, sections):
    """An interrupted test has them in its folder alone."""
    (state / FOLDER / "stacks.txt").write_text("thread MainThread")
    stacks = {"file": "stacks.txt", "what": "what all threads did", "bytes": 17}
    records = HandJournal().write("run-start", run="0123abcd")
    records.write("test-start", test=TEST).write("evidence", test=TEST, folder=FOLDER, line="", files=[stacks])
    records.write("test-end", test=TEST, outcome="error", worker="gw0", seconds=1.0, sections=sections)
    result = RunResult.from_file(records.save(state / "journal.jsonl"))
    assert to_html(result, Timeline.from_journal(records)).count("thread MainThread") == 1
