"""What hangs in a container, and what waits for one that is gone: ended in time, with evidence.

External services: Docker (database nodes)
"""

import os
import re
import xml.etree.ElementTree as ET

import pytest

pytestmark = pytest.mark.integration

HANGING = '''
    import pathlib
    import time

    import pytest

    from sdcm.containers.execution import CommandTimedOut
    from sdcm.wait import wait_for

    pytestmark = pytest.mark.integration

    @pytest.fixture
    def looked_after(docker_scylla):
        yield
        pathlib.Path("runs").write_text(
            docker_scylla.run("cat /proc/[0-9]*/cmdline | tr -c '[:print:]' ' '", timeout=10).stdout
        )

    @pytest.mark.timeout(6)
    def test_run(docker_scylla, looked_after):
        """External services: Docker"""
        with pytest.raises(CommandTimedOut, match="did not end within 1 s") as own:
            docker_scylla.run("echo before; exec sleep 7531", timeout=1)
        assert own.value.evidence == "before"
        docker_scylla.run("echo before; sleep 7532 & sleep 7533", timeout=200)

    def test_wait_for_one_that_ends_meanwhile(docker_scylla):
        docker_scylla.run("(sleep 1; kill -9 1; kill 1) >/dev/null 2>&1 & true", timeout=10)
        wait_for(lambda: None, step=0.2, timeout=200, text="what never comes")

    def test_wait_that_asks_one_that_has_ended(docker_scylla):
        docker_scylla.run("kill 1", timeout=10, ignore_status=True)
        wait_for(lambda: not docker_scylla.is_running(), step=0.2, timeout=60)
        started = time.monotonic()
        try:
            wait_for(lambda: docker_scylla.is_port_used(9042, "cql"), step=0.2, timeout=200)
        finally:
            print(f"WAITED {time.monotonic() - started:.0f} s")
'''


def test_each_ends_in_time_and_says_why(project, catalogue_image, tmp_path):
    catalogue_image("cassandra")
    project.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    project.write("unit_tests/integration/test_hanging.py", HANGING)
    junit = tmp_path / "junit.xml"
    ended = project.sct("integration-tests", "-n", "2", "--junit-xml", str(junit), timeout=480)
    assert ended.code == 1, ended.text
    said = {
        case.get("name"): ET.tostring(case, encoding="unicode")
        for case in ET.parse(junit).getroot().iter("testcase")
        if case.get("classname") != "sct.setup"
    }
    cut = said["test_run"]
    assert "the test did not end within its deadline of 6 s" in cut
    assert "had written:" in cut
    assert "stacks of all threads" in cut
    assert "-scylla-" in cut
    assert 'value="product"' in cut
    runs = (project.root / "runs").read_text()
    assert "cassandra" in runs
    assert not any(f"sleep {number}" in runs for number in (7531, 7532, 7533))
    ended_meanwhile = said["test_wait_for_one_that_ends_meanwhile"]
    assert "ended by itself with status" in ended_meanwhile
    assert 'value="product"' in ended_meanwhile
    asked = said["test_wait_that_asks_one_that_has_ended"]
    assert "ended by itself with status" in asked
    # Of the 200 that it might have: what a busy machine takes to start a few programs is no wait.
    assert int(re.search(r"WAITED (\d+) s", asked)[1]) < 60
