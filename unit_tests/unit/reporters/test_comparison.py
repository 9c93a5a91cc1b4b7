import pytest

from sdcm.cli.report import COMPARED
from sdcm.reporters.comparison import KINDS, compare, comparison_lines
from sdcm.reporters.outcome import RunResult
from unit_tests.lib.journals import HandJournal


def a_run(name, selected=None, **tests):
    records = HandJournal().write("run-start", run=name)
    if selected:
        records.write("selection", tests=selected)
    for test, (outcome, seconds) in tests.items():
        records.test(f"a.py::{test}", outcome, seconds, reason="why\nso" if outcome != "passed" else "")
    return RunResult.from_journal(records)


def test_each_change_is_told_once():
    before = a_run(
        "A", breaks=("passed", 1), mended=("failed", 1), slow=("passed", 1), skips=("passed", 1), goes=("passed", 1),
        red=("failed", 1), same=("passed", 1.0), blink=("passed", 0.01), noise=("passed", 0.1),
    )  # fmt: skip
    after = a_run(
        "B", selected=12, breaks=("error", 1), mended=("passed", 1), slow=("passed", 3), skips=("skipped", 0),
        comes=("passed", 1), red=("failed", 1), same=("passed", 1.4), blink=("passed", 0.4), bad=("failed", 1),
        noise=("passed", 0.1),
    )  # fmt: skip
    found = compare(before, after)
    assert found.newly_failing == (("a.py::breaks", "why so"), ("a.py::bad", "why so"))
    assert found.still_failing == ("a.py::red",)
    assert found.fixed == ("a.py::mended",)
    assert [(test.test, test.before, test.after) for test in found.slower] == [("a.py::slow", 1, 3)]
    assert found.newly_skipped == (("a.py::skips", "why so"),)
    assert (found.gone, found.new) == (("a.py::goes",), ("a.py::comes", "a.py::bad"))
    lines = "\n".join(comparison_lines(found))
    assert "newly failing    a.py::breaks: why so" in lines
    assert "a.py::slow: 1.0 s, now 3.0 s" in lines
    assert "2 of the later run's tests never started" in lines
    assert found.to_record()["slower"] == [{"test": "a.py::slow", "before": 1.0, "after": 3.0}]


def test_of_a_test_that_ran_twice_the_worst_outcome_counts():
    records = HandJournal().write("run-start", run="B").test("a.py::t", "failed").test("a.py::t")
    found = compare(a_run("A", t=("passed", 1)), RunResult.from_journal(records))
    assert [test for test, _ in found.newly_failing] == ["a.py::t"]


def test_equal_runs_have_no_difference():
    found = compare(a_run("A", t=("passed", 1)), a_run("B", t=("passed", 1)))
    assert comparison_lines(found)[1:] == [f"  {'':<16} no difference"]


def test_a_run_on_a_busier_machine_is_not_slower_test_by_test():
    """What nearly all tests share is taken off and told; what one alone has is not."""
    names = [f"t{number}" for number in range(12)]
    before = a_run("A", **dict.fromkeys(names, ("passed", 2.0)))
    after = a_run("B", **{**dict.fromkeys(names, ("passed", 4.0)), "t3": ("passed", 9.0)})
    found = compare(before, after)
    assert found.pace == 2.0
    assert [test.test for test in found.slower] == ["a.py::t3"]
    assert "took 2 times as long in general" in "\n".join(comparison_lines(found))
    few = compare(a_run("A", t=("passed", 2.0)), a_run("B", t=("passed", 4.0)))
    assert (few.pace, len(few.slower)) == (1.0, 1)


def test_waiting_for_a_node_makes_no_test_slower():
    """It depends on the other tests."""
    records = HandJournal().write("run-start", run="B").write("test-start", test="a.py::t")
    records.write("lease", what="node", test="a.py::t", state="wanted")
    records.write("lease", after=8.0, what="node", test="a.py::t", state="granted", seconds=8.0)
    records.write("test-end", test="a.py::t", outcome="passed", seconds=9.0)
    assert compare(a_run("A", t=("passed", 1)), RunResult.from_journal(records)).slower == ()


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        (("passed", 1), ("passed", 1), set()),
        (("passed", 1), ("failed", 1), {"newly-failing"}),
        (("failed", 1), ("failed", 1), set()),
        (("passed", 1), ("skipped", 0), {"newly-skipped"}),
        (("passed", 1), ("passed", 9), {"slower"}),
    ],
)
def test_what_may_fail_a_job_is_told_by_kind(old, new, kinds):
    """As `report --compare --fail-on` takes them."""
    assert compare(a_run("A", t=old), a_run("B", t=new)).kinds() == kinds
    assert kinds <= set(KINDS) == set(COMPARED)
