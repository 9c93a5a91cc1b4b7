"""What is kept of failed tests: a folder that tells why to somebody who has not seen the test.

External services: Docker (database nodes)
"""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from sdcm.wait import wait_for

pytestmark = pytest.mark.integration

RING = '''
    import docker
    import pytest

    @pytest.mark.integration
    def test_rows_stay(docker_scylla, docker_scylla_2):
        """Rows that both nodes have taken can be written on.

        External services: Docker
        """
        from cassandra import ConsistencyLevel

        session = docker_scylla.cql_connection()
        session.execute("CREATE KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 2}")
        session.execute("CREATE TABLE k.t (id int PRIMARY KEY)")
        insert = session.prepare("INSERT INTO k.t (id) VALUES (?)")
        insert.consistency_level = ConsistencyLevel.ALL
        session.execute(insert, [1])
        client = docker.from_env()
        client.containers.get(docker_scylla_2.name).kill()
        client.close()
        session.execute(insert, [2])
'''
#: A container that says something, for a module; it is up at once.
BOXES = '''
    import os
    import pathlib
    import time

    import pytest

    from sdcm.containers.service import ContainerRequest
    from sdcm.pytest_plugin.container_leases import container_for

    SAYS = "echo FATAL: password=hunter2hunter2; touch /tmp/said; sleep 600"

    def box_for(request):
        entrypoint = ("sh", "-c", SAYS)
        return container_for(request, ContainerRequest("box", "cassandra", entrypoint=entrypoint, memory_mb=32))

    @pytest.fixture(scope="module")
    def box(request, catalogue_image):
        with box_for(request) as box:
            yield box

    @pytest.fixture
    def own_box(request, catalogue_image):
        with box_for(request) as box:
            yield box

    @pytest.fixture
    def wrong_at_its_end(own_box):
        own_box.run("until [ -e /tmp/said ]; do sleep 0.05; done", verbose=False)
        yield
        assert own_box.name == "another", "the tear-down fails"

    @pytest.mark.integration
    def test_good(box):
        """External services: Docker"""
        assert box.is_running()

    @pytest.mark.integration
    def test_bad(box):
        """External services: Docker"""
        box.run("echo in the test", verbose=False)
        assert box.name == "another"

    @pytest.mark.integration
    def test_wrong_at_its_end(wrong_at_its_end):
        """External services: Docker"""
'''
HOLDING = '''
    @pytest.mark.integration
    def test_holds(box):
        """External services: Docker"""
        pathlib.Path("holding").touch()
        time.sleep(300)
'''


@pytest.fixture
def on_engine(project, catalogue_image):
    """A sample project whose runs use the engine of this very run, as a user's own, with the node image on it."""
    catalogue_image("cassandra")
    project.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    return project


def folder_of(reports, test):
    """Return the one folder of a test's evidence."""
    (folder,) = (path for path in (reports / "evidence").iterdir() if f"-{test}-" in path.name)
    return folder


def test_the_folder_of_a_failed_ring_alone_tells_why(on_engine, tmp_path):
    """One of two nodes is killed in the middle: who, when, by what, and what the rest of the ring made of it.

    External services: Docker (database nodes)
    """
    on_engine.write("unit_tests/integration/test_ring.py", RING)
    on_engine.write("unit_tests/integration/test_boxes.py", BOXES)
    reports = tmp_path / "reports"
    ended = on_engine.sct("integration-tests", "-n", "2", "--report-dir", str(reports), timeout=400)
    assert ended.code == 1, ended.text
    folder = folder_of(reports, "test_rows_stay")
    index = (folder / "README.md").read_text()
    first, second = re.findall(r"^\| (sct-\w+-scylla-\d+) \|", index, re.MULTILINE)
    assert "in its own words: Rows that both nodes have taken can be written on." in index
    assert re.search(rf"^- {second} ended with status 137 \(signal KILL\) at ", index, re.MULTILINE)
    assert re.search(rf"^\| {first} \| runs since ", index, re.MULTILINE)
    course = index[index.index("## What happened") : index.index("## Files")]
    story = ["the test's own code begins", f"{second}: the engine was asked to send it signal KILL"]
    story += [f"{second}: ended with status 137", "FAILED in its own code: "]
    places = [course.find(words) for words in story]
    assert -1 not in places, course
    assert places == sorted(places)
    files = re.findall(r"^\| \[([^]]+)\]", index, re.MULTILINE)
    assert set(files) | {"README.md"} == {path.name for path in folder.iterdir()}
    assert files[:3] == ["failure.txt", f"{second}.state.txt", f"{second}.log"]
    assert first in (folder / f"{first}.nodetool-status.txt").name
    assert "UN" in (folder / f"{first}.nodetool-status.txt").read_text()
    assert "Starting listening for CQL clients" in (folder / f"{second}.log").read_text()
    assert f"evidence: {folder}" in ended.out
    assert f"tells most: {second} ended with status 137" in ended.out
    _boxes_are_told(reports, ended.out)


