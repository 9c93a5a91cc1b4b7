import pytest

from sdcm.broker.protocol import TESTS_BEGUN_FILE
from sdcm.pytest_plugin.evidence import CLASS_PROPERTY
from sdcm.pytest_plugin.journalling import JournalWriter, plain, record_of


def report(when, outcome, longrepr=None, **more):
    return pytest.TestReport(
        "f.py::t", ("f.py", 1, "t"), {}, outcome, longrepr, when, duration=0.5, start=1.0, stop=1.5, **more
    )


def test_a_passed_test():
    record = record_of([report(when, "passed") for when in ("setup", "call", "teardown")])
    assert (record["outcome"], record["seconds"], record["worker"]) == ("passed", 1.5, "main")
    assert record["failure_class"] == ""
    assert record["started"] == 1.5


def test_a_failure_keeps_its_text_and_class():
    failed = report("call", "failed", "E   sums are off", user_properties=[(CLASS_PROPERTY, "test")])
    record = record_of([report("setup", "passed"), failed, report("teardown", "passed")])
    assert (record["outcome"], record["phase"], record["failure_class"]) == ("failed", "call", "test")
    assert record["reason"] == "sums are off"


def test_a_failed_set_up_is_an_error_of_the_class_it_carries():
    failed = report("setup", "failed", "no node", user_properties=[(CLASS_PROPERTY, "environment")])
    record = record_of([failed, report("teardown", "passed")])
    assert (record["outcome"], record["phase"], record["failure_class"]) == ("error", "setup", "environment")
    assert record["started"] == 0


def test_a_failed_teardown_is_an_error_though_the_test_passed():
    record = record_of([report("setup", "passed"), report("call", "passed"), report("teardown", "failed", "left")])
    assert (record["outcome"], record["phase"]) == ("error", "teardown")


def test_what_fixtures_tell_is_kept_but_the_class_is_no_property_of_its_own():
    told = [("sct.alternator", "dynamodb-local"), (CLASS_PROPERTY, "test"), ("size", 3)]
    record = record_of([report("setup", "passed"), report("call", "failed", "E   x", user_properties=told)])
    assert record["properties"] == [["sct.alternator", "dynamodb-local"], ["size", "3"]]


def test_a_skip_keeps_its_reason():
    record = record_of([report("setup", "skipped", ("f.py", 1, "Skipped: aws: no key")), report("teardown", "passed")])
    assert (record["outcome"], record["reason"]) == ("skipped", "aws: no key")


def test_a_fixture_that_is_not_there_is_the_reason_with_what_may_be_meant():
    told = """file /p/test_a.py, line 8
  def test_a(docker_scyla):
E       fixture 'docker_scyla' not found
>       available fixtures: cache, capfd, docker_scylla, docker_scylla_2
>       use 'pytest --fixtures [testpath]' for help on them.

/p/test_a.py:8"""
    record = record_of([report("setup", "failed", told), report("teardown", "passed")])
    assert record["reason"].startswith("fixture 'docker_scyla' not found -- did you mean docker_scylla or")


def test_a_failure_without_a_line_of_its_own_is_told_by_its_last():
    assert record_of([report("call", "failed", "some\nthing"), report("teardown", "passed")])["reason"] == "thing"


def test_a_crashed_worker_is_a_failure():
    record = record_of([report("???", "failed", "worker 'gw0' crashed")])
    assert (record["outcome"], record["phase"], record["failure_class"]) == ("failed", "???", "test")


@pytest.mark.parametrize(
    ("nodeid", "shown"),
    [
        ("f.py::t@g", "f.py::t"),
        ("f.py::t[a@b]", "f.py::t[a@b]"),
        ("f.py::t", "f.py::t"),
        ("@home/f.py::t", "@home/f.py::t"),
    ],
)
def test_group_suffixes_are_left_out(nodeid, shown):
    assert plain(nodeid) == shown


def test_the_broker_is_told_once_when_the_first_test_begins(tmp_path, monkeypatch, pytestconfig):
    monkeypatch.setenv("SCT_SERVICES", str(tmp_path / "services.json"))
    monkeypatch.delenv("SCT_JOURNAL", raising=False)
    writer = JournalWriter(pytestconfig)
    begun = tmp_path / TESTS_BEGUN_FILE
    assert not begun.exists()
    writer.pytest_runtest_logstart("f.py::one")
    assert begun.exists()
    begun.unlink()
    writer.pytest_runtest_logstart("f.py::two")
    assert not begun.exists()


def test_a_run_whose_broker_is_gone_goes_on(tmp_path, monkeypatch, pytestconfig):
    monkeypatch.setenv("SCT_SERVICES", str(tmp_path / "gone" / "services.json"))
    monkeypatch.delenv("SCT_JOURNAL", raising=False)
    JournalWriter(pytestconfig).pytest_runtest_logstart("f.py::one")
    assert not (tmp_path / "gone").exists()
