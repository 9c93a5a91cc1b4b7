import tarfile
from pathlib import Path

import pytest

from sdcm.environment.catalogue import Entry
from sdcm.environment.image_sources.build_context import build_arguments, certificate_bundle, context, label_stages


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    folder = tmp_path / "image"
    (folder / "bin").mkdir(parents=True)
    (folder / "Dockerfile").write_text("ARG BASE\nFROM ${BASE} AS build\nRUN make\nFROM scratch\nCOPY . /\n")
    (folder / "README.md").write_text("not sent")
    (folder / "bin" / "entry").write_text("#!/bin/sh\n")
    (folder / "bin" / "entry").chmod(0o700)
    (folder / "bin" / "link").symlink_to("entry")
    return Entry("thing", "sct/thing:1", folder=folder, args={"VERSION": "1"})


def test_the_context_holds_folder_and_certificates(entry: Entry) -> None:
    with tarfile.open(fileobj=context(entry, b"PEM")) as tar:
        members = {member.name: member for member in tar}
        assert set(members) == {"Dockerfile", "bin/entry", "bin/link", "build-ca.crt"}
        assert members["bin/entry"].mode == 0o755
        assert members["Dockerfile"].mode == 0o644
        assert members["bin/link"].linkname == "entry"
        certificates = tar.extractfile("build-ca.crt")
        assert certificates is not None
        assert certificates.read() == b"PEM"


def test_the_same_files_give_the_same_bytes(entry: Entry) -> None:
    first = context(entry, b"").read()
    assert entry.folder is not None
    (entry.folder / "Dockerfile").touch()
    assert context(entry, b"").read() == first


def test_every_stage_but_the_last_is_labelled_at_its_end() -> None:
    first = b"ARG A\nFROM a AS one\nRUN x \\\n    && from y\nRUN echo \\\nFROM nothing\n# c\n"
    second, last = b"from one AS two\nRUN z\n\n", b"FROM two\nRUN w\n"
    label = b"LABEL sct.stage=n\n"
    assert label_stages(first + second + last, "n") == first + label + second + label + last


def test_a_single_stage_is_left_alone() -> None:
    assert label_stages(b"FROM a\nRUN b\n", "n") == b"FROM a\nRUN b\n"


def test_arguments_win_over_the_environment(entry: Entry) -> None:
    environ = {"https_proxy": "http://p:3128", "NO_PROXY": "lan", "HOME": "/h", "HTTP_PROXY": "", "VERSION": "9"}
    assert build_arguments(entry, {"BASE": "sct/base:1"}, environ) == {
        "https_proxy": "http://p:3128",
        "NO_PROXY": "lan",
        "VERSION": "1",
        "BASE": "sct/base:1",
    }


def test_the_hosts_certificates_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.pem").write_bytes(b"mine")
    (tmp_path / "system.pem").write_bytes(b"system")
    monkeypatch.setattr(
        "sdcm.environment.image_sources.build_context._BUNDLES", (f"{tmp_path}/none", f"{tmp_path}/system.pem")
    )
    assert certificate_bundle({"SSL_CERT_FILE": str(tmp_path / "mine.pem")}) == b"mine"
    assert certificate_bundle({"SSL_CERT_FILE": str(tmp_path / "gone.pem")}) == b"system"
    assert certificate_bundle({}) == b"system"
    monkeypatch.setattr("sdcm.environment.image_sources.build_context._BUNDLES", ())
    assert certificate_bundle({}) == b""
