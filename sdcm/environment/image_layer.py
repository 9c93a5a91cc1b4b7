"""Layers of the image that a run's shards start from; and one of them: the images that the run's tests need.

Those are one archive, so that what several are based on is in it once. Each layer is an image of its own. Those
named after what is in them are built once, and the newest stay on the engine for runs to come.
"""

import hashlib
import http.client
import io
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlencode

from sdcm.environment.catalogue import Entry, docker_folder
from sdcm.environment.engine import Engine
from sdcm.environment.image_sources import build
from sdcm.environment.image_sources.build_context import context
from sdcm.environment.images_here import Image, ImagesHere
from sdcm.environment.step import Step
from sdcm.errors import EnvironmentFailed
from sdcm.ownership.docker_endpoint import Endpoint

#: Layers of one kind that stay on an engine for runs to come; each has 0.3 to 1.6 GB.
KEPT_LAYERS = 3
#: The archive in the build context; the folder's Dockerfile copies it to where SCT_IMAGE_ARCHIVES leads.
_ARCHIVE = "archives/images.tar"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Layers:
    """Builds layers, each an image that starts from another.

    Attributes:
        engine: Where to build.
        step: Reported to; its deadline holds.
    """

    engine: Engine
    step: Step

    def lacks(self, entry: Entry) -> bool:
        """Whether the engine does not have the image."""
        return ImagesHere(self.engine.endpoint).inspect(entry.reference) is None

    def build(self, entry: Entry, base: str, archive: IO[bytes]) -> None:
        """Build the image.

        Args:
            entry: What it is called; its folder is in the archive already.
            base: The image that it starts from.
            archive: The build context.

        Raises:
            BuildFailed: A step failed.
        """
        build.build(
            self.engine.endpoint,
            entry,
            {"BASE": base},
            digest=entry.reference,
            log=self.step.log,
            deadline=self.step.deadline,
            tell=self.step.say,
            archive=archive,
        )

    def keep_newest(self, entry: Entry) -> None:
        """Remove all but the newest images of the entry's name, which runs to come may start from."""
        ImagesHere(self.engine.endpoint).keep_newest(entry.reference.rpartition(":")[0], KEPT_LAYERS)


def with_images(engine: Engine, base: str, images: Sequence[Image], step: Step) -> str:
    """Build `base` with an archive of images on it, unless that is there.

    Args:
        engine: What has them all.
        base: The image that the archive is put on; named after what is in it.
        images: What goes into the archive; those that were asked for by a digest have no name to be found by in one,
            and are left out.
        step: Reported to; its deadline holds.

    Returns:
        The reference of the image; `base` itself where there is nothing to put on it.

    Raises:
        EnvironmentFailed: The engine does not give the images out.
        BuildFailed: It does not build it.
    """
    named = sorted({image.reference: image.id for image in images if "@" not in image.reference}.items())
    if not named:
        return base
    made = context(_entry(""), b"").getvalue()
    digest = hashlib.sha256(b"\0".join([base.encode(), made, repr(named).encode()])).hexdigest()[:16]
    entry = _entry(digest)
    if (layers := Layers(engine, step)).lacks(entry):
        # On disk: images are larger than what memory is there for.
        with tempfile.TemporaryFile(dir=step.log.parent) as content:
            step.say(f"packing {', '.join(name for name, _ in named)}")
            write_context(content, made, saved(engine.endpoint, [name for name, _ in named], step.deadline))
            layers.build(entry, base, content)
        layers.keep_newest(entry)
    return entry.reference


def _entry(digest: str) -> Entry:
    return Entry("runner-archives", f"sct/runner-archives:{digest}", folder=docker_folder() / "runner" / "archives")


def saved(endpoint: Endpoint, references: Sequence[str], deadline: float) -> Iterator[bytes]:
    """Yield the archive that `docker save` writes of several images.

    Args:
        endpoint: The engine.
        references: The images.
        deadline: Seconds that the engine may be silent.

    Raises:
        EnvironmentFailed: It does not give them out.
    """
    try:
        connection = endpoint.connection(deadline)
        try:
            connection.request("GET", f"/images/get?{urlencode([('names', name) for name in references])}")
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise EnvironmentFailed(f"the engine does not give out {', '.join(references)}", why=_said(answer))
            while block := answer.read(_BLOCK):
                yield block
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as exc:
        raise EnvironmentFailed(f"the engine broke off giving out {', '.join(references)}", why=str(exc)) from exc


def _said(answer: http.client.HTTPResponse) -> str:
    return answer.read(_BLOCK).decode(errors="replace").strip()[-300:]


def write_context(file: IO[bytes], made: bytes, archive: Iterable[bytes]) -> None:
    """Write a build context: what is made already, and the archive, whose size is known only at its end.

    Args:
        file: Where to write; left at its beginning.
        made: A tar archive of the other files.
        archive: The archive, piece by piece.
    """
    with tarfile.open(fileobj=io.BytesIO(made)) as others:
        begin = max(each.offset_data + -(-each.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE for each in others)
    file.write(made[:begin] + bytes(tarfile.BLOCKSIZE))
    member = tarfile.TarInfo(_ARCHIVE)
    for block in archive:
        file.write(block)
        member.size += len(block)
    file.write(bytes(-member.size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE))
    file.seek(begin)
    file.write(member.tobuf(tarfile.GNU_FORMAT))
    file.seek(0)
