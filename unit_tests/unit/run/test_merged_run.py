"""Journals of shards become one run: each test once, the lost by name, one exit code, one page, one durations file."""

import json
from collections import Counter
from xml.etree import ElementTree as ET

import pytest

from sdcm.errors import EnvironmentFailed, UsageProblem
from sdcm.reporters.markdown import to_markdown
from sdcm.reporters.merging.attempts import Attempt
from sdcm.run.merged_run import find_attempts, merge_into
from sdcm.run.report_files import read_journal
from sdcm.scheduling.shards import Shard, Shares
from unit_tests.lib.journals import START
from unit_tests.lib.shard_runs import SHARES, shard_run

NOW = START + 1e6
ALL = sorted(test for share in SHARES.tests for test in share)
FAILED = {"outcome": "failed", "reason": "assert 1 == 2", "failure_class": "test"}
SKIPPED = {"outcome": "skipped", "reason": "aws: no credentials"}


@pytest.fixture
def art(tmp_path):
    return tmp_path / "artifacts"


def merged(art, **more):
    out = art.parent / "out"
    return merge_into(out, find_attempts([art], out), now=NOW, environ={}, **more)


def cases(art, suite="pytest"):
    root = ET.parse(art.parent / "out" / "junit.xml").getroot()
    return [case for found in root if found.get("name") == suite for case in found.iter("testcase")]


def three(art, *, without=(), **of_two):
    for index in {1, 2, 3} - set(without):
        shard_run(art / f"shard-{index}", index, **(of_two if index == 2 else {}))


def test_whole_shards_are_one_good_run(art):
    three(art)
    whole = merged(art)
    assert whole.exit_code == 0
    assert sorted(test.test for test in whole.result.tests) == ALL
    assert (whole.result.not_run, whole.result.environment_failures, whole.result.torn_down) == (0, (), True)
    assert sorted(test.worker for test in whole.result.tests) == ["1/gw0", "1/gw0", "2/gw0", "2/gw0", "3/gw0"]
    assert len(cases(art)) == 5
    assert [case.get("name") for case in cases(art, "sct.shards")] == [
        "shard 1/3",
        "shard 2/3",
        "shard 3/3",
        "the shards fit together",
    ]
    assert "3 of 3 complete" in " ".join(whole.lines)


def test_a_merged_journal_tells_the_same_again(art):
    three(art, ended=1, tests={"b.py::one": FAILED, "b.py::two": {}})
    whole = merged(art)
    assert read_journal(art.parent / "out" / "journal.jsonl") == whole.result
    again = merge_into(art.parent / "second", find_attempts([art.parent], art.parent / "second"), now=NOW, environ={})
    assert again.exit_code == whole.exit_code == 1  # what the first merge wrote is no shard
    assert again.result.run == whole.result.run
    assert again.result.counts == whole.result.counts == {"passed": 4, "failed": 1}


def test_a_shard_that_never_came_back_is_named_and_its_tests_are_told_as_not_run(art):
    three(art, without=[2])
    whole = merged(art)
    assert whole.exit_code == 75
    assert whole.result.environment_failures == (
        "shard 2/3 never came back: no journal of it was found; 2 of its tests did not run",
    )
    assert [test.test for test in whole.result.never_ran] == ["b.py::one", "b.py::two"]
    assert whole.result.not_run == 2
    assert Counter(case.find("skipped") is not None for case in cases(art)) == {False: 3, True: 2}
    lost = [case for case in cases(art, "sct.shards") if case.find("error") is not None]
    assert [case.get("name") for case in lost] == ["shard 2/3"]
    assert json.loads((art.parent / "out" / "summary.json").read_text())["shards_never_back"] == ["2/3"]
    page = (art.parent / "out" / "report.html").read_text()
    assert "never came back: no journal of it was found" in page
    assert "2 tests did not run" in page
    told = to_markdown(whole.result)
    assert "2 of 3 shards complete" in told
    assert "- shard 2/3 never came back" in told


def test_why_a_shard_was_lost_is_told_by_whoever_knows(art):
    three(art, without=[2])
    whole = merged(art, why_lost={2: "its pod was evicted 3 times"})
    assert "shard 2/3 never came back: its pod was evicted 3 times" in whole.result.environment_failures[0]


