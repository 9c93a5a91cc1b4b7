"""The sample project whose runs are struck, and what is left of them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import psutil
from measure import ROOT

_TESTS = '''
import time

import pytest


@pytest.mark.integration
@pytest.mark.parametrize("n", range(3))
def test_with_node(docker_scylla, n):
    """External services: Docker"""
    assert docker_scylla.cql_connection().execute("SELECT cluster_name FROM system.local").one()
    time.sleep(2)


@pytest.mark.integration
@pytest.mark.services("docker")
def test_with_engine():
    """External services: Docker"""
    time.sleep(0.5)
'''
_SWEEPING = '''
import pytest


@pytest.mark.integration
@pytest.mark.services("docker")
def test_engine():
    """External services: Docker"""
'''


class Bench:
    """A sample project with runner directories of its own; all its runs share them."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="sctf-"))
        self.state, self.runtime, self.project = self.root / "s", self.root / "r", self.root / "p"
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SCT_", "PYTEST_"))},
            "SCT_STATE_DIR": str(self.state),
            "SCT_RUNTIME_DIR": str(self.runtime),
        }
        for folder, text in (("p", _TESTS), ("sweep", _SWEEPING)):
            tests = self.root / folder / "unit_tests" / "integration"
            tests.mkdir(parents=True)
            (self.root / folder / "pytest.ini").write_text("[pytest]\nsct = true\n")
            (tests / "test_sample.py").write_text(text)

    def close(self, *, keep: bool) -> None:
        """Remove the directories, unless somebody wants to look at them."""
        if not keep:
            shutil.rmtree(self.root, ignore_errors=True)

    def start(self, project: str = "p") -> "subprocess.Popen[bytes]":
        """Start a run in a process group of its own, as a shell would."""
        with (self.root / "output.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, str(ROOT / "sct.py"), "integration-tests", "-n", "2"],
                cwd=self.root / project,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def runs(self) -> set[str]:
        """Return the ids of the runs that were started."""
        folder = self.state / "runs"
        return {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def journal(self, run: str) -> list[dict[str, Any]]:
        """Return a run's events so far."""
        try:
            lines = (self.state / "runs" / run / "journal.jsonl").read_text().splitlines()
        except OSError:
            return []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def processes(self) -> Iterator[psutil.Process]:
        """Yield the live processes of any run of this bench, told by their environment."""
        for process in psutil.process_iter():
            try:
                if (
                    process.environ().get("SCT_STATE_DIR") == str(self.state)
                    and process.status() != psutil.STATUS_ZOMBIE
                ):
                    yield process
            except psutil.Error:
                continue

    def left(self) -> list[str]:
        """Return what there is of any run: objects on the engine, processes, runtime directories, sockets."""
        found = [f"process {process.pid} {command_of(process)[-60:]}" for process in self.processes()]
        found += [f"directory {path.name}" for path in self.runtime.glob("*") if path.is_dir()]
        sockets = Path("/proc/net/unix").read_text().splitlines()
        found += [f"socket {line.split()[-1]}" for line in sockets if line.endswith(".sock") and str(self.root) in line]
        with closing(docker.from_env()) as engine:
            for run in self.runs():
                label = {"label": f"sct.run={run}"}
                found += [
                    f"container {item.name}"
                    for item in engine.containers.list(all=True, filters=label, ignore_removed=True)
                ]
                found += [f"network {item.name}" for item in engine.networks.list(filters=label)]
                found += [f"volume {item.name}" for item in engine.volumes.list(filters=label)]
        return found


def command_of(process: psutil.Process) -> str:
    """Return a process's command line."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return "(gone)"
