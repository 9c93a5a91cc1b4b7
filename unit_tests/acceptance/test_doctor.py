"""`sct.py doctor` on a machine with much that is wrong: real sockets, programs, limits, and a full file system.

External services: none
"""

import json
import os
import resource
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


def examine(project, *arguments, files=None, **environ):
    """Return what `doctor --json` finds, by subject, and its exit code."""

    def limit():
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    ended = subprocess.run(
        [sys.executable, str(SCT), "doctor", "--json", *arguments],
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
