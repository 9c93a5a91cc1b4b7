"""Images are pulled from a real registry, and a quick, clear verdict comes where that cannot be.

External services: Docker (a registry container, on a random port of the loopback)
"""

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sdcm import paths
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import Engine, find_engine
from sdcm.environment.image_sources import pull
from sdcm.environment.image_sources.pull import PullRefused
from sdcm.environment.images import Images
from sdcm.errors import ServiceUnavailable
from sdcm.exit_codes import ExitCode
from sdcm.ownership import docker_objects, labels
from sdcm.ownership.docker_endpoint import Endpoint
from unit_tests.lib.fake_step import FakeStep
from unit_tests.lib.faulty_registry import FaultyRegistry
from unit_tests.lib.tiny_image import import_tiny_image

pytestmark = [pytest.mark.integration, pytest.mark.services("docker"), pytest.mark.xdist_group("image-registry")]

CATALOGUE = """
[tiny]
pull = "{registry}/sct/tiny:1"

[gone]
pull = "{registry}/sct/gone:1"

[built-instead]
reference = "sct-test/built:{tag}"
pull = "{registry}/sct/gone:2"
folder = "built"
needs = {{ BASE = "tiny" }}
"""


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The engine that this test run uses."""
    choice = find_engine(os.environ, paths.from_environment(), allow_install=False)
    return Engine.at(choice.endpoint, private=choice.private)


@pytest.fixture(scope="module")
def registry(engine: Engine, catalogue_image: Callable[[str], str]) -> Iterator[str]:
    """Address of a registry that holds sct/tiny:1, as the engine knows it: 127.0.0.1:port."""
    endpoint, run = engine.endpoint, os.environ.get("SCT_RUN", "")
    name = f"sct-{run or 'test'}-registry-{secrets.token_hex(3)}"
    body = {
        "Image": catalogue_image("registry"),
        "Labels": labels.of_run(run or secrets.token_hex(4), "registry"),
        "HostConfig": {"PortBindings": {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}},
    }
    container = docker_objects.DockerObject("container", name, name)
    try:
        assert endpoint.call("POST", "/containers/create", {"name": name}, body=body)[0] == 201
        assert endpoint.call("POST", f"/containers/{name}/start")[0] == 204
        found = endpoint.call("GET", f"/containers/{name}/json")[1]["NetworkSettings"]["Ports"]["5000/tcp"][0]
        address = f"127.0.0.1:{found['HostPort']}"
        push_tiny_image(endpoint, address)
        yield address
    finally:
        docker_objects.remove(endpoint, container, deadline=30)


def push_tiny_image(endpoint: Endpoint, address: str) -> None:
    """Push sct/tiny:1 as soon as the registry answers the engine, and forget it on the engine."""
    reference = import_tiny_image(endpoint, f"{address}/sct/tiny:1")
    client = endpoint.client()
    try:
        end = time.monotonic() + 30
        while True:
            events = list(client.api.push(reference, stream=True, decode=True))
            errors = [event["error"] for event in events if "error" in event]
            if not errors:
                break
            assert time.monotonic() < end, errors
            time.sleep(0.2)
        client.images.remove(reference)
    finally:
        client.close()


@pytest.fixture
def catalogue(registry: str, tmp_path: Path) -> Catalogue:
    """A catalogue of images that the registry has, has not, and that are built on one of them."""
    (tmp_path / "built").mkdir()
    dockerfile = 'ARG BASE\nFROM ${BASE}\nCOPY build-ca.crt /ca\nRUN ["cat", "/ca"]\n'
    (tmp_path / "built" / "Dockerfile").write_text(dockerfile)
    text = CATALOGUE.format(registry=registry, tag=secrets.token_hex(3))
    (tmp_path / "catalogue.toml").write_text(text)
    return Catalogue.load(tmp_path / "catalogue.toml")


@pytest.fixture
def images(engine: Engine, catalogue: Catalogue, tmp_path: Path) -> Iterator[Images]:
    """The images of that catalogue; removed from the engine afterwards."""
    places = paths.Paths(tmp_path / "run", tmp_path / "state", tmp_path / "cache", tmp_path / "engine")
    yield Images(engine, catalogue, places)
    for name in catalogue.names():
        engine.endpoint.call("DELETE", f"/images/{catalogue.entry(name).reference}")


@pytest.fixture
def step(tmp_path: Path) -> FakeStep:
    """A step to report progress to."""
    return FakeStep(tmp_path, 120)


@pytest.fixture
def deaf_registry() -> Iterator[str]:
    """Address of something that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_present_image_is_pulled_once(images: Images, step: FakeStep) -> None:
    """It is obtainable, is pulled, and is there the second time.

    External services: Docker (a registry container)
    """
    assert images.obtainable("tiny") == ""
    first = images.ensure("tiny", step)
    assert first.source == "pulled"
    assert "Pulling from sct/tiny" in step.log.read_text()
    second = images.ensure("tiny", step)
    assert (second.source, second.id) == ("present", first.id)


