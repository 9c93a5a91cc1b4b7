"""What processes that had to be ended left behind."""

import json

from sdcm.reporters.last_words import with_last_words
from sdcm.reporters.records import DID_NOT_FINISH, EndedTest


def test_last_words_find_their_test_by_its_whole_name_without_a_group(tmp_path):
    names = ("a.py::mail[me@home]", "a.py::grouped", "a.py::other")
    for number, name in enumerate((names[0], f"{names[1]}@g")):
        head = json.dumps({"test": name, "message": "the test did not end within its deadline of 1 s"})
        (tmp_path / f"gw{number}.txt").write_text(f"{head}\nthread MainThread\n")

    told = with_last_words([EndedTest(name, "error", reason=DID_NOT_FINISH) for name in names], tmp_path)

    assert [("deadline of 1 s" in test.reason) for test in told] == [True, True, False]
    assert told[0].sections == (("last words of its process", "thread MainThread\n"),)
