"""kubectl, copied out of the cluster's node and kept by the node image it came from."""

import contextlib
import io
import shutil
import tarfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from sdcm.environment.whole_file import appearing
from sdcm.errors import EnvironmentFailed
from sdcm.paths import Paths

if TYPE_CHECKING:
    import docker

_IN_NODE = "/usr/bin/kubectl"
#: Copies that no cluster asked for in so many seconds are removed: each is up to 200 MB.
_FORGOTTEN = 14 * 24 * 3600.0


def ensure_kubectl(client: "docker.DockerClient", node: str, image_id: str, paths: Paths) -> Path:
    """Return the path of the kubectl that belongs to a node's Kubernetes version.

    Args:
        client: The engine.
        node: Container of the node.
        image_id: Id of the image that the node was made of.
        paths: Where the cache is.

    Raises:
        EnvironmentFailed: The node has no kubectl.
    """
    base = paths.cache / "kubectl"
    # the program looks at its own name, so that is kept and the folder tells the image
    target = base / image_id.removeprefix("sha256:")[:16] / "kubectl"
    _forget_old(base, keep=target.parent)
    if not target.exists():
        _copy_out(client, node, target)
    target.parent.touch()
    return target


def _copy_out(client: "docker.DockerClient", node: str, target: Path) -> None:
    container = client.containers.get(node)
    status = container.get_archive(_IN_NODE)[1] or {}
    # a link's target is told as an absolute path
    stream, _ = container.get_archive(status.get("linkTarget") or _IN_NODE)
    with appearing(target) as file:
        _first_file(stream, file)


class _Reader(io.RawIOBase):
    """Chunks as a file that is read once from start to end."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks: Iterator[bytes] = iter(chunks)
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if not self._left:
            self._left = next(self._chunks, b"")
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _first_file(stream: Iterable[bytes], target: IO[bytes]) -> None:
    with tarfile.open(fileobj=io.BufferedReader(_Reader(stream), 1 << 20), mode="r|") as archive:
        for member in archive:
            if (file := archive.extractfile(member)) is not None:
                shutil.copyfileobj(file, target, 1 << 20)
                return
    raise EnvironmentFailed("the node has no kubectl")


def _forget_old(base: Path, keep: Path) -> None:
    for folder in base.glob("*"):
        with contextlib.suppress(OSError):
            if folder != keep and folder.is_dir() and time.time() - folder.stat().st_mtime > _FORGOTTEN:
                shutil.rmtree(folder)
