"""`env up`, its use by runs and by plain pytest, `env status`, `env down`.

External services: Docker (database nodes)
"""

import json
import os
import subprocess
import sys

import psutil
import pytest

from sdcm.ownership import ledger
from sdcm.wait import wait_for

pytestmark = pytest.mark.integration

PASSING = '''
    import pathlib

    import pytest

    @pytest.mark.integration
    def test_query(docker_scylla):
        """External services: Docker"""
        assert docker_scylla.cql_connection().execute("SELECT cluster_name FROM system.local").one()
        pathlib.Path("node").write_text(docker_scylla.name)
'''

#: Starts a process that goes off on its own, and runs until it is killed.
SLOW = '''
    import os
    import pathlib
    import subprocess
    import time

    import pytest

    @pytest.mark.integration
    def test_slow(docker_scylla):
        """External services: Docker"""
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        pathlib.Path("pids").write_text(f"{os.getpid()} {child.pid}.")
        time.sleep(600)
'''


def test_an_environment_is_kept_used_and_ended(project, catalogue_image):
    catalogue_image("cassandra")
    project.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    project.write("unit_tests/integration/test_query.py", PASSING)
    up = project.sct("env", "up", "--service", "docker", timeout=300)
    try:
        assert up.code == 0, up.text
        assert f"export DOCKER_HOST={os.environ['DOCKER_HOST']}" in up.out
        (kept,) = json.loads(project.sct("env", "status", "--json").out)
        assert kept["services"] == {"docker": "ready"}
        # Who asks while it boots waits half a minute for it, and then boots another.
        wait_for(lambda: _booted(project, kept["run"]), step=0.2, timeout=180, text="a node has been booted ahead")

        ended = project.sct("integration-tests", timeout=300)
        assert ended.code == 0, ended.text
        first = (project.root / "node").read_text()
        assert first.startswith(f"sct-{kept['run']}-")

        (project.root / "node").unlink()
        plain = subprocess.run(
            [sys.executable, "-m", "pytest", "unit_tests", "-m", "integration", "-n", "2"],
            cwd=project.root, env=project.environ, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert plain.returncode == 0, plain.stdout + plain.stderr
        # One node served both runs: booted when the environment came up, put back after the first.
        assert (project.root / "node").read_text() == first
        nodes = [(record["name"], record["what"]) for record in _told(project, kept["run"], "node")]
        assert nodes[:3] == [(first, "handed-on"), (first, "put-back"), (first, "handed-on")]
        assert [(record["name"], record["test"]) for record in _booted(project, kept["run"])] == [(first, "")]
        (still,) = json.loads(project.sct("env", "status", "--json").out)
        assert still["leases"] == []
        _kill_a_runner(project, kept["run"])
    finally:
        down = project.sct("env", "down", timeout=300)
    assert down.code == 0, down.text
    assert "nothing is up" in project.sct("env", "status").out
    wait_for(project.nothing_left, step=0.2, timeout=180, text="nothing of the environment is left")


def _kill_a_runner(project, environment):
    """Kill the runner while its test runs: the environment's broker clears up after it, and is as before."""
    project.write("unit_tests/integration/test_slow.py", SLOW)
    before = {folder.name for folder in (project.state / "runs").iterdir()}
    runner = project.start("integration-tests", "-t", "integration/test_slow.py")
    pids = project.root / "pids"
    wait_for(lambda: pids.exists() and pids.read_text().endswith("."), step=0.1, timeout=180, text="the test runs")
    (run,) = {folder.name for folder in (project.state / "runs").iterdir()} - before
    rows = {row["run"]: row for row in json.loads(project.sct("env", "status", "--json").out)}
    assert rows.keys() == {run, environment}
    assert rows[run]["environment"] == environment
    assert f"run {run} (under way, in the environment {environment})" in project.sct("env", "status").out
    broker_log = project.state / "runs" / run / "broker.log"
    assert not broker_log.exists(), "it has a broker of its own"

    runner.kill()
    runner.wait()
    started = [int(pid) for pid in pids.read_text().rstrip(".").split()]
    wait_for(lambda: not any(map(psutil.pid_exists, started)), step=0.1, timeout=60, text="pytest and its child ended")
    state = project.state / "runs" / run
    wait_for((state / "report.html").exists, step=0.1, timeout=60, text="its reports are written")
    assert ledger.read(state / ledger.FILE_NAME).entries == ()
    assert "test_slow" in (state / "junit.xml").read_text()

    def as_before():
        (row,) = json.loads(project.sct("env", "status", "--json").out)
        return not row["leases"]

    wait_for(as_before, step=0.2, timeout=60, text="what it had leased is given back")


def _booted(project, run):
    """Return the containers of a run that came up."""
    return [record for record in _told(project, run, "container") if record["state"] == "ready"]


def _told(project, run, event):
    """Return what the journal of a run says of an event."""
    lines = (project.state / "runs" / run / "journal.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["event"] == event]


def test_keep_says_how_to_enter_and_ends_by_its_time(project, catalogue_image):
    catalogue_image("cassandra")
    project.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    project.write("unit_tests/integration/test_query.py", PASSING)
    ended = project.sct("integration-tests", "--keep", "--keep-for", "0.01", timeout=300)
    assert ended.code == 0, ended.text
    assert "is kept" in ended.out
    assert "export DOCKER_HOST=" in ended.out
    # 0.01 hours are 36 seconds.
    wait_for(project.nothing_left, step=0.5, timeout=180, text="the environment has ended by itself")


def test_what_a_failed_test_leased_is_kept_and_entered(project, catalogue_image):
    catalogue_image("cassandra")
    project.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    failing = PASSING.replace('pathlib.Path("node").write_text(docker_scylla.name)', "raise ValueError(docker_scylla)")
    project.write("unit_tests/integration/test_query.py", PASSING)
    project.write("unit_tests/integration/test_wrong.py", failing)
    ended = project.sct("integration-tests", "-n", "2", "--keep-failed", timeout=300)
    try:
        assert ended.code == 1, ended.text
        (row,) = json.loads(project.sct("env", "status", "--json").out)
        (lease,) = row["leases"]
        node = lease["what"]
        assert lease["kept"]
        assert lease["test"].endswith("test_wrong.py::test_query")
        assert f"{node} of unit_tests/integration/test_wrong.py::test_query: `sct.py env enter {node}`" in ended.out
        assert f"kept        {node} of" in project.sct("env", "status").out
        assert (project.root / "node").read_text() != node

        short = node.partition(f"{row['run']}-")[2]
        assert project.sct("env", "enter", short, "--", "cat", "/proc/1/comm").out.strip() == "java"
        asked = project.sct("env", "enter", node, "--cqlsh", "--", "-e", "SELECT cluster_name FROM system.local")
        assert "(1 rows)" in asked.out, asked.text
        wrong = project.sct("env", "enter", "scylla-99")
        assert wrong.code == 64
        assert "nothing that is leased or kept is called scylla-99" in wrong.err
    finally:
        down = project.sct("env", "down", timeout=300)
    assert down.code == 0, down.text
    wait_for(project.nothing_left, step=0.2, timeout=180, text="nothing of the environment is left")
