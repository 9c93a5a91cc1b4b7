"""The journal: appended by several processes, readable however it ended."""

import json
import stat
import sys
import time
from pathlib import Path

from sdcm import journal, process
from sdcm.journal import Journal


def test_events_come_back_in_order_with_their_time(tmp_path: Path) -> None:
    path = tmp_path / "state" / journal.FILE_NAME
    written = Journal(path)
    before = time.time()
    written.write("run-start", run="0badcafe", argv=["a", "b"])
    written.write("step-say", step="engine", text="ünïcode\nand a second line")
    first, second = journal.read(path)
    assert (first["event"], first["run"], first["argv"]) == ("run-start", "0badcafe", ["a", "b"])
    assert before - 1 < first["at"] < time.time() + 1
    assert second["text"] == "ünïcode\nand a second line"
    written.close()


def test_what_json_does_not_know_is_written_as_text(tmp_path: Path) -> None:
    written = Journal(tmp_path / "j")
    written.write("step-end", step=tmp_path)
    written.close()
    assert next(journal.read(tmp_path / "j"))["step"] == str(tmp_path)


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    Journal(tmp_path / "state" / "j").close()
    assert stat.S_IMODE((tmp_path / "state" / "j").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_no_file_has_no_events(tmp_path: Path) -> None:
    assert list(journal.read(tmp_path / "none")) == []


def test_torn_and_foreign_lines_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b'{"event":"a"}\nnot json\n[1]\n{"no":"event"}\n\n\xff\xfe\n{"event":"b"}\n{"event":"c","at":17')
    assert [record["event"] for record in journal.read(path)] == ["a", "b"]


def test_a_writer_that_comes_after_a_torn_line_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b'{"event":"a"}\n{"event":"torn","te')
    for name in ("b", "c"):
        again = Journal(path)
        again.write(name)
        again.close()
    assert [record["event"] for record in journal.read(path)] == ["a", "b", "c"]
    assert b"\n\n" not in path.read_bytes()


_WRITER = """
import sys
from pathlib import Path
from sdcm.journal import Journal
journal = Journal(Path(sys.argv[1]))
sys.stdin.read()
for number in range(300):
    journal.write("test-end", writer=sys.argv[2], number=number, filler="x" * (number * 37 % 5000))
"""


def test_concurrent_writers_tear_no_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    writers = [process.spawn([sys.executable, "-c", _WRITER, path, str(number)]) for number in range(3)]
    assert [writer.wait(30) for writer in writers] == [0, 0, 0]
    lines = [line for line in path.read_bytes().splitlines() if line]  # see end_torn_line
    assert len(lines) == len(list(journal.read(path))) == 900
    seen: dict[str, list[int]] = {}
    for record in map(json.loads, lines):
        seen.setdefault(record["writer"], []).append(record["number"])
    assert seen == {str(number): list(range(300)) for number in range(3)}
