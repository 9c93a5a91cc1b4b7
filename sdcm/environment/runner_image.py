"""The image that shards of a run start from in a cluster: a project's dependencies and its source tree.

The dependencies are an image of their own, named after what they follow from, so that a run after a change of the
source alone builds one small layer. The image with the source tree belongs to one run.
"""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from sdcm import process
from sdcm.environment.catalogue import Entry, docker_folder
from sdcm.environment.engine import Engine
from sdcm.environment.image_layer import Layers, with_images
from sdcm.environment.image_sources.build_context import certificate_bundle, context
from sdcm.environment.images_here import Image
from sdcm.environment.step import Step
from sdcm.errors import SctError, UsageProblem
from sdcm.ownership.ledger import Ledger

#: Files that the dependencies follow from.
_LOCK_FILES = ("pyproject.toml", "uv.lock")
#: Folders that are never source, where there is no git to ask.
_NO_SOURCE = frozenset({".git", ".venv", "venv", "__pycache__", "node_modules", ".pytest_cache", ".mypy_cache"})
_GIT_TIMEOUT = 60.0
#: Kind of these images in a ledger.
LEDGER_KIND = "image"


def runner_image(
    engine: Engine,
    base: Image,
    project: Path,
    *,
    run_id: str,
    ledger: Ledger,
    step: Step,
    images: Sequence[Image] = (),
) -> str:
    """Build the image of a project's shards.

    Args:
        engine: Where to build.
        base: What the catalogue has for them.
        project: The project's root folder.
        run_id: The run that the image is for.
        ledger: The run's; told before the image is made.
        step: Reported to; its deadline holds.
        images: What its tests need in the pods' own engine.

    Returns:
        The image's reference.

    Raises:
        UsageProblem: The project has no pyproject.toml.
        BuildFailed: A step failed.
    """
    if not (project / "pyproject.toml").is_file():
        raise UsageProblem(
            "--on kubernetes: no runner image can be made",
            why=f"{project} has no pyproject.toml that says what to install",
            mend="name an image that has the project in it: --image REFERENCE",
        )
    files = source_files(project)
    # First of all: what is edited while dependencies are fetched was not there when the tests were collected.
    source = _archive("project", project, "project", files)
    below = with_images(engine, _dependencies(engine, base, project, files, step), images, step)
    reference = project_reference(run_id)
    ledger.will_make(LEDGER_KIND, reference, **engine.facts())
    Layers(engine, step).build(_entry("project", reference), below, source)
    return reference


def project_reference(run_id: str) -> str:
    """Return what the image of a run's shards is called on the engine that made it."""
    return f"sct/runner-project:{run_id}"


def _entry(folder: str, reference: str) -> Entry:
    return Entry(f"runner-{folder}", reference, folder=docker_folder() / "runner" / folder)


def _dependencies(engine: Engine, base: Image, project: Path, files: Iterable[Path], step: Step) -> str:
    """Return the image with the project's dependencies; it is made once for all runs with the same."""
    locks = [each for each in files if each.as_posix() in _LOCK_FILES]
    archive = _archive("dependencies", project, "lock", locks)
    digest = hashlib.sha256(base.id.encode() + archive.getvalue()).hexdigest()[:16]
    entry, layers = _entry("dependencies", f"sct/runner-dependencies:{digest}"), Layers(engine, step)
    if layers.lacks(entry):
        layers.build(entry, base.reference, archive)
        layers.keep_newest(entry)
    return entry.reference


def _archive(folder: str, project: Path, prefix: str, files: Iterable[Path]) -> io.BytesIO:
    """Return a build context: the folder's Dockerfile and the files below `prefix`; the same files, the same bytes."""
    made = context(_entry(folder, f"sct/runner-{folder}:context"), certificate_bundle(os.environ))
    made.seek(0)
    with tarfile.open(fileobj=made, mode="a") as tar:
        for name in sorted(files):
            member = tar.gettarinfo(project / name, f"{prefix}/{name.as_posix()}")
            member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
            with (project / name).open("rb") if member.isreg() else io.BytesIO() as content:
                tar.addfile(member, content if member.isreg() else None)
    made.seek(0)
    return made


def source_files(project: Path) -> list[Path]:
    """Return a project's source files, relative to it: what git knows, and what is new and not ignored.

    A project without git gives every file outside the folders that tools make.
    """
    try:
        argv = ["git", "-C", str(project), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = process.run(argv, timeout=_GIT_TIMEOUT).stdout.split("\0")
    except SctError:
        found = (each.relative_to(project) for each in project.rglob("*"))
        names = [str(each) for each in found if not _NO_SOURCE & set(each.parts)]
    files = sorted({Path(name) for name in names if name})
    return [name for name in files if (project / name).is_file() or (project / name).is_symlink()]
