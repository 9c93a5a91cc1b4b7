import io
import json
import tarfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from sdcm.environment import packages
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import Engine
from sdcm.environment.image_sources import bootstrap as bootstrapping
from sdcm.environment.image_sources import build as building
from sdcm.environment.image_sources.build import BuildFailed
from sdcm.environment.image_sources.registries import Verdicts
from sdcm.environment.images import Images
from sdcm.environment.images_here import ImagesHere
from sdcm.errors import ServiceUnavailable, UsageProblem
from sdcm.exit_codes import ExitCode
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.paths import Paths
from unit_tests.lib.fake_engine import FakeEngine
from unit_tests.lib.fake_step import FakeStep

CATALOGUE = """
[rootfs]
reference = "sct/rootfs:12"
pull = "r.lan/debian:12"
bootstrap = "bookworm"

[base]
reference = "sct/base:12"
folder = "base"
needs = { BASE = "rootfs" }

[tools]
reference = "sct/tools:1"
folder = "base"
needs = { BASE = "rootfs" }

[node]
reference = "sct/node:5"
folder = "node"
needs = { BASE = "base", TOOLS = "tools" }
args = { VERSION = "5" }
flavour = "cassandra"

[kafka]
reference = "sct/kafka:4"
pull = "r.lan/kafka:4"
folder = "base"
needs = { BASE = "rootfs" }

[scylla]
pull = "scylladb/scylla:2025.2.0"
flavour = "scylla"
"""
NO_HOST = (500, {"message": "dial tcp: lookup registry on 10.0.0.53:53: no such host"})
DONE = (200, [{"status": "Pulling fs layer", "id": "l1"}, {"status": "Pull complete", "id": "l1"}])


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    monkeypatch.setattr(Verdicts, "_by_engine", {})
    fake = FakeEngine(tmp_path)
    for reference in ("r.lan/debian:12", "r.lan/kafka:4", "docker.io/scylladb/scylla:2025.2.0"):
        fake.pulls[reference] = fake.registry[reference] = NO_HOST
    yield fake
    fake.close()


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    for name in ("base", "node"):
        (tmp_path / "docker" / name).mkdir(parents=True)
        (tmp_path / "docker" / name / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    (tmp_path / "docker" / "catalogue.toml").write_text(CATALOGUE)
    return Catalogue.load(tmp_path / "docker" / "catalogue.toml")


def images_of(engine: FakeEngine, catalogue: Catalogue, tmp_path: Path, **more: object) -> Images:
    places = Paths(tmp_path / "run", tmp_path / "state", tmp_path / "cache", tmp_path / "engine")
    environ = {"HOME": str(tmp_path), **dict(more.pop("environ", {}))}  # type: ignore[call-overload]
    return Images(Engine(engine.host, private=True), catalogue, places, environ=environ, **more)  # type: ignore[arg-type]


@pytest.fixture
def images(engine: FakeEngine, catalogue: Catalogue, tmp_path: Path) -> Images:
    return images_of(engine, catalogue, tmp_path)


@pytest.fixture
def step(tmp_path: Path) -> FakeStep:
    return FakeStep(tmp_path)


def built(engine: FakeEngine) -> list[str]:
    return [build["query"]["t"][0] for build in engine.built]


def test_a_present_image_costs_no_request_but_the_look(engine: FakeEngine, images: Images, step: FakeStep) -> None:
    number = engine.add_image("r.lan/kafka:4")
    image = images.ensure("kafka", step)
    assert (image.name, image.reference, image.id, image.source) == ("kafka", "r.lan/kafka:4", number, "present")
    assert engine.requests == ["GET /images/r.lan/kafka:4/json"]
    assert step.said == []


def test_an_image_is_pulled_where_that_is_possible(engine: FakeEngine, images: Images, step: FakeStep) -> None:
    engine.pulls["r.lan/kafka:4"] = DONE
    image = images.ensure("kafka", step)
    assert (image.reference, image.source) == ("r.lan/kafka:4", "pulled")
    assert built(engine) == []
    assert step.said == ["image kafka pulled in 0 s"]


def test_an_archive_comes_before_registries_and_builds(
    engine: FakeEngine, catalogue: Catalogue, tmp_path: Path, step: FakeStep
) -> None:
    digest = catalogue.entry("node").digest()
    for name, labels in (("sct/node:5", {"sct.build": digest}), ("sct/tools:1", {"sct.build": "of another folder"})):
        text = json.dumps([{"RepoTags": [name], "labels": labels}]).encode()
        with tarfile.open(tmp_path / f"{name[4:]}.tar", "w") as tar:
            member = tarfile.TarInfo("manifest.json")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    images = images_of(engine, catalogue, tmp_path, environ={"SCT_IMAGE_ARCHIVES": str(tmp_path)})
    assert images.obtainable("node") == ""
    image = images.ensure("node", step)
    assert (image.reference, image.source) == ("sct/node:5", "loaded")
    assert (engine.count("POST", "/images/create"), built(engine)) == (0, [])
    # What an archive holds of another checkout is not what is wanted.
    engine.pulls["r.lan/debian:12"] = DONE
    assert images.ensure("tools", step).source == "built"


def test_else_it_is_built_after_what_it_needs(
    engine: FakeEngine, images: Images, catalogue: Catalogue, step: FakeStep
) -> None:
    engine.pulls["r.lan/debian:12"] = DONE
    image = images.ensure("node", step)
    assert (image.reference, image.source) == ("sct/node:5", "built")
    assert sorted(built(engine)[:2]) == ["sct/base:12", "sct/tools:1"]
    assert built(engine)[2:] == ["sct/node:5"]
    node = engine.built[2]
    assert node["arguments"] == {"VERSION": "5", "BASE": "sct/base:12", "TOOLS": "sct/tools:1"}
    assert set(node["files"]) == {"Dockerfile", "build-ca.crt"}
    assert (node["query"]["rm"], node["query"]["forcerm"]) == (["True"], ["True"])
    assert engine.images["sct/node:5"]["Config"]["Labels"] == {
        "sct.build": catalogue.entry("node").digest(),
        "sct.flavour": "cassandra",
    }
    assert engine.built[0]["arguments"] == {"BASE": "r.lan/debian:12"}
    assert engine.count("POST", "/images/create") == 1
    assert "Step 1/1" in step.log.read_text()


def test_what_was_built_is_present_until_its_folder_changes(
    engine: FakeEngine, catalogue: Catalogue, tmp_path: Path, step: FakeStep
) -> None:
    engine.add_image("r.lan/debian:12")
    assert images_of(engine, catalogue, tmp_path).ensure("base", step).source == "built"
    assert images_of(engine, catalogue, tmp_path).ensure("base", step).source == "present"
    old = engine.images["sct/base:12"]["Id"]
    (tmp_path / "docker" / "base" / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN true\n")
    images = images_of(engine, catalogue, tmp_path)
    assert [row.state for row in images.status() if row.name == "base"] == ["outdated"]
    assert images.ensure("base", step).source == "built"
    assert engine.count("DELETE", f"/images/{old}") == 1


def test_an_image_named_by_its_reference_is_never_replaced(engine: FakeEngine, images: Images, step: FakeStep) -> None:
    """`kafka` may be built where it cannot be pulled; a test that names r.lan/kafka:4 wants that very image."""
    engine.add_image("r.lan/debian:12")
    with pytest.raises(ServiceUnavailable, match=r"^image r\.lan/kafka:4 is neither here nor pullable: regis"):
        images.ensure("r.lan/kafka:4", step)
    assert engine.built == []
    assert images.ensure("sct/kafka:4", step).source == "built"


def test_nothing_to_be_had_is_one_line_with_why_and_what_mends_it(
    engine: FakeEngine, images: Images, step: FakeStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrapping, "obstacle", lambda: "mmdebstrap is not installed")
    with pytest.raises(ServiceUnavailable) as caught:
        images.ensure("base", step)
    text = str(caught.value)
    assert caught.value.exit_code is ExitCode.UNAVAILABLE
    assert text.startswith("image base (sct/base:12) can be neither pulled nor built: image rootfs (r.lan/debian:12)")
    assert "registry r.lan did not answer: no such host" in text
    assert text.endswith("-- apt-get install -y mmdebstrap debian-archive-keyring, or add --setup")
    assert "\n" not in text


def test_a_pull_only_image_tells_how_to_mend_it(images: Images, step: FakeStep) -> None:
    with pytest.raises(ServiceUnavailable) as caught:
        images.ensure("scylla", step)
    assert str(caught.value) == (
        "image scylla (scylladb/scylla:2025.2.0) is neither here nor pullable:"
        " registry docker.io did not answer: no such host"
        " -- docker load it, or set SCT_IMAGE_REGISTRY to a registry that has it"
    )


def test_a_failed_build_names_step_and_keeps_the_output(engine: FakeEngine, images: Images, step: FakeStep) -> None:
    engine.add_image("r.lan/debian:12")
    engine.build_output = [
        {"stream": "Step 2/3 : RUN make\n"},
        {"stream": "cc: error: no input files\n"},
        {"error": "The command 'make' returned a non-zero code: 2"},
    ]
    with pytest.raises(BuildFailed, match=r"failed at step 2/3: RUN make: The command 'make'") as caught:
        images.ensure("base", step)
    assert caught.value.exit_code is ExitCode.ENVIRONMENT_FAILED
    assert "cc: error: no input files" in caught.value.evidence
    with pytest.raises(BuildFailed, match="building image base failed at step 2/3: RUN make"):
        images.build("base", step)
    assert "cc: error" in step.log.read_text()


def test_a_build_that_finds_no_package_registry_makes_its_image_unavailable(
    engine: FakeEngine, images: Images, step: FakeStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.add_image("r.lan/debian:12")
    monkeypatch.setattr(building, "time", SimpleNamespace(sleep=lambda _: None))
    engine.build_output = [
        {"stream": "Step 2/3 : RUN apt-get update\n"},
        {"stream": "  Temporary failure resolving 'deb.lan'\n"},
        {"error": "The command 'apt-get update' returned a non-zero code: 100"},
    ]
    with pytest.raises(ServiceUnavailable, match=r"can be neither pulled nor built: .*RUN apt-get update") as caught:
        images.ensure("base", step)
    assert caught.value.exit_code is ExitCode.UNAVAILABLE


def test_two_at_once_build_once(engine: FakeEngine, catalogue: Catalogue, tmp_path: Path, step: FakeStep) -> None:
    engine.pulls["r.lan/debian:12"] = DONE
    engine.on_pull = lambda: time.sleep(0.1)
    start = threading.Barrier(4)

    def ensure(name: str) -> str:
        start.wait()
        return images_of(engine, catalogue, tmp_path).ensure(name, step).source

    with ThreadPoolExecutor(4) as pool:
        sources = list(pool.map(ensure, ["node", "node", "base", "tools"]))
    assert sorted(built(engine)) == ["sct/base:12", "sct/node:5", "sct/tools:1"]
    assert engine.count("POST", "/images/create") == 1
    assert sorted(sources[:2]) == ["built", "present"]


def test_mmdebstrap_is_installed_where_that_is_allowed(
    engine: FakeEngine, catalogue: Catalogue, tmp_path: Path, step: FakeStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[tuple[str, ...]] = []
    monkeypatch.setattr(bootstrapping, "obstacle", lambda: "" if installed else "mmdebstrap is not installed")
    monkeypatch.setattr(packages, "install", lambda wanted, step: installed.append(tuple(wanted)))
    monkeypatch.setattr(packages, "can_install", lambda: "")
    monkeypatch.setattr(bootstrapping, "bootstrap", lambda *_, **__: engine.add_image("sct/rootfs:12"))
    images = images_of(engine, catalogue, tmp_path, allow_install=True)
    assert images.obtainable("rootfs") == ""
    assert installed == []
    assert images.ensure("rootfs", step).source == "built"
    assert installed == [packages.BOOTSTRAP_PACKAGES]


def test_a_mirror_serves_docker_hub_under_the_usual_name(
    engine: FakeEngine, catalogue: Catalogue, tmp_path: Path, step: FakeStep
) -> None:
    engine.pulls["mirror.lan/hub/scylladb/scylla:2025.2.0"] = DONE
    images = images_of(engine, catalogue, tmp_path, environ={"SCT_IMAGE_REGISTRY": "mirror.lan/hub"})
    image = images.ensure("scylla", step)
    assert (image.reference, image.source) == ("scylladb/scylla:2025.2.0", "pulled")
    assert engine.images["scylladb/scylla:2025.2.0"]["Id"] == image.id


class TestObtainable:
    def test_a_named_image_that_is_nowhere(self, images: Images) -> None:
        assert images.obtainable("scylladb/scylla:2025.2.0") == (
            "image scylladb/scylla:2025.2.0 is neither here nor pullable"
            " (registry docker.io did not answer: no such host)"
        )

    def test_what_is_here_or_in_a_registry(self, engine: FakeEngine, images: Images) -> None:
        engine.registry["docker.io/a/b:1"] = (200, {})
        assert images.obtainable("a/b:1") == ""
        engine.add_image("c/d:1")
        assert images.obtainable("c/d:1") == ""
        assert engine.count("POST", "/images/create") == 0

    def test_what_can_be_built_from_what_can_be_had(self, images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bootstrapping, "obstacle", lambda: "")
        assert images.obtainable("node") == ""
        assert images.obtainable("kafka") == ""

    def test_what_cannot_be_built_says_what_is_missing(self, images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bootstrapping, "obstacle", lambda: "mmdebstrap is not installed")
        assert images.obtainable("base") == (
            "image base (sct/base:12) is neither here nor can it be built"
            " (rootfs: registry r.lan did not answer: no such host; mmdebstrap is not installed)"
        )


def test_status_lists_the_whole_catalogue(engine: FakeEngine, images: Images) -> None:
    engine.add_image("r.lan/kafka:4")
    rows = {row.name: row for row in images.status()}
    assert list(rows) == ["rootfs", "base", "tools", "node", "kafka", "scylla"]
    kafka, node, scylla = rows["kafka"], rows["node"], rows["scylla"]
    assert (kafka.state, kafka.reference, kafka.size) == ("present", "r.lan/kafka:4", 1000)
    assert kafka.source == "pull or build"
    assert (node.state, node.reference, node.flavour, node.source) == ("absent", "sct/node:5", "cassandra", "build")
    assert (scylla.state, scylla.source) == ("absent", "pull")


def test_only_what_was_made_here_is_removed(engine: FakeEngine, images: Images) -> None:
    engine.add_image("sct/base:12", {"sct.build": "d"})
    engine.add_image("sct/node:5", {"sct.build": "d"})
    engine.add_image("sct/stage:1", {"sct.stage": "node"})
    engine.add_image("users/own:1", {"maintainer": "me"})
    engine.refusals["DELETE /images/sct/base:12"] = [(409, {"message": "image has dependent child images"})]
    removed = images.remove_ours()
    assert sorted(removed.names) == ["sct/base:12", "sct/node:5", "sct/stage:1"]
    assert (dict(removed.kept), removed.freed) == ({}, 3000)
    assert list(engine.images) == ["users/own:1"]


def test_an_image_in_use_is_kept_and_told(engine: FakeEngine, images: Images) -> None:
    engine.add_image("sct/base:12", {"sct.build": "d"})
    engine.refusals["DELETE /images/sct/base:12"] = [(409, {"message": "container 1 uses it"})] * 9
    removed = images.remove_ours()
    assert dict(removed.kept) == {"sct/base:12": "container 1 uses it"}
    assert (removed.names, removed.freed) == ((), 0)


def test_build_and_pull_by_hand(engine: FakeEngine, images: Images, step: FakeStep) -> None:
    engine.add_image("r.lan/debian:12")
    engine.add_image("r.lan/kafka:4")
    assert images.build("kafka", step).reference == "sct/kafka:4"
    with pytest.raises(UsageProblem, match="image scylla cannot be built"):
        images.build("scylla", step)
    engine.pulls["r.lan/kafka:4"] = DONE
    assert images.pull("kafka", step).reference == "r.lan/kafka:4"
    with pytest.raises(UsageProblem, match="image base is in no registry"):
        images.pull("base", step)


def test_of_layers_that_are_kept_the_oldest_go(engine: FakeEngine) -> None:
    for reference in ("sct/layer:a", "sct/layer-of-others:a", "sct/layer:b", "sct/layer:c"):
        engine.add_image(reference)
    here = ImagesHere(Endpoint(engine.host))
    assert here.keep_newest("sct/layer", 2) == ["sct/layer:a"]
    assert set(engine.images) == {"sct/layer-of-others:a", "sct/layer:b", "sct/layer:c"}
