"""What works on this machine, and what mends what does not: what `doctor` shows."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from sdcm import paths
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import Engine, find_engine, missing_capabilities
from sdcm.environment.images import Images
from sdcm.errors import SctError
from sdcm.paths import Paths
from sdcm.services.availability import cloud_availability
from sdcm.services.table import CLOUD_LABELS, LABELS

#: What an image of the catalogue needs of the disk while it is built, GiB.
_DISK_GIB = 15


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis.

    Attributes:
        subject: What was looked at.
        ok: Whether it works.
        text: What was found.
        mend: What to type when it does not.
    """

    subject: str
    ok: bool
    text: str
    mend: str = ""


def diagnose(environ: Mapping[str, str] | None = None) -> list[Finding]:
    """Look at engine, images, kind and each service; nothing is started or changed."""
    env = os.environ if environ is None else environ
    places = paths.from_environment(env)
    findings = list(_engine(env, places))
    findings += _kind(findings[0])
    for label in LABELS:
        if label in CLOUD_LABELS:
            verdict = cloud_availability(label, env)
            findings.append(Finding(label, verdict.available, verdict.reason or "available", verdict.mend))
    findings += _disk(places)
    return findings


def _engine(environ: Mapping[str, str], places: Paths) -> Iterator[Finding]:
    try:
        choice = find_engine(environ, places, allow_install=False)
    except SctError as exc:
        yield Finding("engine", False, f"{exc.what}: {exc.why}" if exc.why else exc.what, exc.mend)
        yield Finding("docker", False, "needs an engine", "see engine")
        return
    yield Finding("engine", True, f"{choice.detail} ({choice.host})")
    yield Finding("docker", True, "available: the engine is there or can be started")
    missing = missing_capabilities()
    if missing:
        yield Finding(
            "capabilities", True, f"this process lacks {', '.join(missing)}; a private engine's containers go without"
        )
    if choice.kind in {"user", "private-up"}:
        yield from _images(Engine.at(choice.endpoint, private=choice.private), places)
    else:
        yield Finding("images", True, "looked at when the engine runs (`sct.py images list` starts it)")


def _images(engine: Engine, places: Paths) -> Iterator[Finding]:
    for row in Images(engine, Catalogue.load(), places).status():
        here = row.state == "present"
        how = "" if here else f"{row.source} at the first run, or `sct.py images build {row.name}`"
        yield Finding(f"image {row.name}", True, f"{row.state}: {row.reference}", how)
    with closing(engine.client()) as client:
        info = client.info()
    memory_gib = int(info.get("MemTotal", 0)) / 2**30
    enough = memory_gib >= 4
    yield Finding("memory", enough, f"{memory_gib:.0f} GiB on the engine", "" if enough else "use -n 1")


def _kind(engine: Finding) -> Iterator[Finding]:
    on_path = shutil.which("kind")
    where = f"{on_path}" if on_path else "not on PATH: the cached, released or built one is used"
    yield Finding("kind", True, where)
    mend = "" if engine.ok else "see engine, or pass --kubeconfig"
    yield Finding("kubernetes", engine.ok, "a Kind cluster of the run's own" if engine.ok else "needs an engine", mend)


def _disk(places: Paths) -> Iterator[Finding]:
    folder = places.engine
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    enough = free >= _DISK_GIB
    mend = "" if enough else f"free {_DISK_GIB - free:.0f} GiB, or set SCT_ENGINE_DIR; `sct.py clean --images`"
    yield Finding("disk", enough, f"{free:.0f} GiB free below {folder}", mend)
