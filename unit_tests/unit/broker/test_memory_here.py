"""How much memory a run may use: the machine's, or what a cgroup leaves of it."""

import pytest

from sdcm.broker import memory_here

MIB = 1 << 20


def machine(root, told, folders, names):
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "self" / "cgroup").write_text(told)
    for folder, (limit, used, cache) in folders.items():
        path = root / "sys/fs/cgroup" / folder
        path.mkdir(parents=True, exist_ok=True)
        (path / names[0]).write_text(f"{limit}\n")
        (path / names[1]).write_text(f"{used}\n")
        (path / "memory.stat").write_text(f"anon 1\n{names[2]} {cache}\n")
    return root


V2 = ("memory.max", "memory.current", "inactive_file")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@pytest.mark.parametrize(
    ("told", "folders", "names", "left"),
    [
        ("0::/\n", {"": (8 * MIB, 5 * MIB, 2 * MIB)}, V2, 5 * MIB),
        ("0::/pods/p\n", {"pods/p": ("max", 1, 0), "pods": (8 * MIB, 5 * MIB, 0)}, V2, 3 * MIB),
        # A pod without a cgroup namespace: it is told a path of its host's, and sees its own at the top.
        ("9:memory:/kubepods/p\n0::/x\n", {"memory": (8 * MIB, 9 * MIB, 0)}, V1, 0),
        ("7:cpu,memory:/a\n3:cpuset:/b\n", {"memory/a": (8 * MIB, 2 * MIB, MIB)}, V1, 7 * MIB),
        ("0::/\n", {"": ("max", 1, 0)}, V2, None),
        ("", {}, V2, None),
    ],
)
def test_what_a_cgroup_leaves(tmp_path, monkeypatch, told, folders, names, left):
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", type("Memory", (), {"available": 16 * MIB}))
    assert memory_here.available(machine(tmp_path, told, folders, names)) == (16 * MIB if left is None else left)


def test_a_machine_without_cgroups_has_what_it_has(tmp_path):
    assert memory_here.available(tmp_path) > 0
