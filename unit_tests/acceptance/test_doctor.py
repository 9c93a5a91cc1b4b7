"""`sct.py doctor` on a machine with much that is wrong: real sockets, programs, limits, mounts, and a dead run.

External services: none
"""

import json
import os
import resource
import socket
import stat
import subprocess
import sys

import pytest

from .conftest import SCT

#: Programs as they answer in a version that does not fit.
PROGRAMS = {
    "kind": "echo 'kind v0.20.0 go1.21 linux/amd64'",
    "kubectl": """echo '{"clientVersion": {"gitVersion": "v1.29.1"}}'""",
    "uv": "echo 'uv 0.1.2'",
}
#: Spoils the machine for what runs after it, in namespaces of its own: the folder of the test, then a program.
SPOIL = """
set -e
folder=$1; shift
mount -t tmpfs -o size=64k none "$folder/small"
mount -t tmpfs none /run
mount -t tmpfs none /sys/fs/cgroup
mount --bind "$folder/few" /proc/sys/fs/inotify/max_user_instances
mount --bind "$folder/many" /proc/sys/fs/inotify/max_user_watches
echo 60000 60999 > /proc/sys/net/ipv4/ip_local_port_range
for name in apt-get dockerd mmdebstrap; do
    for file in /usr/local/sbin/$name /usr/local/bin/$name /usr/sbin/$name /usr/bin/$name /sbin/$name /bin/$name; do
        [ ! -e "$file" ] || mount --bind /dev/null "$file"
    done
done
doctor() {
    told=$1; shift
    status=0
    setpriv --bounding-set=-sys_time "$@" > "$folder/$told" || status=$?
    echo "$status" >> "$folder/statuses"
}
doctor found "$@" --json
doctor mended "$@" --fix --yes
mount -t cgroup2 none /sys/fs/cgroup
SCT_ENGINE_DIR=$folder doctor after "$@" --json
"""
#: Leaves a run behind whose process is gone: its ledger names a directory.
DEAD_RUN = """
import sys
from pathlib import Path
from sdcm import paths
from sdcm.ownership.ledger import Ledger
from sdcm.process_identity import identify
places = paths.from_environment()
left = places.runtime / "0dead000"
left.mkdir(parents=True)
Ledger(places.run_state("0dead000"), "0dead000", identify()).will_make("directory", str(left))
"""