def test_a_shard_killed_in_the_middle_keeps_what_it_had_done(art):
    three(art, without=[2])
    shard_run(art / "two", 2, ended=None, tests={"b.py::one": {}}).write("test-start", test="b.py::two").save(
        art / "two" / "runs" / "run2" / "journal.jsonl", torn='{"event":"test-e'
    )
    whole = merged(art)
    assert whole.exit_code == 75
    assert [test.test for test in whole.result.tests if test.unsuccessful] == ["b.py::two"]
    assert "lost half-way: its journal ends before its run did" in whole.result.environment_failures[0]
    assert whole.result.failures_by_class.keys() == {"environment"}
    assert len(cases(art)) == len(ALL)


def test_failed_tests_of_a_killed_shard_are_the_tests_own(art):
    three(art, ended=None, tests={"b.py::one": FAILED})
    whole = merged(art)
    assert whole.exit_code == 1
    assert [test.test for test in whole.result.never_ran] == ["b.py::two"]


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        pytest.param(None, 0, "again", id="killed, then complete"),
        pytest.param(130, 0, "again", id="interrupted, then complete"),
        pytest.param(1, 0, "again", id="failed, then complete"),
        pytest.param(0, None, "first", id="complete, then killed"),
    ],
)
def test_a_shard_that_ran_twice_counts_once_the_last_complete_one(art, first, second, counts):
    three(art, without=[2])
    tests = {"b.py::one": FAILED, "b.py::two": {}}
    shard_run(art / "x", 2, run="first", ended=first, tests=tests if first == 1 else {"b.py::one": {}, "b.py::two": {}})
    shard_run(art / "y", 2, run="again", ended=second, starts=60.0)
    whole = merged(art)
    assert whole.exit_code == 0
    assert sorted(test.test for test in whole.result.tests) == ALL
    assert [(end.run, end.attempts) for end in whole.result.shards if end.shard == "2/3"] == [(counts, 2)]
    assert "2/3 (2 times)" in "\n".join(whole.lines)


def test_the_number_of_an_attempt_goes_before_its_clock(tmp_path):
    for number, starts in ((1, 500.0), (2, 0.0)):
        shard_run(tmp_path / str(number), 1, run=f"n{number}", starts=starts, shares=Shares("d", (("a.py::one",),)))
    attempts = [Attempt(tmp_path / str(n) / "runs" / f"n{n}", Shard(1, 1), number=n) for n in (2, 1)]
    whole = merge_into(tmp_path / "out", attempts, now=NOW, environ={})
    assert [end.run for end in whole.result.shards] == ["n2"]


def test_the_same_journal_found_twice_counts_once(art):
    three(art)
    out = art.parent / "out"
    whole = merge_into(out, find_attempts([art, art / "shard-1"], out), now=NOW, environ={})
    assert len(whole.result.tests) == 5
    assert {end.attempts for end in whole.result.shards} == {1}


def test_shards_that_were_split_differently_are_found_out(art):
    other = Shares("0bad", (("a.py::one",), ("a.py::two", "b.py::one"), ("b.py::two", "c.py::one")))
    three(art, shares=other, without=[])
    whole = merged(art)
    assert whole.exit_code == 64
    assert len(whole.result.misfits) == 1
    assert "00d1ce57 (shards 1, 3), 0bad (shards 2)" in whole.result.misfits[0]
    assert "0bad (shards 2)" in to_markdown(whole.result)
    assert "0bad (shards 2)" in (art.parent / "out" / "report.html").read_text()
    # a.py::two ran in two shards and stands once; b.py::two was in nobody's share.
    assert Counter(test.test for test in whole.result.tests)["a.py::two"] == 1
    assert [test.test for test in whole.result.never_ran] == ["b.py::two"]
    assert len(cases(art)) == 5


def test_shards_of_other_numbers_do_not_fit(art):
    three(art, without=[3])
    shard_run(art / "third", 4, shares=Shares("0f4", (("x",), ("y",), ("z",), ("w.py::one",))))
    whole = merged(art)
    assert whole.exit_code == 64
    assert "shards of different splits: 2 of 3, 1 of 4" in whole.result.misfits[0]


def test_who_started_the_shards_may_know_another_split(art):
    three(art)
    whole = merged(art, shares=Shares("my own", SHARES.tests))
    assert (whole.exit_code, "my own (who started them)" in whole.result.misfits[0]) == (64, True)


def test_a_share_of_skipped_tests_is_well_where_others_ran(art):
    three(art, ended=69, tests={"b.py::one": SKIPPED, "b.py::two": SKIPPED})
    assert merged(art).exit_code == 0


def test_a_run_in_which_all_was_skipped_is_not(art):
    for index, tests in enumerate(SHARES.tests, start=1):
        shard_run(art / str(index), index, ended=69, tests=dict.fromkeys(tests, SKIPPED))
    whole = merged(art)
    assert whole.exit_code == 69
    assert [str(group) for group in whole.result.skips] == ["5 skipped: aws (no credentials)"]


