"""Each cause is made on purpose, in a /proc of the test's own where it is the kernel's."""

import resource
import shutil
from collections import namedtuple

import pytest

from sdcm.run.doctor import machine_causes
from unit_tests.lib.fake_step import FakeStep

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(("free", "level"), [(1, "bad"), (10, "note"), (40, "ok")])
def test_a_full_disk(sick, monkeypatch, free, level):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(0, 0, free * 2**30))
    found = sick.finds(machine_causes.disk, "disk")
    assert (found.level, f"{free}.0 GiB free" in found.text) == (level, True)
    assert found.ok or "clean --images" in found.mend


@pytest.mark.parametrize(("gib", "level", "workers"), [(1, "note", 1), (0.5, "bad", 1), (8, "ok", 0)])
def test_too_little_memory_for_the_workers(sick, gib, level, workers):
    sick.write("proc/meminfo", f"MemTotal: 1 kB\nMemAvailable:  {int(gib * 2**20)} kB\n")
    found = sick.finds(machine_causes.memory, "memory")
    assert found.level == level
    assert found.ok or found.mend == f"`sct.py integration-tests -n {workers}`"


def test_an_engine_with_less_memory_than_the_machine(sick):
    sick.write("proc/meminfo", f"MemAvailable:  {64 * 2**20} kB\n")
    sick.tells(MemTotal=2 * 2**30)
    assert sick.finds(machine_causes.memory, "memory", workers=8).mend == "`sct.py integration-tests -n 3`"


def test_inotify_limits_are_raised_by_the_fix(sick, tmp_path):
    low = sick.write("proc/sys/fs/inotify/max_user_instances", "32\n")
    sick.write("proc/sys/fs/inotify/max_user_watches", "1048576\n")
    found = sick.finds(machine_causes.inotify, "inotify")
    assert (found.level, found.text) == ("bad", "fs.inotify.max_user_instances is 32")
    assert found.mend == "sudo sysctl -w fs.inotify.max_user_instances=512"
    assert sick.finds(machine_causes.inotify, "inotify", uid=1000).fix is None
    found.fix.run(FakeStep(tmp_path))
    assert low.read_text() == "512"
    assert sick.finds(machine_causes.inotify, "inotify").ok


def test_cgroup_versions(sick):
    assert sick.finds(machine_causes.cgroup, "cgroup").text == "none is mounted"
    (sick.root / "sys/fs/cgroup/memory").mkdir(parents=True)
    found = sick.finds(machine_causes.cgroup, "cgroup")
    assert (found.level, found.text, "unified_cgroup_hierarchy=1" in found.mend) == ("note", "version 1", True)
    sick.write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n")
    assert sick.finds(machine_causes.cgroup, "cgroup").ok


def test_few_ports_are_widened_by_the_fix(sick, tmp_path):
    file = sick.write("proc/sys/net/ipv4/ip_local_port_range", "60000\t60999\n")
    found = sick.finds(machine_causes.ports, "ports")
    assert (found.level, found.mend) == ("bad", 'sudo sysctl -w net.ipv4.ip_local_port_range="32768 60999"')
    found.fix.run(FakeStep(tmp_path))
    assert file.read_text() == "32768 60999"
    assert sick.finds(machine_causes.ports, "ports").ok


@pytest.mark.parametrize(
    ("limits", "mend"),
    [((256, 256), "limits.conf"), ((256, 2048), "ulimit -n 2048"), ((256, resource.RLIM_INFINITY), "ulimit -n 4096")],
)
def test_a_low_limit_of_open_files(sick, monkeypatch, limits, mend):
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits)
    found = sick.finds(machine_causes.open_files, "open files")
    assert (found.level, mend in found.mend) == ("bad", True)


def test_a_runtime_directory_too_long_for_sockets(sick):
    found = sick.finds(machine_causes.directories, "directories", SCT_RUNTIME_DIR="/run/" + "x" * 90)
    assert (found.level, found.mend) == ("bad", "export SCT_RUNTIME_DIR=/tmp/sct")
    assert "characters too long" in found.text


def test_a_state_directory_that_cannot_be_made(sick):
    found = sick.finds(machine_causes.directories, "directories", SCT_STATE_DIR=str(sick.write("file", "x") / "state"))
    assert (found.level, "SCT_STATE_DIR" in found.mend) == ("bad", True)
    assert sick.finds(machine_causes.directories, "directories").ok
