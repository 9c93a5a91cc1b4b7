"""Where the kind program comes from."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sdcm.environment import kind_binary
from sdcm.errors import EnvironmentFailed

CONTENT = b"#!/bin/sh\necho kind\n" * 1000


class QuietStep:
    """A step that remembers what was said."""

    deadline = 30.0

    def __init__(self, folder: Path) -> None:
        self.log = folder / "step.log"
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def step(tmp_path: Path) -> QuietStep:
    return QuietStep(tmp_path)


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """Files of a release server on the loopback, by path."""
    files: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(kind_binary, "_RELEASES", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(kind_binary, "platform_name", lambda: "linux-amd64")
    checksums = {("1.2.3", "linux-amd64"): hashlib.sha256(CONTENT).hexdigest()}
    monkeypatch.setattr(kind_binary, "_CHECKSUMS", checksums)
    yield files
    server.shutdown()
    server.server_close()


def test_a_release_is_checked_and_made_executable(releases: dict[str, bytes], step: QuietStep, tmp_path: Path) -> None:
    releases["/v1.2.3/kind-linux-amd64"] = CONTENT
    target = tmp_path / "bin" / "kind-1.2.3"
    kind_binary.download("1.2.3", target, step)
    assert target.read_bytes() == CONTENT
    assert target.stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("version", "content", "why"),
    [
        pytest.param("1.2.3", CONTENT + b"x", "its SHA-256 is", id="changed"),
        pytest.param("1.2.3", None, "Not Found", id="absent"),
        pytest.param("9.9.9", CONTENT, "its checksum is not known", id="no checksum"),
    ],
)
def test_what_cannot_be_trusted_is_not_kept(
    releases: dict[str, bytes], step: QuietStep, tmp_path: Path, version: str, content: bytes | None, why: str
) -> None:
    if content is not None:
        releases[f"/v{version}/kind-linux-amd64"] = content
    target = tmp_path / "bin" / "kind"
    with pytest.raises(EnvironmentFailed) as caught:
        kind_binary.download(version, target, step)
    assert why in caught.value.why
    assert not target.parent.exists() or list(target.parent.iterdir()) == []


def test_a_server_that_is_not_there_is_known_at_once(
    releases: dict[str, bytes], step: QuietStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind_binary, "_RELEASES", "http://127.0.0.1:9")
    with pytest.raises(EnvironmentFailed, match=r"cannot be downloaded: http://127.0.0.1:9/v1.2.3/kind-linux-amd64: "):
        kind_binary.download("1.2.3", tmp_path / "kind", step)


@pytest.mark.parametrize(
    ("told", "accepted"),
    [
        ("kind v0.33.0 go1.26.7 linux/amd64", True),
        ("kind v0.30.0 go1.24 linux/amd64", True),
        ("kind v0.29.0 go1.24 linux/amd64", False),
        ("kind v0.34.0 go1.26 linux/amd64", False),
        ("kind v0.33.0-alpha+1 go1.26 linux/amd64", False),
        ("something else", False),
    ],
)
def test_kind_on_path_is_used_in_an_accepted_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, accepted: bool
) -> None:
    program = tmp_path / "kind"
    program.write_text(f"#!/bin/sh\necho '{told}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert kind_binary.on_path("0.33.0") == (program if accepted else None)


def test_no_kind_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kind_binary.on_path("0.33.0") is None


def test_every_pinned_checksum_is_one() -> None:
    for (version, platform), checksum in kind_binary._CHECKSUMS.items():
        assert version.count(".") == 2
        assert platform.startswith("linux-")
        assert len(bytes.fromhex(checksum)) == 32


def _tar(path: Path, **files: bytes) -> bytes:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name.replace("_", "."))
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path.read_bytes()


def test_a_file_is_taken_out_of_a_saved_image(tmp_path: Path) -> None:
    other, layer = _tar(tmp_path / "a", notes=b"x"), _tar(tmp_path / "b", kind=CONTENT)
    _tar(tmp_path / "image.tar", manifest_json=b"[]", one_tar=other, two_tar=layer)
    taken = io.BytesIO()
    kind_binary._take(tmp_path / "image.tar", "kind", taken)
    assert taken.getvalue() == CONTENT
    with pytest.raises(EnvironmentFailed, match="the image has no /absent"):
        kind_binary._take(tmp_path / "image.tar", "absent", io.BytesIO())
