import io
import tarfile
from pathlib import Path

import pytest

from sdcm.containers import archive
from sdcm.containers.archive import FileCopy


def pieces(data: bytes, size: int = 100) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def test_copies_keep_path_owner_and_permissions() -> None:
    data = archive.of_copies([FileCopy("/etc/x/key", b"secret", 0o600, 999, 5)])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        (info,) = tar.getmembers()
    assert (info.name, info.mode, info.uid, info.gid, info.size) == ("etc/x/key", 0o600, 999, 5, 6)


def test_the_first_file_of_an_archive_is_found_behind_folders() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        folder = tarfile.TarInfo("conf")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        info = tarfile.TarInfo("conf/a.yaml")
        info.size = 2
        tar.addfile(info, io.BytesIO(b"ab"))
    content, found = archive.first_file(pieces(buffer.getvalue()))
    assert (content, found.name) == (b"ab", "conf/a.yaml")


def test_an_archive_without_a_file_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        archive.first_file([archive.of_copies([])])


def test_what_is_sent_belongs_to_root(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    with tarfile.open(fileobj=io.BytesIO(archive.of_path(tmp_path / "a", "/in/side"))) as tar:
        (info,) = tar.getmembers()
    assert (info.name, info.uid, info.gid) == ("in/side", 0, 0)


def test_a_file_goes_into_an_existing_folder_or_under_a_new_name(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("content")
    packed = pieces(archive.of_path(tmp_path / "source", "source"))
    folder = tmp_path / "folder"
    folder.mkdir()
    assert archive.unpack(packed, "/data/source", folder) == folder / "source"
    assert archive.unpack(packed, "/data/source", tmp_path / "new" / "name") == tmp_path / "new" / "name"
    assert (folder / "source").read_text() == (tmp_path / "new" / "name").read_text() == "content"
    assert sorted(path.name for path in folder.iterdir()) == ["source"]


def test_a_folder_arrives_with_what_is_in_it_also_a_second_time(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "a").write_text("1")
    target = tmp_path / "target"
    target.mkdir()
    for content in ("1", "2"):
        (source / "deep" / "a").write_text(content)
        archive.unpack(pieces(archive.of_path(source, "source")), "/data/source", target)
    assert (target / "source" / "deep" / "a").read_text() == "2"


def test_an_archive_cannot_write_outside(tmp_path: Path) -> None:
    evil = archive.of_copies([FileCopy("../evil", b"x")])
    with pytest.raises(archive.tarfile_with_filters().OutsideDestinationError):
        archive.unpack([evil], "/data/evil", tmp_path / "in" / "side")
