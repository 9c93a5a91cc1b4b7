"""What the report of a failed test is given, as far as no service is needed."""

from types import SimpleNamespace

import pytest

from sdcm.kubernetes.namespace import KubernetesNamespace
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


@pytest.mark.parametrize(
    ("more", "title"), [({}, "container sct-1"), ({"WHAT": KubernetesNamespace.WHAT}, "namespace sct-1")]
)
def test_a_section_says_what_it_is_of(request, more, title):
    """A namespace is no container."""
    watched = SimpleNamespace(name="sct-1", evidence=lambda lines: f"{lines} lines", **more)
    evidence.watch(request.node, watched)
    found = evidence.look(request.node)
    evidence.unwatch(request.node, watched)
    assert found.sections == ((title, "60 lines"),)


def test_the_log_of_a_container_that_is_well_is_told_in_short():
    """An assertion stands above a screen of a boot's log otherwise, all of which is in the test's folder."""
    log = [f"line {number}" for number in range(60)]
    told = evidence.brief("\n".join(["had before by: a.py::one", "image db:5, running", *log])).splitlines()
    assert told[:2] == ["had before by: a.py::one", "image db:5, running"]
    assert told[2] == "... (50 lines more are in the test's evidence)"
    assert told[3:] == log[-10:]
    short = "\n".join(["image db:5, running", *log[:12]])
    assert evidence.brief(short) == short
