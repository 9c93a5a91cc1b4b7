"""Files that appear whole or not at all."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sdcm.errors import UsageProblem

#: What a report can be written to as it is: nothing may take its place, a new file would be no device any more.
_DEVICES = {stat.S_IFCHR, stat.S_IFBLK}
#: What there may be of a file: nothing, or a regular one.
_FILES = {0, stat.S_IFREG}


def destination(path: Path) -> Path:
    """Return what is written to for `path`: where its links lead, or a device as it is.

    Raises:
        UsageProblem: It is a folder, or a pipe or socket, which may have no reader for ever.
    """
    kind = _kind(path)
    if kind in _DEVICES:
        return path
    if kind not in _FILES:
        raise UsageProblem(f"{path} cannot be written", why="it is no file", mend="name another")
    return Path(os.path.realpath(path))


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary file to write to, which takes the place of `path` when the block ends without an error.

    Links stay and lead to the new file; a device is written to straight.

    Args:
        path: The file; its folder is made.

    Raises:
        UsageProblem: It is there, and is nothing that a file can be written to.
    """
    target = destination(path)
    if _kind(target) in _DEVICES:
        yield target
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _kind(path: Path) -> int:
    """Return the kind of file that a path leads to, 0 for none."""
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except OSError:
        return 0
