"""How much memory is there for what a run starts: what the machine has, and what this process's cgroup allows.

In a pod, or a CI job's container, the machine's memory is not ours: beyond the limit the kernel kills.
"""

from collections.abc import Iterator
from pathlib import Path

#: By version of the cgroup hierarchy: files of the limit and of what is used, and the word for what the kernel gives
#: back first (https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/admin-guide/cgroup-v1/memory.html).
_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def available(root: Path = Path("/")) -> int:
    """Return how many bytes may still be used.

    Args:
        root: Where `proc` and `sys` are looked for.
    """
    import psutil

    return min([int(psutil.virtual_memory().available), *_allowed(root)])


def _allowed(root: Path) -> Iterator[int]:
    """Yield what each cgroup that has a limit still allows, from this process's up."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top = root / ("sys/fs/cgroup/memory" if controllers else "sys/fs/cgroup")
        folder = top / path.lstrip("/")
        # A container without a cgroup namespace is told a path of its host's; its own is then mounted at the top.
        for each in (folder, *folder.parents):
            if (left := _left(each, *(_V1 if controllers else _V2))) is not None:
                yield left
            if each == top:
                break


def _left(folder: Path, limit_file: str, usage_file: str, cache: str) -> int | None:
    try:
        limit = int((folder / limit_file).read_text())
        used = int((folder / usage_file).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no limit is the word `max`
        return None
    return max(0, limit - used + int(stat.get(cache, 0)))
