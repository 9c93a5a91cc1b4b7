"""A whole folder: gathered within its time, with an index that tells why."""

import threading

from sdcm.evidence import findings
from sdcm.evidence.findings import Held, Moment, Piece, Source, Telling, gather
from sdcm.evidence.index import Failed
from sdcm.evidence.keeping import keep
from sdcm.evidence.of_journal import of_journal
from unit_tests.lib.journals import START, HandJournal

TEST = "unit_tests/integration/test_a.py::test_x"


def failed(kind="product"):
    """A failed test."""
    return Failed(
        TEST, "0123abcd", "gw1", "call", kind, "NoHostAvailable: none", START, START + 2, START + 9, "Rows stay."
    )


def source(*found):
    """Somebody who finds this."""
    return Source("one", lambda _end: iter(found))


def test_what_does_not_answer_in_time_is_named_and_the_rest_is_kept():
    """What a slow source gave before stays."""
    forever = threading.Event()

    def slow(_end):
        yield Piece("early.txt", "", "early")
        forever.wait(60)

    def broken(_end):
        yield Piece("half.txt", "", "half")
        raise ValueError("no more")

    def sources():
        yield Source("quick", lambda _end: iter([Piece("quick.txt", "", "quick")]))
        yield Source("broken", broken)
        for thread in threading.enumerate():
            if thread.name == "sct-evidence":
                thread.join(20)
        yield Source("slow", slow)

    gathered = gather(sources(), 0.05)
    forever.set()
    assert {"quick.txt", "half.txt"} <= {piece.file for piece in gathered.pieces()}
    assert gathered.missing[0] == "broken: ValueError('no more')"
    assert gathered.missing[-1] == "slow: not all was there within 0.05 s"


def test_the_index_tells_why_without_the_test_at_hand(tmp_path):
    """What failed, what tells most, what there was, what happened when, and what to read next."""
    gathered = gather(
        [
            source(
                Held("sct-2", "ended with status 137", "10.0.0.3"),
                Telling("a complaint", findings.COMPLAINED),
                Telling("sct-2 ended; password=s3cretword", findings.ENDED_ITSELF),
                Moment(START + 4, "sct-2: the engine was asked to send it signal KILL"),
                Piece("sct-1.log", "log", "fine", findings.WELL),
                Piece("sct-2.log", "log | of two", "gone", findings.ENDED),
            )
        ],
        20,
    )
    gathered.missing.append("namespace x: it did not answer")
    own = [Piece("failure.txt", "the failure", "Traceback", findings.FAILURE)]
    record = keep(tmp_path, failed(), gathered, own, lambda text: text.replace("s3cretword", "(hidden)"))
    assert [each["file"] for each in record["files"]] == [
        "README.md",
        "failure.txt",
        "sct-2.log",
        "sct-1.log",
        "course.txt",
    ]
    assert record["line"] == "sct-2 ended; password=(hidden)"
    index = (tmp_path / record["folder"] / "README.md").read_text()
    assert index.startswith(f"# {TEST}\n\n**product** failure in its own code: ")
    places = ["> NoHostAvailable: none", "Rows stay.", "- sct-2 ended; password=(hidden)", "- a complaint"]
    places += ["| sct-2 | ended with status 137 | 10.0.0.3 |", "  +4.000 s  sct-2: the engine was asked"]
    places += [
        "  +9.000 s  FAILED in its own code: NoHostAvailable",
        "| [failure.txt](failure.txt) |",
        "log \\| of two",
    ]
    places += ["- namespace x: it did not answer", "Run 0123abcd, worker gw1."]
    found = [index.find(place) for place in places]
    assert found == sorted(found)
    assert -1 not in found


def test_beside_an_assertion_a_mere_complaint_is_not_told(tmp_path):
    """An error in some log is no reason for a wrong sum; a container that ended is."""
    complaint = Telling("a complaint", findings.COMPLAINED)
    assert keep(tmp_path, failed("test"), gather([source(complaint)], 20), [], str)["line"] == ""
    ended = Telling("sct-1 ended", findings.ENDED_ITSELF)
    assert keep(tmp_path, failed("test"), gather([source(complaint, ended)], 20), [], str)["line"] == "sct-1 ended"


def test_the_journal_tells_what_the_test_waited_for_and_was_told_of(tmp_path):
    """Its leases, containers and events; the steps of set-up; nothing of other tests, or of earlier ones."""
    records = HandJournal().write("step-start", step="engine")
    records.write("step-end", step="engine", status="done", seconds=2.0)
    records.write("step-end", step="image x", status="failed", seconds=1.0, error={"what": "no such image"})
    records.write("lease", what="node", test=TEST, worker="gw1", state="wanted")
    since = records.now + 1
    records.write("test-event", after=2.0, test=TEST, worker="gw1", severity="ERROR", line="(E) the node is down")
    records.write("lease", what="node", test=TEST, worker="gw1", state="granted", seconds=3.0)
    records.write("container", name="sct-9", test="unit_tests/integration/test_a.py", state="ready", seconds=4.0)
    records.write("lease", what="node", test="unit_tests/integration/test_b.py::test_y", worker="gw2", state="wanted")
    records.write("service", service="kubernetes", state="failed", reason="no room")
    found = gather(of_journal(records.save(tmp_path / "j", torn='{"event": "x'), TEST, "gw1", since), 20)
    assert found.missing == []
    assert [moment.what for moment in found.moments()] == [
        "the test gets its node after 3 s",
        "sct-9: ready after 4 s",
        "kubernetes failed no room",
    ]
    assert found.telling() == ["event (E) the node is down"]
    texts = {piece.file: piece.text for piece in found.pieces()}
    assert texts["events.txt"].endswith(" (E) the node is down\n")
    assert "image x" in texts["set-up.txt"]
    assert "no such image" in texts["set-up.txt"]
