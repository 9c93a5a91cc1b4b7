"""Files into and out of containers as tar archives: works with any engine, local or not, and mounts nothing."""

import importlib
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType


@dataclass(frozen=True)
class FileCopy:
    """One file to put into a container.

    Attributes:
        path: Absolute path inside.
        data: Its content.
        mode: Permissions.
        uid: Owner.
        gid: Group.
    """

    path: str
    data: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


def of_copies(copies: Sequence[FileCopy]) -> bytes:
    """Return an archive, to be unpacked at `/`, that holds these files; missing folders are made by the engine."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for copy in copies:
            info = tarfile.TarInfo(copy.path.lstrip("/"))
            info.size, info.mode, info.uid, info.gid = len(copy.data), copy.mode, copy.uid, copy.gid
            archive.addfile(info, io.BytesIO(copy.data))
    return buffer.getvalue()


def of_path(source: Path, name: str) -> bytes:
    """Return an archive that holds the file or folder `source` under `name`, owned by root.

    Raises:
        FileNotFoundError: There is no `source`.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as archive:
        archive.add(source, arcname=name.lstrip("/"), filter=_owned_by_root)
    return buffer.getvalue()


def _owned_by_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def first_file(chunks: Iterable[bytes]) -> tuple[bytes, tarfile.TarInfo]:
    """Return content and attributes of the first regular file of an archive.

    Raises:
        FileNotFoundError: It holds none.
    """
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        for info in archive:
            member = archive.extractfile(info)
            if member is not None:
                return member.read(), info
    raise FileNotFoundError("the archive holds no file")


def tarfile_with_filters() -> ModuleType:
    """Return a tarfile that keeps what is unpacked inside its folder: Python's has learnt that with 3.11.4."""
    return tarfile if hasattr(tarfile, "data_filter") else importlib.import_module("backports.tarfile")


def unpack(chunks: Iterable[bytes], source: str, destination: Path) -> Path:
    """Put what an archive of `source` holds where `cp -r source destination` would put it.

    Args:
        chunks: The archive, piece by piece; it is kept on disk, not in memory.
        source: Path inside the container that it was made of.
        destination: Existing folder to put it into, or the path to give it; parents are made.

    Returns:
        Where it is now.
    """
    name = PurePosixPath(source).name
    target = destination / name if destination.is_dir() else destination
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix=".receive-", dir=target.parent) as staging,
        tempfile.TemporaryFile() as spool,
    ):
        for chunk in chunks:
            spool.write(chunk)
        spool.seek(0)
        with tarfile_with_filters().open(fileobj=spool) as archive:
            archive.extractall(staging, filter="data")
        (top,) = Path(staging).iterdir()
        if top.is_dir() and target.is_dir():
            shutil.copytree(top, target, dirs_exist_ok=True)
        else:
            shutil.move(top, target)
    return target
