"""The `kind` program: on PATH, in our cache, downloaded with a checksum, or built in a container."""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from sdcm import process
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import Engine
from sdcm.environment.images import Images
from sdcm.environment.progress import Heartbeat
from sdcm.environment.step import Step
from sdcm.environment.whole_file import appearing
from sdcm.errors import EnvironmentFailed, SctError, ServiceUnavailable
from sdcm.paths import Paths

#: Where official releases are.
_RELEASES = "https://github.com/kubernetes-sigs/kind/releases/download"
#: SHA-256 of the official programs; a version without one here is built, not downloaded.
_CHECKSUMS: Mapping[tuple[str, str], str] = {
    ("0.33.0", "linux-amd64"): "aee6151561422756b764a4ae28e7f44cda5af5a9eead3cc9985112b1de8d8e0d",
    ("0.33.0", "linux-arm64"): "20022bee6cfcd5086cb7234d218e3454e6090022f2a8f55d1fa7fcf42c3867a2",
}
#: The oldest kind on PATH that is used; the newest is the catalogue's. A newer one may refuse cgroup v1.
_OLDEST = (0, 30, 0)
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_PROBE_TIMEOUT = 10.0
_CONNECT_TIMEOUT = 4.0
_BLOCK = 1 << 18


def ensure_kind_binary(engine: Engine, images: Images, paths: Paths, step: Step) -> Path:
    """Return the path of a kind program that can be used.

    Args:
        engine: Where it can be built.
        images: Builds it.
        paths: Where the cache is.
        step: Reported to.

    Raises:
        ServiceUnavailable: It is nowhere to be had.
    """
    version = Catalogue.load().entry("kind").args["KIND_VERSION"]
    if found := on_path(version):
        step.say(f"using {found} from PATH")
        return found
    cached = paths.cache / "bin" / f"kind-{version}"
    if os.access(cached, os.X_OK):
        return cached
    try:
        download(version, cached, step)
    except SctError as exc:
        step.say(f"kind is not downloaded: {exc.why or exc.what}; building it")
        _build(engine, images, cached, step)
    return cached


def on_path(newest: str) -> Path | None:
    """Return the kind on PATH if its version is one that is accepted, else None."""
    program = shutil.which("kind")
    if program is None:
        return None
    try:
        told = process.run([program, "version"], timeout=_PROBE_TIMEOUT).stdout
    except EnvironmentFailed:
        return None
    match = re.search(r"v(\d+)\.(\d+)\.(\d+)(-\S+)?", told)
    if match is None or match[4]:
        return None
    version = (int(match[1]), int(match[2]), int(match[3]))
    limit = tuple(int(part) for part in newest.split("."))
    return Path(program) if _OLDEST <= version <= limit else None


def platform_name() -> str:
    """Return this machine's platform as release files name it, for example `linux-amd64`."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{_ARCHITECTURES.get(machine, machine)}"


def download(version: str, target: Path, step: Step) -> None:
    """Download the official program, check it, and put it at `target` whole or not at all.

    Raises:
        EnvironmentFailed: No checksum is known, the server cannot be reached or stalls, or the checksum differs.
    """
    name = platform_name()
    wanted = _CHECKSUMS.get((version, name))
    if wanted is None:
        raise EnvironmentFailed(f"kind {version} for {name} is not downloaded", why="its checksum is not known")
    url = f"{_RELEASES}/v{version}/kind-{name}"
    with Heartbeat(step, f"downloading {url}") as heartbeat, appearing(target) as file:
        try:
            with urllib.request.urlopen(url, timeout=_CONNECT_TIMEOUT) as answer:  # noqa: S310 - a constant https URL
                total = int(answer.headers.get("Content-Length") or 0)
                found = _copy(answer, file, total, heartbeat, time.monotonic() + step.deadline / 2)
        except (OSError, urllib.error.URLError) as exc:
            reason = getattr(exc, "reason", None) or exc
            raise EnvironmentFailed(f"kind {version} cannot be downloaded", why=f"{url}: {reason}") from exc
        if found != wanted:
            raise EnvironmentFailed(f"kind {version} was downloaded broken", why=f"its SHA-256 is {found}")


def _copy(source: IO[bytes], target: IO[bytes], total: int, heartbeat: Heartbeat, end: float) -> str:
    """Copy everything and return its SHA-256."""
    digest, size = hashlib.sha256(), 0
    while block := source.read(_BLOCK):
        if time.monotonic() > end:
            raise TimeoutError("the download is too slow")
        digest.update(block)
        target.write(block)
        size += len(block)
        share = f" of {total / 1e6:.1f}" if total else ""
        heartbeat.now(f"downloading kind: {size / 1e6:.1f}{share} MB", fresh=False)
    return digest.hexdigest()


def _build(engine: Engine, images: Images, target: Path, step: Step) -> None:
    """Build the program in a container and take it out of the image."""
    if platform.system() != "Linux":
        raise ServiceUnavailable("there is no kind program", why="what a container builds runs on Linux only",
                                 mend="install kind and have it on PATH")  # fmt: skip
    image = images.ensure("kind", step)
    step.say("copying kind out of its image")
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(engine.client(timeout=step.deadline)) as client:
        archive = Path(folder) / "image.tar"
        with archive.open("wb") as saved:
            for block in client.images.get(image.reference).save(chunk_size=_BLOCK):
                saved.write(block)
        with appearing(target) as file:
            _take(archive, "kind", file)


def _take(archive: Path, name: str, target: IO[bytes]) -> None:
    """Copy the file `name` of a saved image's root into `target`.

    Raises:
        EnvironmentFailed: No layer has it.
    """
    with tarfile.open(archive) as image:
        for member in image:
            layer_file = image.extractfile(member) if member.isfile() else None
            if layer_file is None:
                continue
            try:
                with tarfile.open(fileobj=layer_file) as layer:
                    found = layer.extractfile(name)
                    if found is not None:
                        shutil.copyfileobj(found, target)
                        return
            except (tarfile.ReadError, KeyError):
                continue  # a JSON file, or a layer without it
    raise EnvironmentFailed(f"the image has no /{name}", mend="sct.py images build kind")
