"""What tests leave behind is named with its test, whatever it is, and removed where it is the run's.

External services: Docker (on this run's engine, and on a private one, which needs root)
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from contextlib import closing

import pytest

from sdcm import paths
from sdcm.environment.engine import stop_if_unused
from sdcm.environment.private_engine import programs
from unit_tests.lib.lazily import lazily

docker = lazily("docker")

pytestmark = [pytest.mark.integration, pytest.mark.services("docker")]

LEAKING = '''
    import contextlib
    import io
    import os
    import subprocess
    import tarfile
    import threading
    import time

    import docker
    import pytest

    pytestmark = [pytest.mark.integration, pytest.mark.services("docker")]
    TAG = os.environ["SCT_TEST_TAG"]
    IMAGE = f"sct-test/leaky-{TAG}:1"

    @pytest.fixture
    def engine():
        with contextlib.closing(docker.from_env()) as client:
            yield client

    @pytest.fixture(scope="module")
    def image():
        with contextlib.closing(docker.from_env()) as client, io.BytesIO() as data:
            with tarfile.open(fileobj=data, mode="w") as tar:
                tar.addfile(tarfile.TarInfo("x"))
            repository, _, tag = IMAGE.partition(":")
            client.api.import_image_from_data(data.getvalue(), repository=repository, tag=tag)
            yield IMAGE
            client.images.remove(IMAGE, force=True)

    @pytest.fixture(scope="module")
    def shared(image):
        """Lives until its module ends, with what tests make through it."""
        made = []
        with contextlib.closing(docker.from_env()) as client:
            made.append(client.containers.create(image, "x", name=f"shared-{TAG}"))
            stop = threading.Event()
            thread = threading.Thread(target=stop.wait, name="shared-thread")
            thread.start()
            yield made
            stop.set()
            thread.join()
            for container in made:
                container.remove()

    @pytest.fixture(scope="module")
    def careless():
        with contextlib.closing(docker.from_env()) as client:
            client.networks.create(f"of-module-{TAG}")
        yield

    def test_container(engine, image):
        engine.containers.create(image, "x", name=f"lone-{TAG}")

    def test_labelled(engine, image):
        labels = {"sct.run": os.environ["SCT_RUN"]}
        engine.containers.create(image, "x", name=f"labelled-{TAG}", labels=labels)

    def test_network(engine):
        engine.networks.create(f"net-{TAG}")

    def test_volume(engine):
        engine.volumes.create(f"vol-{TAG}")

    def test_thread():
        threading.Thread(target=time.sleep, args=(120,), name="lone-thread", daemon=True).start()

    def test_process():
        subprocess.Popen(["sleep", "121.5"])

    def test_detached_process():
        subprocess.run(["setsid", "--fork", "sleep", "122.5"], env={**os.environ, "X": "1"}, check=True)

    def test_tidy(engine, image):
        engine.containers.create(image, "x", name=f"tidy-{TAG}").remove()
        thread = threading.Thread(target=time.sleep, args=(0.2,))
        thread.start()

    def test_through_the_shared(engine, shared, image):
        shared.append(engine.containers.create(image, "x", name=f"through-{TAG}"))

    def test_beside_the_shared(shared):
        time.sleep(1.2)

    def test_careless(careless):
        pass
'''
FILE = "unit_tests/integration/test_leaky.py"


@pytest.fixture
def leaky(project):
    """The sample project with a test for each kind of thing to leave."""
    project.write(FILE, LEAKING)
    project.environ["SCT_TEST_TAG"] = str(os.getpid())
    return project


def leaks_of(project):
    """Return the journal's leaks: kind and the beginning of the name -> test's name, what became of it."""
    (run,) = (project.state / "runs").iterdir()
    records = map(json.loads, (run / "journal.jsonl").read_text().splitlines())
    found = [record for record in records if record["event"] == "leak"]
    return {f"{leak['kind']} {leak['name'].split('-')[0].split(' (')[0]}": (
        leak["test"].rpartition("::")[2], leak["state"], leak.get("sure", True)) for leak in found}  # fmt: skip


EVERYWHERE = {
    "container labelled": ("test_labelled", "removed", True),
    "thread lone": ("test_thread", "left", True),
    "process sleep 121.5": ("test_process", "removed", True),
    "process sleep 122.5": ("test_detached_process", "removed", True),
}


def unlabelled(state, *, sure):
    """Return the leaks that nobody but a private engine's only run may remove."""
    return {
        "container lone": ("test_container", state, sure),
        "network net": ("test_network", state, sure),
        "volume vol": ("test_volume", state, sure),
        "network of": ("careless (module fixture)", state, sure),
    }


