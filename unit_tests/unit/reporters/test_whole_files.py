"""What takes a file's place, and what nothing takes the place of."""

import os
from pathlib import Path

import pytest

from sdcm.errors import UsageProblem
from sdcm.reporters.whole_files import destination, whole_file


def _write(path: Path, text: str = "new") -> None:
    with whole_file(path) as file:
        file.write_text(text)
        if not text:
            raise ZeroDivisionError


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    _write(path, "old")
    with pytest.raises(ZeroDivisionError):
        _write(path, "")
    assert path.read_text() == "old"
    _write(path)
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_leads_to_the_new_file(tmp_path: Path, exists: bool) -> None:
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    if exists:
        _write(target, "old")
    link.symlink_to(Path("folder", "target"))
    _write(link)
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_a_device_is_written_to_and_stays(tmp_path: Path) -> None:
    link = tmp_path / "null"
    link.symlink_to(os.devnull)
    # Before anything is written: should a file take the place of what a link leads to, it would be the machine's own.
    assert destination(link) == link
    _write(link)
    assert link.is_char_device()
    assert link.is_symlink()
    assert list(tmp_path.iterdir()) == [link]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, make) -> None:
    make(tmp_path / "place")
    with pytest.raises(UsageProblem, match="place cannot be written: it is no file"):
        _write(tmp_path / "place")
    assert list(tmp_path.iterdir()) == [tmp_path / "place"]
