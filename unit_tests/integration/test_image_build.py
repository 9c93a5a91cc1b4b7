"""Images are built once however many want them, and a killed build is taken up where it was.

External services: Docker
"""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sdcm import paths
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import Engine, find_engine
from sdcm.environment.images_here import ImagesHere
from sdcm.ownership.docker_endpoint import Endpoint
from unit_tests.lib.tiny_image import import_tiny_image

pytestmark = [pytest.mark.integration, pytest.mark.services("docker")]

BUILDER = """\
import os, sys
from pathlib import Path
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import Engine
from sdcm.environment.images import Images
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.paths import Paths
from unit_tests.lib.fake_step import FakeStep
base = Path(sys.argv[1])
step = FakeStep(base, 60)
step.say = lambda text: print(text, flush=True)
paths = Paths(base / "run", base / "state", base / "cache", base / "engine")
facts = dict(zip(("host", "cert_path", "tls_verify"), sys.argv[2:]))
engine = Engine.at(Endpoint.from_facts(facts), private=False)
print(Images(engine, Catalogue.load(base / "catalogue.toml"), paths).ensure("slow", step).source, flush=True)
"""


@pytest.fixture
def engine() -> Engine:
    """The engine that this test run uses."""
    choice = find_engine(os.environ, paths.from_environment(), allow_install=False)
    return Engine.at(choice.endpoint, private=choice.private)


@pytest.fixture
def mark() -> str:
    """A word that only this test's build uses."""
    return f"sct-test-{secrets.token_hex(4)}"


@pytest.fixture
def folder(engine: Engine, mark: str, tmp_path: Path) -> Iterator[Path]:
    """A catalogue with the image `slow`, whose last step takes three seconds."""
    base = import_tiny_image(engine.endpoint)
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "Dockerfile").write_text(
        f'FROM {base}\nRUN ["sh", "-c", ": {mark}"]\nRUN ["sh", "-c", "sleep 3; : {mark}"]\n'
    )
    reference = f"sct-test/slow:{mark}"
    (tmp_path / "catalogue.toml").write_text(f'[slow]\nreference = "{reference}"\nfolder = "slow"\n')
    yield tmp_path
    engine.endpoint.call("DELETE", f"/images/{reference}")


def start_builder(engine: Engine, folder: Path) -> "subprocess.Popen[str]":
    facts = engine.endpoint.facts()
    known = [facts[key] for key in ("host", "cert_path", "tls_verify") if key in facts]
    argv = [sys.executable, "-c", BUILDER, str(folder), *known]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def building(endpoint: Endpoint, mark: str) -> list[Any]:
    """Return the intermediate containers of the test's build."""
    listed = endpoint.call("GET", "/containers/json", {"all": "1"})[1]
    return [item for item in listed if mark in item["Command"]]


def until(condition: Any, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return bool(condition())


def test_a_killed_build_leaves_nothing_and_is_taken_up(engine: Engine, folder: Path, mark: str) -> None:
    """The engine ends the step of a builder that was killed; the next one takes the finished steps over.

    External services: Docker
    """
    builder = start_builder(engine, folder)
    log = folder / "step.log"
    assert until(lambda: log.exists() and "Step 3/" in log.read_text(), 30)
    assert until(lambda: len(building(engine.endpoint, mark)) == 1, 10)
    builder.kill()
    builder.wait()
    assert until(lambda: building(engine.endpoint, mark) == [], 10)
    log.unlink()
    second = start_builder(engine, folder)
    assert second.stdout is not None
    assert second.stdout.read().splitlines()[-1] == "built"
    assert second.wait() == 0
    assert "Using cache" in log.read_text()
    assert building(engine.endpoint, mark) == []


def test_who_comes_second_waits_for_the_first(engine: Engine, folder: Path) -> None:
    """Two processes that want one image build it once; the one that waits says what for.

    External services: Docker
    """
    first, second = start_builder(engine, folder), start_builder(engine, folder)
    assert first.stdout is not None
    assert second.stdout is not None
    outputs = [first.stdout.read(), second.stdout.read()]
    assert sorted(output.splitlines()[-1] for output in outputs) == ["built", "present"]
    waiting = next(output for output in outputs if output.splitlines()[-1] == "present")
    assert "waiting while somebody else is building slow: step 3/" in waiting
    assert Catalogue.load(folder / "catalogue.toml").entry("slow").reference in str(
        engine.endpoint.call("GET", "/images/json")[1]
    )


def test_of_layers_that_are_kept_the_newest_stay(engine: Engine, mark: str) -> None:
    """What is built on an image that has lost its name has its layers, and other repositories are not touched.

    External services: Docker
    """
    base = import_tiny_image(engine.endpoint)
    kept, other = f"sct-test/kept-{mark}", f"sct-test/kept-{mark}-not"
    tags = [f"{kept}:1", f"{kept}:2", f"{kept}:3", f"{other}:1"]
    try:
        for tag in tags:
            repository, _, version = tag.rpartition(":")
            engine.endpoint.call("POST", f"/images/{base}/tag", {"repo": repository, "tag": version})
        images = ImagesHere(engine.endpoint)
        gone = images.keep_newest(kept, 2)
        assert len(gone) == 1
        assert [tag for tag in tags if images.inspect(tag) is None] == gone
        assert images.keep_newest(kept, 2) == []
    finally:
        for tag in tags:
            engine.endpoint.call("DELETE", f"/images/{tag}")
