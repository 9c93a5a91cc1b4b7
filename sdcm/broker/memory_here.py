"""How much memory is there for what a run starts: what the machine has, and what this process's cgroup allows.

Beyond the limit of a pod, or of a CI job's container, the kernel kills.
"""

from pathlib import Path

from sdcm.broker import cgroups_here

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

    allowed = (_left(folder, *(_V1 if first else _V2)) for folder, first in cgroups_here.folders("memory", root))
    return min([int(psutil.virtual_memory().available), *(left for left in allowed if left is not None)])


def _left(folder: Path, limit_file: str, usage_file: str, cache: str) -> int | None:
    try:
        limit = int((folder / limit_file).read_text())
        used = int((folder / usage_file).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # no limit is the word `max`
        return None
    return max(0, limit - used + int(stat.get(cache, 0)))