def test_what_a_shard_required_and_had_not_holds_for_all(art):
    three(art, ended=69, tests={})
    whole = merged(art)
    assert whole.exit_code == 69
    assert [test.reason for test in whole.result.never_ran] == ["shard 2/3 ended before it"] * 2


@pytest.mark.parametrize(
    ("codes", "together"),
    [
        ((0, 79, 0), 79),
        ((79, 75, 0), 75),
        ((75, 1, 79), 1),
        ((1, 64, 0), 64),
        ((1, 70, 75), 70),
        ((2, 1, 0), 2),
        ((130, 130, 130), 130),
        ((130, 0, 1), 1),
        ((130, 0, 0), 75),
        ((5, 5, 5), 5),
        ((0, 5, 0), 0),
        ((99, 0, 0), 1),
    ],
)
def test_the_first_code_that_applies_is_the_wholes(art, codes, together):
    for index, code in enumerate(codes, start=1):
        shard_run(art / str(index), index, ended=code)
    assert merged(art).exit_code == together


def test_fewer_tests_than_shards_is_well(art):
    shares = Shares("d", (("a.py::one",), ()))
    for index in (1, 2):
        shard_run(art / str(index), index, shares=shares)
    assert merged(art).exit_code == 0


def test_names_that_every_shard_has_are_told_apart(art):
    for index in (1, 2, 3):
        records = shard_run(art / str(index), index, ended=None, tests={})
        records.write("step-start", step="engine").write("step-start", step="network", needs=["engine"])
        records.write("step-end", step="engine", status="done", seconds=1.0)
        state = "unavailable" if index == 2 else "ready"
        records.write("service", service="docker", state=state, reason="none here" * (index == 2), steps=["engine"])
        records.test(SHARES.tests[index - 1][0], worker="gw0", services=["docker"])
        records.write("leak", kind="container", name=f"c{index}", test="a.py::one", sure=True)
        records.write("worker", worker="gw1", state="lost", reason="killed")
        records.write("teardown-end", seconds=1.0, leftovers=[{"kind": "volume", "name": "v"}])
        records.write("run-end", exit_code=79).save(art / str(index) / "runs" / f"run{index}" / "journal.jsonl")
    result = merged(art).result
    assert {step.step for step in result.steps} == {f"{n}/{step}" for n in "123" for step in ("engine", "network")}
    assert {step.needs for step in result.steps} == {(), ("1/engine",), ("2/engine",), ("3/engine",)}
    assert [(service.state, service.reason) for service in result.services] == [("unavailable", "shard 2: none here")]
    assert result.services[0].steps == ("1/engine", "2/engine", "3/engine")
    assert {leak.name for leak in result.leaks} == {"c1", "c2", "c3"}
    assert set(result.workers_lost) == {"1/gw1", "2/gw1", "3/gw1"}
    assert result.leftovers == ("volume v (shard 1)", "volume v (shard 2)", "volume v (shard 3)")


def test_evidence_comes_along_wherever_the_shards_reports_were(art):
    """Shard 2 wrote its reports beside its state directory (`--report-dir`)."""
    for index, folder in ((1, "runs/run1/evidence/one-1"), (2, "reports/evidence/one-2")):
        test = SHARES.tests[index - 1][0]
        records = shard_run(art / f"s{index}", index, ended=None, tests={})
        records.write("test-start", test=test)
        files = [{"file": "README.md", "what": "index", "bytes": 2}]
        records.write("evidence", test=test, folder=f"evidence/one-{index}", line="told", files=files)
        records.write("test-end", test=test, **FAILED).write("run-end", exit_code=1)
        records.save(art / f"s{index}" / "runs" / f"run{index}" / "journal.jsonl")
        (art / f"s{index}" / folder).mkdir(parents=True)
        (art / f"s{index}" / folder / "README.md").write_text(f"evidence of {index}")
    shard_run(art / "s3", 3)
    whole = merged(art)
    folders = {test.test: whole.result.folder_of(test) for test in whole.result.failures}
    assert {test: (folder / "README.md").read_text() for test, folder in folders.items() if folder} == {
        "a.py::one": "evidence of 1",
        "b.py::one": "evidence of 2",
    }
    merged(art)  # once more over what is there


