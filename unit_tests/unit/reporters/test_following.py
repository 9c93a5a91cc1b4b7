"""A journal that is read while it grows."""

import json

from sdcm.journal import Journal, read
from sdcm.reporters.following import FollowedJournal
from sdcm.reporters.outcome import RunResult
from sdcm.reporters.timeline import Timeline
from sdcm.services.selected import SelectedTest


def test_what_is_read_bit_by_bit_is_what_is_read_at_once(tmp_path):
    file = tmp_path / "journal.jsonl"
    followed = FollowedJournal(file)
    assert followed.result().tests == ()

    journal = Journal(file)
    journal.write("run-start", run="0a1b2c3d", command="unit-tests")
    journal.write("test-start", test="a.py::one", worker="gw0")
    so_far = followed.result()
    assert [(test.test, test.finished) for test in so_far.tests] == [("a.py::one", False)]
    assert so_far.exit_code is None

    journal.write("test-body", test="a.py::one", worker="gw0", started=5.0)
    journal.write("test-end", test="a.py::one", worker="gw0", outcome="passed", phase="call", seconds=1.5)
    journal.write("host", cpu=50, memory=20, used_mb=100)
    with file.open("ab") as other:
        line = json.dumps({"event": "run-end", "at": 9e9, "exit_code": 0}).encode()
        other.write(line[:20])
    halfway = followed.result()
    assert [(test.outcome, test.body) for test in halfway.tests] == [("passed", 5.0)]
    assert not halfway.finished

    with file.open("ab") as other:
        other.write(line[20:] + b"\n")
    whole = followed.result()
    assert whole.finished
    assert whole == RunResult.from_file(file)
    assert followed.timeline() == Timeline.from_journal(read(file))
    journal.close()


def test_selection_is_asked_for_when_a_worker_can_have_written_it(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    written: list[SelectedTest] = []
    followed = FollowedJournal(journal.path, lambda: written)
    journal.write("run-start", run="0a1b2c3d", command="unit-tests")
    assert [followed.read(), followed.read()] == [True, False]
    written.append(SelectedTest("a.py::one", "a.py", services=("docker",)))
    journal.write("test-start", test="a.py::one", worker="gw0")
    assert followed.result().tests[0].services == ("docker",)
    journal.close()
