"""The images of an engine: what may be asked of them."""

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import Engine
from sdcm.environment.image_sources.registries import Verdicts
from sdcm.environment.images_here import Image, ImageRow, ImagesHere, Removed
from sdcm.environment.obtaining import Obtaining, shown
from sdcm.environment.progress import Heartbeat
from sdcm.environment.step import Step
from sdcm.errors import UsageProblem
from sdcm.ownership.ledger import Ledger
from sdcm.paths import Paths

__all__ = ["Image", "ImageRow", "Images", "Removed"]


class Images:
    """The images of one engine; safe to use from several threads."""

    def __init__(
        self,
        engine: Engine,
        catalogue: Catalogue,
        paths: Paths,
        *,
        allow_install: bool = False,
        verdicts: Path | None = None,
        ledger: Ledger | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Work on `engine`.

        Args:
            engine: Where images are wanted.
            catalogue: What can be had.
            paths: The locks that keep two runs from making one image are below its cache folder.
            allow_install: mmdebstrap may be installed when it is needed.
            verdicts: File in which processes of one run share which registries do not answer.
            ledger: The run's, for processes on the host that make an image.
            environ: For proxies, certificate authorities, registry credentials and the registry mirror.
        """
        self._engine = engine
        self._catalogue = catalogue
        self._here = ImagesHere(engine.endpoint)
        self._obtaining = Obtaining(
            engine,
            self._here,
            locks=paths.cache / "locks",
            allow_install=allow_install,
            verdicts=Verdicts(engine.host, verdicts),
            ledger=ledger,
            environ=environ,
        )

    def ensure(self, name_or_reference: str, step: Step, *, built_here: bool = False) -> Image:
        """Make sure that an image is there.

        A name of the catalogue may be served by the pulled or the built image. A reference gets that very image.

        Args:
            name_or_reference: Name in the catalogue, or an image reference (with `/` or `:`).
            step: Reported to; its deadline (seconds) holds.
            built_here: Only the image that is built here will do, not the one that a registry has.

        Raises:
            UsageProblem: The catalogue has no such name.
            ServiceUnavailable: It can be neither pulled nor built here; says why, and what mends it.
            BuildFailed: Its build failed, though the package registries answered.
            PullRefused: A registry has it, and its transfer failed.
            EngineSilent: The engine is not there.
        """
        started = time.monotonic()
        entry = self._catalogue.find(name_or_reference)
        if built_here and entry is not None:
            entry = replace(entry, pull="")
        with Heartbeat(step, f"looking for image {name_or_reference}") as heartbeat:
            image = self._obtaining.ensure(entry, name_or_reference, step, heartbeat.now)
        seconds = time.monotonic() - started
        if image.source != "present":
            step.say(f"image {image.name} {image.source} in {seconds:.0f} s")
        return Image(image.name, image.reference, image.id, image.source, seconds)

    def obtainable(self, name_or_reference: str) -> str:
        """Find out, within seconds, whether `ensure` can succeed; nothing is pulled or built.

        Returns:
            Empty when it can, else the reason in one line, naming the image.

        Raises:
            UsageProblem: The catalogue has no such name.
            EngineSilent: The engine is not there.
        """
        entry = self._catalogue.find(name_or_reference)
        reason = self._obtaining.why_not(entry, name_or_reference)
        if not reason:
            return ""
        ways = "nor can it be built" if entry and entry.is_buildable else "nor pullable"
        return f"image {shown(entry, name_or_reference)} is neither here {ways} ({reason})"

    def build(self, name: str, step: Step) -> Image:
        """Build an image from its folder (or bootstrap it), whether or not it is there or could be pulled.

        Raises:
            UsageProblem: The catalogue has no such name, or it cannot be built.
            ServiceUnavailable: Something it needs is not to be had.
            BuildFailed: A step failed.
        """
        started = time.monotonic()
        entry = self._catalogue.entry(name)
        if not entry.is_buildable:
            raise UsageProblem(f"image {name} cannot be built", why="it has no folder", mend=f"images pull {name}")
        with Heartbeat(step, f"building {name}") as heartbeat, self._obtaining.turn(name, step, heartbeat.now) as say:
            made = self._obtaining.make(entry, step, say)
        return Image(name, made.reference, made.id, "built", time.monotonic() - started)

    def pull(self, name_or_reference: str, step: Step) -> Image:
        """Pull an image, whether or not it is there.

        Raises:
            UsageProblem: The catalogue has no such name, or no registry has it.
            PullRefused: It cannot be pulled.
        """
        started = time.monotonic()
        entry = self._catalogue.find(name_or_reference)
        reference = entry.pull if entry else name_or_reference
        if not reference:
            raise UsageProblem(f"image {name_or_reference} is in no registry", mend=f"images build {name_or_reference}")
        with (
            Heartbeat(step, f"pulling {reference}") as heartbeat,
            self._obtaining.turn(reference, step, heartbeat.now) as say,
        ):
            image = self._obtaining.pull(name_or_reference, reference, step, say)
        return Image(image.name, reference, image.id, "pulled", time.monotonic() - started)

    def status(self) -> list[ImageRow]:
        """Return what is there of the catalogue.

        Raises:
            EngineSilent: The engine is not there.
        """
        return [self._here.row(self._catalogue.entry(name)) for name in self._catalogue.names()]

    def ours(self) -> list[str]:
        """Return the images that `remove_ours` would remove, by reference (or id, where they have none).

        Raises:
            EngineSilent: The engine is not there.
        """
        return self._here.ours(self._pulled_by_us())

    def remove_ours(self) -> Removed:
        """Remove every image that was made here, build stages included.

        The catalogue's pulled images go from a private engine too; on a user's own they are the user's.

        Raises:
            EngineSilent: The engine is not there.
        """
        return self._here.remove_ours(self._pulled_by_us())

    def _pulled_by_us(self) -> list[str]:
        if not self._engine.private:
            return []
        return [pull for name in self._catalogue.names() if (pull := self._catalogue.entry(name).pull)]
