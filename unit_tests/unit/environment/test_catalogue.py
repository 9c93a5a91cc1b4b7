from pathlib import Path

import pytest

from sdcm.environment.catalogue import Catalogue, docker_folder
from sdcm.errors import UsageProblem

GOOD = """
[rootfs]
reference = "sct/rootfs:12"
pull = "debian:12.11-slim"
bootstrap = "bookworm"

[base]
reference = "sct/base:12"
folder = "base"
needs = { BASE = "rootfs" }

[node]
reference = "sct/node:5.0.6"
folder = "node"
needs = { BASE = "base" }
args = { VERSION = "5.0.6" }
flavour = "cassandra"

[scylla]
pull = "scylladb/scylla:2025.2.0"
flavour = "scylla"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("base", "node"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    (tmp_path / "catalogue.toml").write_text(GOOD)
    return tmp_path


def load(folder: Path, text: str = "") -> Catalogue:
    if text:
        (folder / "catalogue.toml").write_text(text)
    return Catalogue.load(folder / "catalogue.toml")


def test_entries_are_read(folder: Path) -> None:
    catalogue = load(folder)
    assert catalogue.names() == ("rootfs", "base", "node", "scylla")
    node = catalogue.entry("node")
    assert (node.reference, node.flavour, node.args) == ("sct/node:5.0.6", "cassandra", {"VERSION": "5.0.6"})
    assert node.folder == folder / "node"
    assert node.needs["BASE"].needs["BASE"].bootstrap == "bookworm"
    scylla = catalogue.entry("scylla")
    assert (scylla.reference, scylla.is_buildable) == ("scylladb/scylla:2025.2.0", False)
    assert catalogue.entry("rootfs").is_buildable


def test_the_projects_own_catalogue_is_sound() -> None:
    catalogue = Catalogue.load()
    for name in catalogue.names():
        entry = catalogue.entry(name)
        assert len(entry.digest()) == 64
        if entry.folder is not None:
            assert (entry.folder / "README.md").is_file(), f"docker/{entry.folder.name} has no README.md"
    assert {"base-bookworm", "base-trixie", "registry"} <= set(catalogue.names())
    assert docker_folder().name == "docker"


def test_an_unknown_name_brings_near_ones(folder: Path) -> None:
    with pytest.raises(UsageProblem, match=r"no image is called 'scyla': did you mean scylla\?"):
        load(folder).entry("scyla")


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("node", "node"),
        ("sct/node:5.0.6", "node"),
        ("scylladb/scylla:2025.2.0", None),
        ("debian:12.11-slim", None),
        ("sct/node:4", None),
    ],
)
def test_a_reference_means_that_very_image(folder: Path, asked: str, name: str | None) -> None:
    """A test that names what is to be pulled must not get something built in its place."""
    found = load(folder).find(asked)
    assert (found.name if found else None) == name


def test_a_name_without_entry_is_a_mistake(folder: Path) -> None:
    with pytest.raises(UsageProblem):
        load(folder).find("nodes")


class TestDigest:
    def test_it_follows_from_everything_that_goes_in(self, folder: Path) -> None:
        seen = {load(folder).entry("node").digest()}
        (folder / "node" / "extra").write_text("x")
        seen.add(load(folder).entry("node").digest())
        (folder / "node" / "extra").chmod(0o755)
        seen.add(load(folder).entry("node").digest())
        (folder / "node" / "extra").rename(folder / "node" / "other")
        seen.add(load(folder).entry("node").digest())
        (folder / "base" / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN true\n")
        seen.add(load(folder).entry("node").digest())
        seen.add(load(folder, GOOD.replace('VERSION = "5.0.6"', 'VERSION = "5.0.7"')).entry("node").digest())
        seen.add(load(folder, GOOD.replace('bootstrap = "bookworm"', 'bootstrap = "trixie"')).entry("node").digest())
        assert len(seen) == 7

    def test_it_does_not_follow_from_anything_else(self, folder: Path) -> None:
        before = load(folder).entry("node").digest()
        (folder / "node" / "README.md").write_text("words")
        (folder / "node" / "__pycache__").mkdir()
        (folder / "node" / "__pycache__" / "x.pyc").write_text("x")
        (folder / "node" / "Dockerfile").touch()
        text = GOOD.replace("debian:12.11-slim", "debian:12.12-slim").replace('"sct/node:5.0.6"', '"sct/other:1"')
        assert load(folder, text).entry("node").digest() == before


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[a", "cannot be read"),
        ("a = 1", r"\[a\] is no table"),
        ('[a]\npull = "x:1"\nfolders = "a"', r"\[a\] has the unknown key 'folders' \(known: args, background, boot"),
        ("[a]\nreference = 'x:1'", r"\[a\] has none of pull, folder and bootstrap"),
        ("[a]\nreference = 'x:1'\nfolder = 'base'\nbootstrap = 'b'", r"\[a\] has both folder and bootstrap"),
        ("[a]\nfolder = 'base'", r"\[a\] has no reference"),
        ("[a]\npull = 'x'", r"\[a\] reference 'x' is not pinned"),
        ("[a]\nreference = 'x:1'\npull = 'y:latest'", r"\[a\] pull 'y:latest' is not pinned"),
        ("[a]\nreference = 'x:1'\nfolder = 'none'", r"\[a\] folder 'none' holds no Dockerfile"),
        ("[a]\npull = 'x:1'\nflavour = 'mongo'", r"\[a\] has the flavour 'mongo'"),
        ("[a]\npull = 5", r"\[a\] pull is no string"),
        ("[a]\npull = 'x:1'\nargs = { V = 5 }", r"\[a\] args is no table of strings"),
        ("[a]\nreference = 'x:1'\nfolder = 'base'\nneeds = { B = 'b' }", r"\[a\] needs 'b', which is not in"),
        (
            (
                "[a]\nreference='x:1'\nfolder='base'\nneeds={ B='b' }\n"
                "[b]\nreference='y:1'\nfolder='base'\nneeds={ A='a' }"
            ),
            r"\[a\] needs itself: a -> b -> a",
        ),
    ],
)
def test_mistakes_are_named(folder: Path, text: str, complaint: str) -> None:
    with pytest.raises(UsageProblem, match=complaint):
        load(folder, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"catalogue\.toml cannot be read"):
        Catalogue.load(tmp_path / "catalogue.toml")


def test_a_build_may_be_in_the_background_without_another_digest(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "Dockerfile").write_text("FROM scratch\n")
    file = tmp_path / "catalogue.toml"
    table = '[a]\nreference = "sct/a:1"\nfolder = "a"\n'
    file.write_text(table)
    plain = Catalogue.load(file).entry("a")
    file.write_text(f"{table}background = true\n")
    background = Catalogue.load(file).entry("a")
    assert (plain.background, background.background) == (False, True)
    assert plain.digest() == background.digest()