def test_missing_image_is_a_clear_verdict(images: Images, registry: str, step: FakeStep) -> None:
    """A registry that answers and lacks the image is believed at once.

    External services: Docker (a registry container)
    """
    started = time.monotonic()
    assert images.obtainable("gone") == (
        f"image gone ({registry}/sct/gone:1) is neither here nor pullable (registry {registry} does not have it)"
    )
    with pytest.raises(ServiceUnavailable, match=rf"neither here nor pullable: registry {registry} does not have it"):
        images.ensure("gone", step)
    assert time.monotonic() - started < 5


def test_unreachable_registry_is_a_quick_verdict(images: Images, step: FakeStep) -> None:
    """A closed port says so at once, and is not asked twice.

    External services: Docker
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"127.0.0.1:{server.getsockname()[1]}"
    started = time.monotonic()
    with pytest.raises(PullRefused, match=f"registry {closed} did not answer: connection refused") as caught:
        images.pull(f"{closed}/sct/tiny:1", step)
    assert images.obtainable(f"{closed}/sct/other:1") == (
        f"image {closed}/sct/other:1 is neither here nor pullable ({caught.value.why})"
    )
    assert time.monotonic() - started < 5


def test_deaf_registry_is_a_verdict_within_its_time(images: Images, deaf_registry: str) -> None:
    """A registry that accepts connections and hangs does not hang us.

    External services: Docker
    """
    started = time.monotonic()
    reason = images.obtainable(f"{deaf_registry}/sct/tiny:1")
    assert f"registry {deaf_registry} did not answer" in reason
    assert time.monotonic() - started < 12
    started = time.monotonic()
    assert f"registry {deaf_registry} did not answer" in images.obtainable(f"{deaf_registry}/sct/other:1")
    assert time.monotonic() - started < 1


def test_what_no_registry_has_is_built_from_what_one_has(images: Images, engine: Engine, step: FakeStep) -> None:
    """Not pulled itself, but its base is; no intermediate container stays.

    External services: Docker (a registry container)
    """
    before = {item["Id"] for item in engine.endpoint.call("GET", "/containers/json", {"all": "1"})[1]}
    image = images.ensure("built-instead", step)
    assert image.source == "built"
    found = engine.endpoint.call("GET", f"/images/{image.reference}/json")[1]
    assert len(found["Config"]["Labels"]["sct.build"]) == 64
    now = engine.endpoint.call("GET", "/containers/json", {"all": "1"})[1]
    assert [item for item in now if item["Id"] not in before and "/ca" in item["Command"]] == []
    assert images.ensure("built-instead", step).source == "present"


@pytest.fixture
def faulty(engine: Engine) -> Iterator[FaultyRegistry]:
    """A registry in this process; the engine must be on this machine to reach it."""
    if engine.publish_host != "127.0.0.1":
        pytest.skip("docker: this engine is on another host and cannot reach a registry of this process")
    registry = FaultyRegistry()
    yield registry
    registry.close()
    engine.endpoint.call("DELETE", f"/images/{registry.reference}")


def test_each_fault_of_a_registry_is_one_clear_line(
    images: Images, faulty: FaultyRegistry, step: FakeStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, stalled, wrong data, slow: each told apart, with its exit code and in its time.

    External services: Docker
    """
    where = f"registry {faulty.address}"
    monkeypatch.setattr(pull, "_STALL", 2.0)
    faulty.fault = "unauthorised"
    with pytest.raises(ServiceUnavailable, match=f"{where} does not have it or wants `docker login {faulty.address}`"):
        images.ensure(faulty.reference, step)
    assert len([path for path in faulty.asked if "manifests" in path or path == "/v2/"]) <= 3

    faulty.fault = "stalled"
    with pytest.raises(PullRefused, match=f"{where} began to send it and stood still for 2 s") as stalled:
        images.ensure(faulty.reference, step)
    faulty.released.set()

    faulty.fault = "digest"
    with pytest.raises(PullRefused, match=f"{where} serves other data than its digest promises") as wrong:
        images.ensure(faulty.reference, step)
    assert stalled.value.exit_code == wrong.value.exit_code == ExitCode.ENVIRONMENT_FAILED

    faulty.fault, step.said[:] = "slow", []
    assert images.ensure(faulty.reference, step).source == "pulled"
    assert [line for line in step.said if " of 1 MB" in line]
