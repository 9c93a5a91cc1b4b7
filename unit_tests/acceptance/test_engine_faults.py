"""The engine dies under a run, or its disk is full, or the kernel kills a node: said by name, and nothing is left.

External services: Docker (database nodes; the programs of a Docker Engine, as root, for engines of the tests' own)
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from sdcm import paths
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import find_engine, hold_engine
from sdcm.environment.image_sources.build import BuildFailed, build
from sdcm.environment.private_engine import processes, programs
from sdcm.environment.private_engine.layout import Layout
from sdcm.wait import wait_for
from unit_tests.acceptance.conftest import SCT
from unit_tests.lib.fake_step import FakeStep
from unit_tests.lib.tiny_image import import_tiny_image

pytestmark = pytest.mark.integration

#: Seconds after the engine's death in which the run must have ended, and nothing may be left, on a busy machine.
OVER = 60
HOLDING = '''
    import os
    import pathlib
    import time
    from contextlib import closing

    import docker
    import pytest

    from sdcm.ownership.docker_endpoint import Endpoint
    from unit_tests.lib.tiny_image import import_tiny_image

    pytestmark = pytest.mark.integration

    def test_holds():
        """External services: Docker"""
        image = import_tiny_image(Endpoint(os.environ["DOCKER_HOST"]))
        with closing(docker.from_env()) as client:
            client.containers.run(image, ["sleep", "8642"], detach=True)
            pathlib.Path("holding").touch()
            time.sleep(900)

    def test_fills_the_disk():
        """External services: Docker"""
        with closing(docker.from_env()) as client:
            client.containers.run("sct-test/tiny:1", ["sh", "-c", "cat /dev/zero > /zeros"])
'''


@pytest.fixture
def private(project):
    """A project whose runs start a private engine of their own, on a small disk; gives the engine's layout."""
    if os.geteuid() != 0:
        pytest.skip("docker: only root can start a Docker Engine; run the tests as root")
    if missing := programs.missing():
        pytest.skip(f"docker: this machine lacks {', '.join(missing)}; `integration-tests --setup` installs it")
    base = Path(tempfile.mkdtemp(prefix="sct-", dir="/tmp"))
    (base / "engine").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(base / "engine")], check=True, timeout=300)
    for name, folder in (("RUNTIME", "run"), ("STATE", "state"), ("CACHE", "cache"), ("ENGINE", "engine")):
        project.environ[f"SCT_{name}_DIR"] = str(base / folder)
    layout = Layout.of(paths.from_environment(project.environ))
    project.environ |= {"DOCKER_HOST": layout.endpoint.host, "PYTHONPATH": str(SCT.parent)}
    project.write("unit_tests/integration/test_holding.py", HOLDING)
    yield layout
    project.sct("clean", timeout=300)
    subprocess.run(["umount", "--lazy", str(base / "engine")], check=True, timeout=300)
    shutil.rmtree(base)


def summary(project):
    """Return the summary of the project's one run."""
    (run,) = (project.state / "runs").iterdir()
    return json.loads((run / "summary.json").read_text())


def test_an_engine_killed_in_the_middle_ends_the_run_as_the_environments_failure(project, private, tmp_path):
    junit = tmp_path / "junit.xml"
    child = project.start("integration-tests", "-n", "1", "-k", "holds", "--junit-xml", str(junit))
    try:
        wait_for((project.root / "holding").exists, step=0.2, timeout=180, text="the sample test holds a container")
        os.kill(processes.daemon(private.live), signal.SIGKILL)
        killed = time.monotonic()
        out, err = child.communicate(timeout=300)
        took = time.monotonic() - killed
    finally:
        child.kill()
    assert child.returncode == 75, out + err
    assert took < OVER, out
    assert "the engine is gone" in out
    assert list(summary(project)["failures"]) == ["environment"]
    assert "the test was ended: the engine is gone" in junit.read_text()
    assert not processes.find(private.live)
    assert not subprocess.run(["pgrep", "-f", "sleep 8642"], capture_output=True, check=False, timeout=300).stdout
    assert project.nothing_left()


def test_a_full_disk_is_named_in_a_build_and_in_a_test(project, private, tmp_path):
    places = paths.from_environment(project.environ)
    choice = find_engine(project.environ, places, allow_install=False)
    (tmp_path / "big").mkdir()
    (tmp_path / "catalogue.toml").write_text('[big]\nreference = "sct-test/big:1"\nfolder = "big"\n')
    with hold_engine(choice, places, FakeStep(tmp_path, 60)) as engine:
        base = import_tiny_image(engine.endpoint)
        (tmp_path / "big" / "Dockerfile").write_text(f'FROM {base}\nRUN ["sh", "-c", "cat /dev/zero > /zeros"]\n')
        entry = Catalogue.load(tmp_path / "catalogue.toml").entry("big")
        with pytest.raises(BuildFailed, match=r"the disk of the engine is full.*SCT_ENGINE_DIR"):
            build(
                engine.endpoint, entry, {}, digest="0", log=tmp_path / "log", deadline=60,
                environ={}, tell=lambda _: None,
            )  # fmt: skip
        ended = project.sct("integration-tests", "-n", "1", "-k", "fills", timeout=300)
    assert ended.code == 75, ended.text
    assert list(summary(project)["failures"]) == ["environment"]
    assert "the disk of the engine is full" in summary(project)["failures"]["environment"][0]["reason"]


OUT_OF_MEMORY = '''
    import pytest

    from sdcm.wait import wait_for

    @pytest.mark.integration
    def test_memory(docker_scylla):
        """External services: Docker"""
        docker_scylla.run("echo 1000 > /proc/1/oom_score_adj; tail /dev/zero", timeout=60, ignore_status=True)
        wait_for(lambda: False, timeout=100, text="what never comes")
'''


def test_a_node_killed_for_its_memory_is_named(project, catalogue_image):
    catalogue_image("cassandra")
    project.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    project.write("unit_tests/integration/test_memory.py", OUT_OF_MEMORY)
    ended = project.sct("integration-tests", timeout=360)
    assert ended.code == 75, ended.text
    (failed,) = summary(project)["failures"]["environment"]
    assert "-scylla-1 was killed by the kernel for using more than its 512 MiB of memory" in failed["reason"]


WAITING = '''
    import pathlib
    import time

    import pytest

    @pytest.mark.integration
    def test_waits():
        """External services: Docker"""
        pathlib.Path("waiting").touch()
        time.sleep(900)
'''


def test_the_loss_of_its_broker_ends_a_run_whose_pytest_has_the_terminal(project):
    project.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    project.write("unit_tests/integration/test_waiting.py", WAITING)
    child = project.start("integration-tests", "-n", "0")
    wait_for((project.root / "waiting").exists, step=0.1, timeout=180, text="a test runs")
    mine = project.environ["SCT_STATE_DIR"]
    (broker,) = [
        process.pid
        for process in psutil.process_iter(["cmdline", "environ"])
        if (process.info["environ"] or {}).get("SCT_STATE_DIR") == mine
        and "sdcm.run.broker_process" in (process.info["cmdline"] or [])
    ]
    os.kill(broker, signal.SIGKILL)
    out, err = child.communicate(timeout=300)
    assert child.returncode == 75, out + err
    assert list(summary(project)["failures"]) == ["environment"]
    assert project.nothing_left()
