"""Images from archives of `docker save`, and the layer of a runner image that carries one."""

import io
import json
import tarfile

import pytest

from sdcm.environment.engine import Engine
from sdcm.environment.image_layer import saved, with_images, write_context
from sdcm.environment.image_sources.archives import Archives, references_in
from sdcm.environment.images_here import Image
from sdcm.errors import EnvironmentFailed
from sdcm.ownership.docker_endpoint import Endpoint
from unit_tests.lib.fake_engine import FakeEngine
from unit_tests.lib.fake_step import FakeStep


@pytest.fixture
def engine(tmp_path):
    fake = FakeEngine(tmp_path)
    yield fake
    fake.close()


def archive_of(*references):
    """Return what `docker save` writes, as far as it says what is in it."""
    content, text = io.BytesIO(), json.dumps([{"RepoTags": [reference]} for reference in references]).encode()
    with tarfile.open(fileobj=content, mode="w") as tar:
        member = tarfile.TarInfo("manifest.json")
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    return content.getvalue()


def test_an_archive_is_loaded_once_for_all_images_in_it(engine, tmp_path):
    (tmp_path / "two.tar").write_bytes(archive_of("a:1", "b:2"))
    said = []
    archives = Archives(Endpoint(engine.host), {"SCT_IMAGE_ARCHIVES": str(tmp_path)})
    assert [archives.has(name) for name in ("a:1", "b:2", "c:3")] == [True, True, False]
    assert [archives.load(name, deadline=20, tell=said.append) for name in ("a:1", "b:2", "c:3")] == [True, True, False]
    assert engine.count("POST", "/images/load") == 1
    assert set(engine.images) == {"a:1", "b:2"}
    assert said == [f"loading a:1 from {tmp_path}/two.tar (0 MB)"]


def test_without_a_folder_there_is_none_and_what_is_no_archive_is_named(engine, tmp_path):
    assert not Archives(Endpoint(engine.host), {}).load("a:1", deadline=20, tell=str)
    (tmp_path / "x.tar").write_bytes(b"no archive")
    with pytest.raises(EnvironmentFailed, match=r"x\.tar holds no images.*docker save"):
        references_in(tmp_path / "x.tar")


def test_an_engine_that_takes_no_archive_is_an_environment_failure(engine, tmp_path):
    (tmp_path / "one.tar").write_bytes(archive_of("a:1"))
    engine.refusals["POST /images/load"] = [(500, {"message": "no space left on device"})]
    archives = Archives(Endpoint(engine.host), {"SCT_IMAGE_ARCHIVES": str(tmp_path)})
    with pytest.raises(EnvironmentFailed, match=r"does not take the images in .*no space left"):
        archives.load("a:1", deadline=20, tell=str)
    assert archives.load("a:1", deadline=20, tell=str)


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 5000])
def test_an_archive_of_unknown_size_gets_into_a_context(size):
    content, made = io.BytesIO(), archive_of("a:1")
    write_context(content, made, [b"x" * (size // 2), b"x" * (size - size // 2)])
    with tarfile.open(fileobj=content) as tar:
        assert tar.getnames() == ["manifest.json", "archives/images.tar"]
        assert tar.extractfile("archives/images.tar").read() == b"x" * size


def image(reference, number="sha256:1"):
    return Image(reference, reference, number, "present")


def test_the_layer_is_made_once_for_the_same_images(engine, tmp_path):
    engine.saved = archive_of("a:1", "b:2")
    step, here = FakeStep(tmp_path), Engine(engine.host, private=True)
    first = with_images(here, "deps:1", [image("b:2"), image("a:1"), image("c@sha256:2")], step)
    assert with_images(here, "deps:1", [image("a:1"), image("b:2")], step) == first
    assert first.startswith("sct/runner-archives:")
    (built,) = engine.built
    assert built["files"]["archives/images.tar"] == engine.saved
    assert built["arguments"]["BASE"] == "deps:1"
    assert engine.saved_names == ["a:1", "b:2"]
    assert with_images(here, "deps:2", [image("a:1"), image("b:2")], step) != first
    assert with_images(here, "deps:1", [image("a:1", "sha256:3"), image("b:2")], step) != first


def test_nothing_to_carry_makes_no_layer(engine, tmp_path):
    assert (
        with_images(Engine(engine.host, private=True), "deps:1", [image("c@sha256:2")], FakeStep(tmp_path)) == "deps:1"
    )
    assert engine.requests == []


def test_an_engine_that_gives_no_image_out_says_why(engine):
    engine.refusals["GET /images/get"] = [(404, {"message": "reference does not exist"})]
    with pytest.raises(EnvironmentFailed, match=r"does not give out a:1: .*does not exist"):
        list(saved(Endpoint(engine.host), ["a:1"], 20))