def examine(project, *arguments, files=None, without=(), **environ):
    """Return what `doctor --json` finds, by subject, and its exit code; `without` takes rights away before."""

    def limit():
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    ended = subprocess.run(
        [*(without if os.geteuid() == 0 else ()), sys.executable, str(SCT), "doctor", "--json", *arguments],
        cwd=project.root,
        env={**project.environ, **environ},
        preexec_fn=limit,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    return {found["subject"]: found for found in json.loads(ended.stdout)}, ended.returncode


@pytest.mark.integration
def test_causes_made_on_purpose(project, tmp_path_factory):
    """Each is found, says why it matters, and names what mends it.

    External services: none
    """
    programs = tmp_path_factory.mktemp("bin")
    for name, text in PROGRAMS.items():
        file = programs / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    found, code = examine(
        project,
        "-n",
        "100000",
        files=300,
        PATH=f"{programs}{os.pathsep}{project.environ['PATH']}",
        DOCKER_HOST=f"unix://{programs}/nobody.sock",
        SCT_IMAGE_REGISTRY="127.0.0.1:9",
        https_proxy="http://127.0.0.1:9",
        SCT_RUNTIME_DIR=f"/tmp/{'x' * 100}",
    )
    assert code == 69
    mends = {
        "DOCKER_HOST": "unset it, or start that engine",
        "memory": "sct.py integration-tests -n",
        "open files": "ulimit -n",
        "directories": "export SCT_RUNTIME_DIR=/tmp/sct",
        "uv": "pip install --upgrade uv",
        "kind": "go install sigs.k8s.io/kind@v",
        "kubectl": "curl -LO https://dl.k8s.io/release/v",
        "registry": "export SCT_IMAGE_REGISTRY=",
        "proxies": "export no_proxy=localhost,127.0.0.1",
    }
    assert {subject: mend in found[subject]["mend"] for subject, mend in mends.items()} == dict.fromkeys(mends, True)
    assert all(found[subject]["why"] and found[subject]["level"] != "ok" for subject in mends)


@pytest.mark.integration
def test_a_full_disk_and_a_context_that_is_gone(project):
    """A file system without a free block, which /proc is, is too small for images; a context that was removed is named.

    External services: none
    """
    found, code = examine(project, SCT_ENGINE_DIR="/proc", DOCKER_CONTEXT="nobody")
    assert code == 69
    assert found["DOCKER_CONTEXT"]["mend"] == "docker context ls; docker context use default"
    assert (found["disk"]["level"], found["disk"]["text"]) == ("bad", "0.0 GiB free below /proc")


@pytest.fixture
def namespaces():
    """Give the command that runs a program with mounts and a network of its own, which end with it."""
    owner = [] if os.geteuid() == 0 else ["--user", "--map-root-user", "--cgroup"]
    command = ["unshare", *owner, "--mount", "--net"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, timeout=60, check=False)
    if tried.returncode:
        pytest.skip(f"no namespaces can be made here ({tried.stderr.strip()}); run the tests as root")
    return command


@pytest.mark.integration
def test_causes_that_only_a_namespace_can_have(project, namespaces, tmp_path_factory):
    """Each is found, and what it says mends it: by `--fix`, or by what the line has one type.

    External services: none
    """
    folder = tmp_path_factory.mktemp("spoilt")
    (folder / "small").mkdir()
    # These are the whole machine's: files lie over them.
    (folder / "few").write_text("32\n")
    (folder / "many").write_text("1048576\n")
    environ = {**project.environ, "SCT_ENGINE_DIR": str(folder / "small"), "DOCKER_CONFIG": str(folder)}
    subprocess.run(
        [sys.executable, "-c", DEAD_RUN], env={**environ, "PYTHONPATH": str(SCT.parent)}, timeout=60, check=True
    )
    ended = subprocess.run(
        [*namespaces, "sh", "-c", SPOIL, "sh", str(folder), sys.executable, str(SCT), "doctor"],
        cwd=project.root,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found, after = (
        {one["subject"]: one for one in json.loads((folder / name).read_text())} for name in ("found", "after")
    )
    told = {
        "engine": "dockerd",
        "capabilities": "this process lacks CAP_",
        "disk": f"0.0 GiB free below {folder / 'small'}",
        "inotify": "fs.inotify.max_user_instances is 32",
        "cgroup": "none is mounted",
        "ports": "1000 ports from 60000 to 60999 are given out",
        "mmdebstrap": "not there",
        "leftovers": "1 thing of dead runs is left: directory",
        "aws": "neither AWS_ACCESS_KEY_ID nor AWS_PROFILE is set",
    }
    assert {subject: text in found[subject]["text"] for subject, text in told.items()} == dict.fromkeys(told, True)
    assert all(found[subject]["why"] and found[subject]["mend"] and not found[subject]["ok"] for subject in told)
    assert found["cgroup"]["mend"] == "sudo mount -t cgroup2 none /sys/fs/cgroup"
    by_fix = {"inotify", "ports", "leftovers"}
    assert {subject for subject, one in found.items() if one["fix"]} == by_fix
    assert [f"mended: {name}" in (folder / "mended").read_text() for name in sorted(by_fix)] == [True] * 3
    assert {subject: after[subject]["level"] for subject in by_fix | {"cgroup"}} == dict.fromkeys(
        by_fix | {"cgroup"}, "ok"
    )
    assert after["disk"]["text"] != found["disk"]["text"]
    assert (folder / "statuses").read_text().split() == ["69", "69", "69"]


@pytest.mark.integration
def test_a_socket_that_may_not_be_opened(project, tmp_path_factory):
    """A socket without rights, asked by a process without the right to pass over that.

    External services: none
    """
    path = tmp_path_factory.mktemp("d") / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        path.chmod(0)
        found, code = examine(
            project, DOCKER_HOST=f"unix://{path}", without=["setpriv", "--bounding-set=-dac_override"]
        )
    assert code == 69
    assert "Permission denied" in found["socket rights"]["text"]
    assert found["socket rights"]["mend"] == "sudo usermod -aG docker $USER, then log in again"
