"""JUnit XML from journals."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sdcm.reporters.junit import to_junit, write_junit
from sdcm.reporters.outcome import RunResult
from unit_tests.lib.growth import growth
from unit_tests.lib.journals import HandJournal

_ERROR = {"type": "EnvironmentFailed", "what": "no node", "why": "", "mend": "", "evidence": "its log"}


def _report(records: HandJournal) -> ET.Element:
    return ET.fromstring(ET.tostring(to_junit(RunResult.from_journal(records))))


def _suite(root: ET.Element, name: str) -> ET.Element:
    (suite,) = (suite for suite in root if suite.get("name") == name)
    return suite


def _children(case: ET.Element) -> list[str]:
    return [child.tag for child in case]


def _records() -> HandJournal:
    records = HandJournal().write("run-start")
    records.write("step-start", step="engine").write("step-end", step="engine", status="done", seconds=4.5)
    records.write("step-start", step="image x")
    records.write("step-end", step="image x", status="failed", seconds=1.0, error=_ERROR, log="/l/x.log")
    records.write("step-start", step="cluster")
    records.write("step-end", step="cluster", status="cancelled", seconds=1.0)
    records.write("step-start", step="kind")
    records.test("unit/test_a.py::TestX::test_p[a::b/c.py-1]", worker="gw0", seconds=1.5)
    records.test(
        "unit/test_a.py::test_f", "failed", phase="call", reason="assert 0", text="trace\nback",
        failure_class="product", sections=[["Captured stdout call", "hello\n"], ["container x", "boot"]],
    )  # fmt: skip
    records.test("unit/test_a.py::test_e", "error", phase="setup", reason="no node", failure_class="environment")
    records.test("unit/test_a.py::test_s", "skipped", phase="setup", reason="aws: none -- set it")
    records.test("unit/test_a.py::test_x", "xfailed", phase="call", reason="known")
    return records.write("collect-error", test="unit/test_b.py", text="ImportError: x")


def test_what_a_test_told_is_among_its_properties() -> None:
    records = HandJournal().write("run-start")
    records.test("unit/test_a.py::test_p", worker="gw0", properties=[["sct.alternator", "dynamodb-local"]])
    (case,) = _suite(_report(records), "pytest")
    found = {item.get("name"): item.get("value") for item in case.iter("property")}
    assert found == {"worker": "gw0", "sct.alternator": "dynamodb-local"}


def test_a_failed_steps_log_is_offered_as_an_attachment() -> None:
    told = [case.findtext("system-out") for case in _suite(_report(_records()), "sct.setup")]
    assert told == [None, "[[ATTACHMENT|/l/x.log]]", None, None]


def test_suites_and_their_sums() -> None:
    root = _report(_records())
    assert root.tag == "testsuites"
    assert [suite.get("name") for suite in root] == ["sct.setup", "pytest"]
    sums = {
        suite.get("name"): tuple(int(suite.get(k, "")) for k in ("tests", "failures", "errors", "skipped"))
        for suite in root
    }
    assert sums == {"sct.setup": (4, 0, 2, 1), "pytest": (6, 1, 2, 2)}
    assert [root.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["10", "1", "4", "3"]
    tests = _suite(root, "pytest")
    assert float(tests.get("time", "")) == pytest.approx(5.5)
    assert tests.get("timestamp") == "2023-11-14T22:13:20+00:00"
    assert tests.get("hostname")


def test_names_are_those_of_pytests_own_report() -> None:
    cases = [
        (case.get("classname"), case.get("name")) for case in _suite(_report(_records()), "pytest").iterfind("testcase")
    ]
    assert cases[0] == ("unit.test_a.TestX", "test_p[a::b/c.py-1]")
    assert cases[1] == ("unit.test_a", "test_f")
    assert cases[5] == ("", "unit/test_b.py")


def test_outcomes() -> None:
    passed, failed, error, skipped, xfailed, uncollected = _suite(_report(_records()), "pytest").findall("testcase")
    assert _children(passed) == ["properties"]
    assert _children(failed) == ["properties", "failure", "system-out"]
    failure = failed.find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.get("type"), failure.text) == ("assert 0", "product", "trace\nback")
    out = failed.findtext("system-out", "")
    assert " Captured stdout call " in out
    assert "hello" in out
    assert " container x " in out
    assert [found.get("message") for found in error.iter("error")] == ["failed in setup: no node"]
    assert [found.get("message") for found in skipped.iter("skipped")] == ["aws: none -- set it"]
    assert [found.get("type") for found in xfailed.iter("skipped")] == ["pytest.xfail"]
    assert [found.text for found in uncollected.iter("error")] == ["ImportError: x"]
    assert {p.get("name"): p.get("value") for p in passed.iter("property")} == {"worker": "gw0"}


def test_steps() -> None:
    engine, image, cluster, kind = _suite(_report(_records()), "sct.setup")
    assert (engine.get("name"), engine.get("time"), _children(engine)) == ("engine", "4.500", [])
    error = image.find("error")
    assert error is not None
    assert (error.get("message"), error.get("type"), error.text) == ("no node", "environment", "its log\n/l/x.log")
    assert _children(cluster) == ["skipped"]
    assert [found.get("message") for found in kind.iter("error")] == ["did not finish"]


def test_what_is_left_over_is_an_error() -> None:
    left = [{"kind": "volume", "name": "v", "reason": "busy"}]
    (case,) = _suite(_report(HandJournal().write("teardown-end", seconds=1, leftovers=left)), "sct.teardown")
    assert case.findtext("error") == "volume v (busy)"


def test_each_leak_is_a_case_named_for_its_test() -> None:
    records = HandJournal().write("leak", test="a.py::one", kind="container", name="c", image="i:1")
    records.write("leak", kind="network", name="n", during=["a.py::one", "a.py::two"], sure=False)
    leak, doubtful = _suite(_report(records), "sct.leaks")
    assert leak.get("name") == "a.py::one leaves no container"
    assert leak.findtext("error") == "container c (image i:1), left by a.py::one (removed)"
    assert (doubtful.find("error"), doubtful.get("name")) == (None, "a.py::one, a.py::two leaves no network")
    assert doubtful.findtext("system-out") == "network n, appeared during a.py::one, a.py::two (removed)"
    only_told = HandJournal().write("run-start", leaks="warn").write("leak", test="t", kind="thread", name="x")
    assert [case.find("error") for case in _suite(_report(only_told), "sct.leaks")] == [None]


def test_without_set_up_there_is_one_suite() -> None:
    assert [suite.get("name") for suite in _report(HandJournal().test("a.py::one"))] == ["pytest"]


def test_a_torn_journal_reports_what_did_not_finish(tmp_path: Path) -> None:
    records = HandJournal().test("a.py::one").write("test-start", test="a.py::two")
    journal = records.save(tmp_path / "journal.jsonl", torn='{"event":"test-end","test":"a.py::tw')
    write_junit(RunResult.from_file(journal), tmp_path / "junit.xml")
    one, two = _suite(ET.parse(tmp_path / "junit.xml").getroot(), "pytest")
    assert _children(one) == []
    assert [found.get("message") for found in two.iter("error")] == ["did not finish"]


def test_no_character_breaks_the_file(tmp_path: Path) -> None:
    every = "".join(map(chr, [*range(0x20), 0x7F, 0x85, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x1F600])) + "]]><&\"'"
    records = HandJournal().test(
        f"a.py::test[{every}]", "failed", reason=every, text=every, sections=[[every, every]], failure_class="test"
    )
    path = tmp_path / "reports" / "junit.xml"
    write_junit(RunResult.from_journal(records), path)
    failure = ET.parse(path).getroot().find(".//failure")
    assert failure is not None
    assert "#x1B" in (failure.text or "")
    assert "#xD800" in (failure.get("message") or "")
    assert "\U0001f600]]><&\"'" in (failure.text or "")
    assert "\t\n" in (failure.get("message") or "")


def test_the_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "junit.xml"
    path.write_text("before")

    def breaks(*args: object, **kwargs: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(ET.ElementTree, "write", breaks)
    with pytest.raises(OSError, match="disk full"):
        write_junit(RunResult.from_journal(HandJournal().test("a.py::one")), path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_the_time_to_read_and_write_many_tests_grows_with_their_number(tmp_path: Path) -> None:
    small, large = 150, 2400

    def prepare(size: int) -> None:
        records = HandJournal().write("run-start")
        for number in range(size):
            outcome = "failed" if number % 10 == 0 else "passed"
            records.test(f"d{number % 50}/test_x.py::test_{number}", outcome, text="x" * 500)
        records.save(tmp_path / f"{size}.jsonl")

    def report(size: int) -> RunResult:
        result = RunResult.from_file(tmp_path / f"{size}.jsonl")
        write_junit(result, tmp_path / f"{size}.xml")
        return result

    prepare(small)
    prepare(large)
    assert growth(report, small, large, tries=2) < 64
    assert report(large).counts == {"passed": 2160, "failed": 240}
    assert len(ET.parse(tmp_path / f"{large}.xml").getroot().findall(".//testcase")) == large


def test_the_suite_says_why_tests_were_skipped_and_which_changed() -> None:
    records = HandJournal().write("run-start", after=0, run="0123abcd", command="integration-tests")
    records.test("a.py::one").test("a.py::one", "failed", phase="call", reason="x").test("a.py::two").test("a.py::two")
    records.test("b.py::one", "skipped", reason="aws: AWS_PROFILE is not set")
    records.test("b.py::two", "skipped", reason="aws: AWS_PROFILE is not set")
    result = RunResult.from_journal(records)
    assert result.changed == {"a.py::one": ("passed", "failed")}
    (parent,) = _suite(to_junit(result), "pytest").findall("properties")
    assert {each.get("name"): each.get("value") for each in parent} == {
        "skipped.aws": "2: AWS_PROFILE is not set",
        "changed": "a.py::one: passed, then failed",
    }
