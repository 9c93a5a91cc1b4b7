"""A pod's log becomes the state directory of its shard's run."""

import io
import json
import tarfile
import time

from sdcm.run.on_kubernetes.framing import FrameWriter, Kind
from sdcm.run.on_kubernetes.pod import archive
from sdcm.run.on_kubernetes.shard_log import ShardLog

RECORDS = [
    {"event": "shard", "at": 1.0, "shard": "1/3", "tests": 2, "digest": "d1"},
    {"event": "test-end", "at": 2.0, "test": "a.py::one", "outcome": "passed"},
    {"event": "test-end", "at": 3.0, "test": "a.py::two", "outcome": "failed"},
]


def log_of(state, *, code=1, printed=("collecting", "1 failed")):
    """Return the log of a pod whose run has left `state`."""
    writer, lines = FrameWriter(), [printed[0]]
    lines += writer.lines(Kind.ALIVE, f"{time.time() - 100:.3f}".encode())
    for record in RECORDS:
        lines += writer.lines(Kind.JOURNAL, json.dumps(record).encode() + b"\n")
    lines += writer.lines(Kind.FILES, archive(state)[0])
    lines += [*printed[1:], *writer.lines(Kind.END, json.dumps({"exit_code": code, "left_out": []}).encode())]
    return "\n".join(lines).encode() + b"\n"


def state_of(tmp_path):
    state = tmp_path / "state"
    (state / "evidence" / "one").mkdir(parents=True)
    (state / "journal.jsonl").write_text("sent as it grows\n")
    (state / "selection.json").write_text("[]")
    (state / "evidence" / "one" / "index.md").write_text("what failed")
    return state


def test_a_whole_log_is_a_state_directory(tmp_path):
    heard = []
    log = ShardLog(tmp_path / "here", heard.append)
    log.begin()
    for start in range(0, len(whole := log_of(state_of(tmp_path))), 700):
        log.feed(whole[start : start + 700])
    assert [json.loads(line) for line in (log.folder / "journal.jsonl").read_text().splitlines()] == RECORDS == heard
    assert (log.folder / "evidence" / "one" / "index.md").read_text() == "what failed"
    assert (log.folder / "selection.json").exists()
    assert (log.exit_code, log.tests, log.ended, log.unwell, log.digest) == (1, 2, 2, 1, "d1")
    assert 99 < log.clock < 200
    assert log.last_lines() == "collecting / 1 failed"


def test_a_log_that_broke_off_is_read_again_and_nothing_is_there_twice(tmp_path):
    heard, whole = [], log_of(state_of(tmp_path))
    log = ShardLog(tmp_path / "here", heard.append)
    for end in (len(whole) // 3, len(whole) // 2, len(whole)):
        log.begin()
        log.feed(whole[:end])
        assert (log.exit_code is not None) is (end == len(whole))
    assert heard == RECORDS
    assert (log.folder / "journal.jsonl").read_text().count("\n") == len(RECORDS)
    assert (log.folder / "console.log").read_text() == "collecting\n1 failed\n"


def test_what_is_too_large_for_a_log_is_left_out_by_name(tmp_path):
    state = state_of(tmp_path)
    (state / "logs").mkdir()
    (state / "logs" / "kind.log").write_text("x" * 5000)
    content, left_out = archive(state, limit=4000)
    assert left_out == ["logs/kind.log"]
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert sorted(tar.getnames()) == ["evidence/one/index.md", "selection.json"]
