from pathlib import Path

from sdcm.reporters import github
from sdcm.reporters.markdown import to_markdown
from sdcm.reporters.outcome import RunResult
from unit_tests.lib.journals import HandJournal

TEXT = "def test():\n>  helper()\n\nunit/a.py:12: \n_ _\nlib/other.py:7: AssertionError\n"


def failing(number=1):
    records = HandJournal().write("run-start", run="r", command="unit-tests")
    for place in range(number):
        records.test(
            f"unit/a.py::t[{place},a:b]",
            "failed",
            reason="50% of\nit | <b>",
            text=TEXT + "```",
            failure_class="product",
        )
    return RunResult.from_journal(records.write("run-end", exit_code=1))


def test_a_failure_is_marked_at_the_line_of_the_test_in_the_checkout():
    (line,) = github.annotations(failing(), Path("/ws/sub"), Path("/ws"))
    assert line == (
        "::error file=sub/unit/a.py,line=12,title=unit/a.py%3A%3At[0%2Ca%3Ab]::[product] failed: 50%25 of%0Ait | <b>"
    )


def test_no_more_is_marked_than_is_shown():
    assert len(github.annotations(failing(25), Path("/ws"), Path("/ws"))) == 10


def test_what_is_no_test_is_marked_too():
    records = HandJournal().write("run-start", run="r", leaks="error").write("step-start", step="engine")
    records.write("step-end", step="engine", status="failed", seconds=1, error={"type": "SctError", "what": "no luck"})
    records.write("leak", test="a.py::t", kind="volume", name="v", state="removed")
    lines = github.annotations(RunResult.from_journal(records), Path("/ws"), Path("/ws"))
    assert lines[0] == "::error title=set-up::engine: no luck"
    assert lines[1].startswith("::error title=leak::volume v")


def test_the_summary_is_appended_as_long_as_it_fits(tmp_path):
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    github.add_to_summary(failing(), path)
    assert path.read_text().startswith("before\n## unit-tests `r`: exit code 1\n")
    path.write_bytes(b"x" * (1024 * 1024 - 100))
    github.add_to_summary(failing(), path)
    assert path.read_bytes().endswith(b"see report.html.\n")
    assert path.stat().st_size <= 1024 * 1024


def test_markdown_holds_what_failures_say_as_text():
    told = to_markdown(failing())
    assert "50% of it | &lt;b>" in told
    assert f"````\n{TEXT}```\n````" in told
    skipped = HandJournal().test("a.py::t", "skipped", reason="no | <x>")
    assert "| 1 |  | no \\| &lt;x> |" in to_markdown(RunResult.from_journal(skipped))


def test_markdown_of_a_great_failing_run_stays_small():
    told = to_markdown(failing(500))
    assert len(told) < 100_000
    assert "- and 470 more" in told


def test_only_a_job_of_github_is_one():
    assert github.under_github({"GITHUB_ACTIONS": "true"})
    assert not github.under_github({"GITHUB_ACTIONS": ""})