def _boxes_are_told(reports, out):
    """A module's container, and one that a failing tear-down would have given back, stood while they were asked."""
    names = {path.name.rpartition("-")[0] for path in (reports / "evidence").iterdir()}
    assert names == {"test_ring-test_rows_stay", "test_boxes-test_bad", "test_boxes-test_wrong_at_its_end"}
    bad = (folder_of(reports, "test_bad") / "README.md").read_text()
    assert re.search(r"^\| sct-\w+-box-\d+ \| runs since ", bad, re.MULTILINE)
    assert "/bin/sh -c echo in the test" in bad
    wrong = folder_of(reports, "test_wrong_at_its_end")
    index = (wrong / "README.md").read_text()
    assert "failure in its tear-down" in index
    # Its own, and the module's, which goes with the module's last test.
    assert len(re.findall(r"^\| sct-\w+-box-\d+ \| runs since ", index, re.MULTILINE)) == 2
    logs = [log.read_text() for log in wrong.glob("*-box-*.log")]
    assert any("FATAL: password=(hidden)" in log for log in logs)
    summary = json.loads((reports / "summary.json").read_text())
    told = (each for failures in summary["failures"].values() for each in failures)
    failures = {each["test"].rpartition("::")[2]: each for each in told}
    assert failures["test_bad"]["evidence"]["folder"] == str(folder_of(reports, "test_bad"))
    assert "test_good" not in failures
    cases = {case.get("name"): case for case in ET.parse(reports / "junit.xml").iter("testcase")}
    assert f"[[ATTACHMENT|{wrong}/README.md]]\n" in cases["test_wrong_at_its_end"].findtext("system-out")
    assert "/bin/sh -c echo in the test" in (reports / "report.html").read_text()
    assert "hunter2hunter2" not in "".join(path.read_text() for path in reports.rglob("*") if path.is_file()) + out


def test_the_report_of_a_killed_run_has_the_evidence_gathered_before(on_engine, tmp_path):
    """The runner is killed while a later test runs; somebody gets the journal, and what lay beside it.

    External services: Docker
    """
    on_engine.write("unit_tests/integration/test_boxes.py", BOXES + HOLDING)
    child = on_engine.start("integration-tests", "-n", "1")
    try:
        wait_for((on_engine.root / "holding").exists, step=0.1, timeout=120, text="the last test runs")
    finally:
        child.kill()
        child.communicate()
    wait_for(on_engine.nothing_left, step=0.2, timeout=60, text="the broker has torn down")
    (state,) = (on_engine.state / "runs").iterdir()
    sent = tmp_path / "sent"
    sent.mkdir()
    shutil.copy(state / "journal.jsonl", sent)
    shutil.copytree(state / "evidence", sent / "evidence")
    told = on_engine.sct("report", "--from", str(sent / "journal.jsonl"))
    assert told.code == 0, told.text
    assert f"evidence: {folder_of(sent, 'test_bad')}" in told.out
    assert "test_holds" in told.out
    page = (sent / "report.html").read_text()
    assert "/bin/sh -c echo in the test" in page
    assert "did not come to its end" in page


def test_plain_pytest_says_where_the_evidence_is(on_engine):
    """The plugin alone, without the runner.

    External services: Docker
    """
    on_engine.write("unit_tests/integration/test_boxes.py", BOXES)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "integration", "-n0", "unit_tests/integration/test_boxes.py"]
    environ = {**on_engine.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command += ["-k", "test_bad"]
    done = subprocess.run(
        command, cwd=on_engine.root, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    told = done.stdout[done.stdout.index("evidence of failed tests") :]
    (folder,) = (on_engine.state / "runs").glob("*/evidence/*")
    assert f"  {folder}\n" in told
    assert "## What happened" in (folder / "README.md").read_text()
