"""What is counted where a number of failures ends the run."""

import pytest

from sdcm.pytest_plugin.stopping import FailureCount
from sdcm.stop_flag import StopFlag


def report_of(outcome, when="call", **facts):
    report = pytest.TestReport("a.py::one", ("a.py", 1, "one"), {}, outcome, None, when)
    for name, value in facts.items():
        setattr(report, name, value)
    return report


def made(count, report):
    """Let a phase end in this process, as pytest does."""
    making = count.pytest_runtest_makereport()
    next(making)
    with pytest.raises(StopIteration) as returned:
        making.send(report)
    assert returned.value.value is report


def test_failures_of_all_processes_count_together(tmp_path):
    counts = [FailureCount(StopFlag(tmp_path), 3) for _ in range(2)]
    for count in counts:
        made(count, report_of("passed"))
        made(count, report_of("failed", when="setup"))
    made(counts[0], report_of("failed", wasxfail="expected"))
    made(counts[0], report_of("skipped"))
    assert not StopFlag(tmp_path).enough()
    made(counts[1], report_of("failed", when="teardown"))
    assert StopFlag(tmp_path).enough()


def test_a_report_counts_once_and_a_dead_worker_by_the_controllers(tmp_path):
    worker, controller = (FailureCount(StopFlag(tmp_path), 2) for _ in range(2))
    made(worker, report_of("failed"))
    worker.pytest_runtest_logreport(report_of("failed"))
    controller.pytest_runtest_logreport(report_of("failed", node=object()))
    assert not StopFlag(tmp_path).enough()
    controller.pytest_runtest_logreport(report_of("failed", when="???", node=object()))
    assert StopFlag(tmp_path).enough()


def test_where_a_failed_test_may_run_again_what_is_reported_counts(tmp_path):
    worker, controller = (FailureCount(StopFlag(tmp_path), 1, tries_again=True) for _ in range(2))
    made(worker, report_of("failed"))
    worker.pytest_runtest_logreport(report_of("rerun"))
    controller.pytest_runtest_logreport(report_of("failed", node=object()))
    assert not StopFlag(tmp_path).enough()
    worker.pytest_runtest_logreport(report_of("failed"))
    assert StopFlag(tmp_path).enough()
