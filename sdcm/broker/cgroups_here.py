"""The cgroups that this process is in: in a pod, or a CI job's container, what they allow is all that is ours."""

from collections.abc import Iterator
from pathlib import Path


def folders(controller: str, root: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the folder of each cgroup that may limit this process, from its own up, and whether it is of version 1.

    https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/admin-guide/cgroup-v1/index.html

    Args:
        controller: What it limits: `memory`, `cpu`.
        root: Where `proc` and `sys` are looked for.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _number, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / (f"sys/fs/cgroup/{controller}" if controllers else "sys/fs/cgroup")
        folder = top / path.lstrip("/")
        # A container without a cgroup namespace is told a path of its host's; its own is then mounted at the top.
        for each in (folder, *folder.parents):
            yield each, bool(controllers)
            if each == top:
                break
