"""The summary of a run."""

import json

from sdcm.reporters.outcome import RunResult
from sdcm.reporters.summary import summary_lines, summary_record
from unit_tests.lib.journals import HandJournal

_ERROR = {"type": "EnvironmentFailed", "what": "no node", "why": "it exited", "mend": "see log", "evidence": "x"}


def _result() -> RunResult:
    records = HandJournal().write("run-start", after=0, run="0123abcd", command="integration-tests")
    records.write("selection", tests=8, seconds=0.1)
    records.write("step-start", step="engine").write("step-end", step="engine", status="done", seconds=1.0)
    records.write("step-start", step="cluster")
    records.write("step-end", step="cluster", status="failed", seconds=1.0, error=_ERROR, log="/l")
    records.test("a.py::ok", services=["docker"])
    records.test("a.py::bad", "failed", phase="call", reason="assert 1\n== 2", failure_class="test")
    records.test("a.py::worse", "failed", phase="call", reason="wrong row", failure_class="product")
    records.test("k.py::one", "error", phase="setup", reason="cluster: no node", failure_class="environment")
    records.test("k.py::two", "error", phase="setup", reason="cluster: no node", failure_class="environment")
    records.test("c.py::one", "skipped", reason="aws: AWS_PROFILE is not set -- set it")
    records.write("test-start", test="d.py::one")
    records.write("worker", worker="gw1", state="lost", reason="Not properly terminated")
    records.write("leak", test="a.py::ok", kind="container", name="lone", image="busybox:1")
    records.write("leak", kind="network", name="n", during=["a.py::ok", "a.py::bad"], state="left", reason="not ours")
    records.write("pytest-end", status=1)
    records.write("teardown-end", seconds=1.0, leftovers=[{"kind": "volume", "name": "v", "reason": "busy"}])
    return RunResult.from_journal(records.write("run-end", exit_code=1))


TIMES = "first test after 0.6 s, first docker test after 0.6 s, tests over after 7.6 s, all over after 7.8 s"


def test_the_whole_summary() -> None:
    assert summary_lines(_result(), "/state/runs/0123abcd") == [
        "  tests            1 passed, 1 skipped, 2 failed, 3 errors, 1 not run in 7.8 s",
        "                   1 skipped: aws (AWS_PROFILE is not set -- set it)",
        "  product          a.py::worse: wrong row",
        "  test             a.py::bad: assert 1 == 2",
        "  environment      k.py::one (in setup): cluster: no node",
        "                   k.py::two (in setup): cluster: no node",
        "  unfinished       d.py::one: did not finish",
        "  set-up           cluster failed: no node: it exited -- see log",
        "  lost             worker gw1: Not properly terminated",
        "  LEAK             container lone (image busybox:1), left by a.py::ok (removed)",
        "                   network n, appeared during a.py::ok, a.py::bad (left: not ours)",
        "  left over        volume v (busy)",
        f"  times            {TIMES}",
        "  reports          /state/runs/0123abcd",
    ]


def test_a_good_run_is_short() -> None:
    records = HandJournal().write("run-start", after=0).test("a.py::ok", seconds=2.0)
    assert summary_lines(RunResult.from_journal(records), "/r") == [
        "  tests            1 passed in 2.1 s",
        "  times            first test after 0.1 s",
        "  reports          /r",
    ]


def test_nothing_ran() -> None:
    assert summary_lines(RunResult.from_journal([]), "/r")[0] == "  tests            none ran in 0.0 s"


def test_a_teardown_that_did_not_end_is_told() -> None:
    records = HandJournal().write("step-end", step="engine", status="done", seconds=1.0)
    lines = summary_lines(RunResult.from_journal(records), "/r")
    assert "  left over        not known: teardown did not come to its end" in lines


def test_very_many_failures_are_cut_with_their_number() -> None:
    records = HandJournal()
    for number in range(60):
        records.test(f"a.py::{number}", "failed", reason="x", failure_class="test")
    lines = summary_lines(RunResult.from_journal(records), "/r")
    assert len(lines) == 54
    assert lines[-3] == "                   and 10 more"


def test_the_record_is_json_and_says_the_same() -> None:
    record = json.loads(json.dumps(summary_record(_result(), "/r")))
    assert record["counts"] == {"passed": 1, "skipped": 1, "failed": 2, "error": 3}
    assert record["skips"] == [{"count": 1, "service": "aws", "reason": "AWS_PROFILE is not set -- set it"}]
    assert {name: [test["test"] for test in tests] for name, tests in record["failures"].items()} == {
        "product": ["a.py::worse"],
        "test": ["a.py::bad"],
        "environment": ["k.py::one", "k.py::two"],
    }
    assert record["unfinished"] == ["d.py::one"]
    assert record["steps"][1] == {
        "step": "cluster", "status": "failed", "seconds": 1.0, "error": "no node: it exited -- see log",
    }  # fmt: skip
    assert [(leak["test"], leak["kind"], leak["name"], leak["image"], leak["during"]) for leak in record["leaks"]] == [
        ("a.py::ok", "container", "lone", "busybox:1", []),
        ("", "network", "n", "", ["a.py::ok", "a.py::bad"]),
    ]
    assert record["leftovers"] == ["volume v (busy)"]
    assert (record["exit_code"], record["finished"], record["not_run"], record["reports"]) == (1, True, 1, "/r")


def test_skips_that_say_the_same_of_several_images_are_one_row() -> None:
    records = HandJournal().write("run-start", after=0)
    for test, image in (
        ("a.py::one", "scylla-bench (s/b:1)"),
        ("a.py::two", "gemini (s/g:2)"),
        ("a.py::three", "gemini (s/g:2)"),
    ):
        records.test(test, "skipped", reason=f"docker: image {image} is neither here nor pullable -- docker load it")
    records.test("a.py::four", "skipped", reason="docker: this node is no ring -- ask for three")
    records.test("a.py::five", "skipped", reason="docker: nothing to say")
    lines = summary_lines(RunResult.from_journal(records), "/r")
    assert lines[1:4] == [
        (
            "                   3 skipped: docker (image gemini (s/g:2), image scylla-bench (s/b:1): "
            "each is neither here nor pullable -- docker load it)"
        ),
        "                   1 skipped: docker (nothing to say)",
        "                   1 skipped: docker (this node is no ring -- ask for three)",
    ]