def test_on_a_private_engine_each_is_named_and_removed(leaky):
    """The summary's LEAK section, JUnit and the journal name test, object and image; the exit code is 79.

    External services: Docker (a private engine of the sample's own)
    """
    if os.geteuid() != 0 or programs.missing():
        pytest.skip("docker: a private engine needs root and dockerd; `integration-tests --setup` installs it")
    base = tempfile.mkdtemp(prefix="sct-", dir="/tmp")
    engine_dir = {"SCT_ENGINE_DIR": f"{base}/engine", "DOCKER_CONTEXT": "", "HOME": base}
    leaky.environ |= engine_dir
    try:
        ended = leaky.sct("integration-tests", "-n", "1", timeout=300)
    finally:
        stop_if_unused(paths.from_environment(leaky.environ))
        shutil.rmtree(base, ignore_errors=True)
    assert ended.code == 79, ended.text
    assert leaks_of(leaky) == EVERYWHERE | unlabelled("removed", sure=True)
    line = (
        f"container lone-{os.getpid()} (image sct-test/leaky-{os.getpid()}:1), left by {FILE}::test_container (removed)"
    )
    assert "  LEAK  " in ended.out
    assert line in ended.out
    (run,) = (leaky.state / "runs").iterdir()
    (suite,) = [suite for suite in ET.parse(run / "junit.xml").getroot() if suite.get("name") == "sct.leaks"]
    assert f"{FILE}::test_container leaves no container" in {case.get("name") for case in suite}
    assert len(suite.findall("testcase/error")) == 8


def test_on_the_users_engine_each_is_named_and_what_may_be_theirs_stays(leaky):
    """Only what carries the run's label is removed. Beside another run, this one, the rest is not held against a test.

    External services: Docker
    """
    leaky.environ["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    tag = os.getpid()
    with closing(docker.from_env()) as engine:
        try:
            ended = leaky.sct("integration-tests", "-n", "1", "--leaks=warn", timeout=300)
            assert ended.code == 0, ended.text
            assert leaks_of(leaky) == EVERYWHERE | unlabelled("left", sure=False)
            assert engine.containers.get(f"lone-{tag}")
            leaky.write("pytest.ini", "[pytest]\nsct = true\n")
            argv = [sys.executable, "-m", "pytest", "-m", "integration", "-n0", "-k", "thread or labelled"]
            plain = subprocess.run(
                argv, cwd=leaky.root, env=leaky.environ, capture_output=True, text=True, timeout=300, check=False
            )
            assert plain.returncode == 79, plain.stdout + plain.stderr
            assert f"thread lone-thread, {FILE}::test_thread (left)" in plain.stdout
            assert f"container labelled-{tag} (image sct-test/leaky-{tag}:1), {FILE}::test_labelled" in plain.stdout
        finally:
            remove_all(engine, tag)


def remove_all(engine, tag):
    """Remove what the sample has left."""
    for container in engine.containers.list(all=True, filters={"name": f"-{tag}$"}):
        container.remove(force=True)
    for network in engine.networks.list(filters={"name": f"-{tag}$"}):
        network.remove()
    for volume in engine.volumes.list(filters={"name": f"-{tag}$"}):
        volume.remove()
    for image in engine.images.list(name=f"sct-test/leaky-{tag}"):
        engine.images.remove(image.id, force=True)