def test_an_evidence_folder_cannot_lead_out_of_the_reports(art):
    (art / "secret").mkdir(parents=True)
    (art / "secret" / "file").write_text("x")
    records = shard_run(art / "s", 1, shares=Shares("d", (("a.py::one",),)))
    for folder in ("../../secret", str(art / "secret")):
        records.write("evidence", test="a.py::one", folder=folder, files=[])
    records.save(art / "s" / "runs" / "run1" / "journal.jsonl")
    merged(art)
    assert not list(art.parent.glob("out/**/file"))
    assert not (art.parent / "secret").exists()


def test_last_words_and_logs_of_failed_steps_come_along(art):
    records = shard_run(art / "s", 1, ended=None, tests={}, shares=Shares("d", (("a.py::one",),)))
    state = art / "s" / "runs" / "run1"
    (state / "last-words").mkdir()
    (state / "last-words" / "77.txt").write_text('{"test": "a.py::one", "message": "time was up"}\nstacks')
    (state / "steps").mkdir()
    (state / "steps" / "engine.log").write_text("no dockerd")
    records.write("test-start", test="a.py::one")
    records.write("step-end", step="engine", status="failed", error="no engine", log="/ci/runs/run1/steps/engine.log")
    records.write("run-end", exit_code=75).save(state / "journal.jsonl")
    result = merged(art).result
    assert "time was up" in result.tests[0].reason
    assert [open(step.log).read() for step in result.steps] == ["no dockerd"]  # noqa: PTH123, SIM115


def test_durations_are_those_of_the_split_with_this_run_added(art, tmp_path):
    known = tmp_path / "known.json"
    known.write_text('{"format": 1, "tests": {"a.py::one": [3.0, 1], "gone.py::one": [9.0, 5]}}')
    three(
        art,
        tests={"b.py::one": {"properties": [["sct_waited", "0.25"]]}, "b.py::two": {**SKIPPED, "phases": {"setup": 1}}},
    )
    merge_into(tmp_path / "out", find_attempts([art]), now=NOW, environ={"SCT_DURATIONS": str(known)})
    told = json.loads((tmp_path / "out" / "durations.json").read_text())["tests"]
    assert told == {
        "a.py::one": [2.0, 2],
        "a.py::two": [1.0, 1],
        "b.py::one": [0.75, 1],
        "c.py::one": [1.0, 1],
        "gone.py::one": [9.0, 5],
    }


def test_no_shard_at_all_came_back(tmp_path):
    whole = merge_into(tmp_path, [], shares=SHARES, why_lost={1: "no node had room"}, now=NOW, environ={})
    assert whole.exit_code == 75
    assert [test.test for test in whole.result.never_ran] == [test for share in SHARES.tests for test in share]
    assert (
        "shard 1/3 never came back: no node had room; 2 of its tests did not run" in whole.result.environment_failures
    )


def test_the_number_of_shards_can_be_told(art):
    shard_run(art, 1, shares=Shares("d", (("a.py::one",),)))
    assert merged(art, count=2).exit_code == 64  # of one, and of two
    assert [end.state for end in merged(art, count=2).result.shards] == ["complete", "never came back"]


def test_runs_that_are_no_shards_are_put_together_too(art):
    """Stages of a pipeline, each with its own tests; and shards of two commands."""
    three(art)
    for name, command in (("s1", "unit-tests"), ("s2", "unit-tests")):
        records = shard_run(art / name, 1, run=name, command=command, tests={f"{name}.py::one": {}})
        of_none = [record for record in records if record["event"] != "shard"]
        of_none[0].pop("shard")
        (art / name / "runs" / name / "journal.jsonl").write_text("".join(json.dumps(each) + "\n" for each in of_none))
    whole = merged(art)
    assert whole.exit_code == 0
    assert [end.shard for end in whole.result.shards] == ["1/3", "2/3", "3/3", "s1", "s2"]
    workers = {test.worker for test in whole.result.tests}
    assert workers == {"integration-1/gw0", "integration-2/gw0", "integration-3/gw0", "unit-s1/gw0", "unit-s2/gw0"}


def test_folders_without_a_journal_are_a_mistake(tmp_path):
    with pytest.raises(UsageProblem, match=r"no journal\.jsonl to merge"):
        merge_into(tmp_path / "out", find_attempts([tmp_path]))
    with pytest.raises(UsageProblem, match="no-such is no folder"):
        find_attempts([tmp_path / "no-such"])


def test_reports_that_cannot_be_written_are_one_line(art, tmp_path):
    three(art)
    (tmp_path / "out").write_text("")
    with pytest.raises(EnvironmentFailed, match="merged reports cannot be written"):
        merged(art)
