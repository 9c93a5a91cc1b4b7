"""What the report of a failed test is given, as far as no service is needed."""

import pytest

from sdcm.pytest_plugin import evidence, evidence_folder
from sdcm.stop_flag import StopFlag

STACKS = ("stacks of all threads when its time was up", "thread MainThread")


@pytest.mark.parametrize(
    ("blame", "kept", "told"),
    [("", True, True), (StopFlag.INTERRUPTED, True, False), (StopFlag.INTERRUPTED, False, True)],
)
def test_an_interrupted_tests_stacks_are_told_where_no_folder_has_them(request, monkeypatch, blame, kept, told):
    """Else each test that ran at Ctrl-C has its hundred lines on the screen."""
    item = request.node
    monkeypatch.setattr(evidence_folder, "keep", lambda *_, **__: kept)
    item.stash[evidence.STACKS], item.stash[evidence.BLAME] = STACKS[1], blame
    call = pytest.CallInfo.from_call(lambda: pytest.fail("ended"), "call")
    report = pytest.TestReport.from_item_and_call(item, call)
    hook = evidence.pytest_runtest_makereport(item, call)
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(report)
    item.stash[evidence.FAILED] = False
    assert (STACKS in report.sections) is told
