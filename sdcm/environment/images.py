"""Getting the images that tests need: present, else pulled, else built."""

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sdcm.environment import packages
from sdcm.environment.catalogue import Catalogue, Entry
from sdcm.environment.engine import Engine
from sdcm.environment.image_sources import bootstrap, build, pull
from sdcm.environment.image_sources.builder_lock import Turn, my_turn
from sdcm.environment.image_sources.references import REGISTRY_VARIABLE, Reference
from sdcm.environment.image_sources.registries import Verdicts
from sdcm.environment.images_here import Image, ImageRow, ImagesHere, Removed
from sdcm.environment.progress import Heartbeat
from sdcm.environment.step import Step
from sdcm.errors import EnvironmentFailed, SctError, ServiceUnavailable, UsageProblem
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
        self._endpoint = engine.endpoint
        self._catalogue = catalogue
        self._here = ImagesHere(self._endpoint)
        self._locks = paths.cache / "locks"
        self._allow_install = allow_install
        self._verdicts = Verdicts(engine.host, verdicts)
        self._ledger = ledger
        self._environ = environ

    def ensure(self, name_or_reference: str, step: Step, *, built_here: bool = False) -> Image:
        """Make sure that an image is there.

        A name of the catalogue may be served by the pulled or the built image. A reference gets that very image.

        Args:
            name_or_reference: Name in the catalogue, or an image reference (with `/` or `:`).
            step: Reported to; its deadline (seconds) holds.
            built_here: Only the image that is built here will do, not the one that a registry has.

        Raises:
            UsageProblem: The catalogue has no such name.
            ServiceUnavailable: It can be neither pulled nor built; says why, and what mends it.
            PullRefused: A registry has it, and its transfer failed.
            EngineSilent: The engine is not there.
        """
        started = time.monotonic()
        entry = self._catalogue.find(name_or_reference)
        if built_here and entry is not None:
            entry = replace(entry, pull="")
        with Heartbeat(step, f"looking for image {name_or_reference}") as heartbeat:
            image = self._ensure(entry, name_or_reference, step, heartbeat.now)
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
        reason = self._why_not(entry, name_or_reference)
        if not reason:
            return ""
        ways = "nor can it be built" if entry and entry.is_buildable else "nor pullable"
        return f"image {_shown(entry, name_or_reference)} is neither here {ways} ({reason})"

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
        with Heartbeat(step, f"building {name}") as heartbeat, self._turn(name, step, heartbeat.now) as turn:
            made = self._make(entry, step, _both(heartbeat.now, turn))
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
        with Heartbeat(step, f"pulling {reference}") as heartbeat, self._turn(reference, step, heartbeat.now) as turn:
            image = self._pull(name_or_reference, reference, step, _both(heartbeat.now, turn))
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

    def _ensure(self, entry: Entry | None, asked: str, step: Step, tell: Callable[[str], None]) -> Image:
        if image := self._here.find(entry, asked):
            return image
        with self._turn(entry.name if entry else asked, step, tell) as turn:
            if image := self._here.find(entry, asked):
                return image
            say = _both(tell, turn)
            reasons: list[str] = []
            if reference := entry.pull if entry else asked:
                try:
                    return self._pull(asked, reference, step, say)
                except pull.PullRefused as exc:
                    if exc.kind.may_pass and (entry is None or not entry.is_buildable):
                        raise  # it is to be had, though not now
                    reasons.append(exc.why)
            if entry is None or not entry.is_buildable:
                raise self._unavailable(entry, asked, reasons)
            try:
                return self._make(entry, step, say)
            except (ServiceUnavailable, build.BuildFailed) as exc:
                raise self._unavailable(entry, asked, [*reasons, *_what_and_why(exc)], exc) from exc

    def _unavailable(
        self, entry: Entry | None, asked: str, reasons: list[str], cause: SctError | None = None
    ) -> ServiceUnavailable:
        ways = "can be neither pulled nor built" if entry and entry.is_buildable else "is neither here nor pullable"
        mend = cause.mend if cause else f"docker load it, or set {REGISTRY_VARIABLE} to a registry that has it"
        evidence = cause.evidence if cause else ""
        return ServiceUnavailable(
            f"image {_shown(entry, asked)} {ways}", why="; ".join(reasons), mend=mend, evidence=evidence
        )

    def _turn(self, name: str, step: Step, tell: Callable[[str], None]) -> Any:
        return my_turn(self._locks, self._engine.host, name, deadline=step.deadline, tell=tell)

    def _pull(self, name: str, reference: str, step: Step, say: Callable[[str], None]) -> Image:
        wanted = Reference.parse(reference)
        source = wanted.in_mirror(self._environ)
        say(f"pulling {source}")
        pull.pull(
            self._endpoint,
            source,
            verdicts=self._verdicts,
            environ=self._environ,
            log=step.log,
            deadline=step.deadline,
            tell=say,
        )
        if source != wanted and not wanted.is_digest:
            query = {"repo": wanted.name, "tag": wanted.tag}
            self._endpoint.call("POST", f"/images/{quote(str(source))}/tag", query)
        found = self._here.inspect(reference if not wanted.is_digest else str(source))
        if found is None:
            raise EnvironmentFailed(f"image {reference} was pulled and is not there", mend="docker images")
        return Image(name, reference if not wanted.is_digest else str(source), found["Id"], "pulled")

    def _make(self, entry: Entry, step: Step, say: Callable[[str], None]) -> Image:
        """Build or bootstrap the entry, after what it needs."""
        digest = entry.digest()
        before = self._here.inspect(entry.reference)
        if entry.bootstrap:
            self._install_bootstrapper(step, say)
            bootstrap.bootstrap(
                self._endpoint,
                entry,
                digest=digest,
                log=step.log,
                deadline=step.deadline,
                tell=say,
                environ=self._environ,
                ledger=self._ledger,
            )
        else:
            needed = self._needs(entry, step, say)
            say(f"building {entry.name}")
            build.build_with_retries(
                self._endpoint,
                entry,
                {argument: image.reference for argument, image in needed.items()},
                digest=digest,
                log=step.log,
                deadline=step.deadline,
                tell=say,
                environ=self._environ,
            )
        made = self._here.inspect(entry.reference)
        if made is None:
            raise EnvironmentFailed(f"image {entry.reference} was built and is not there", mend="docker images")
        if before is not None and before["Id"] != made["Id"]:  # refused, rightly, while something is made of it
            self._endpoint.call("DELETE", f"/images/{before['Id']}")
        return Image(entry.name, entry.reference, made["Id"], "built")

    def _install_bootstrapper(self, step: Step, say: Callable[[str], None]) -> None:
        if bootstrap.obstacle() and self._allow_install:
            say("installing mmdebstrap")
            packages.install(packages.BOOTSTRAP_PACKAGES, step)

    def _needs(self, entry: Entry, step: Step, say: Callable[[str], None]) -> dict[str, Image]:
        """Get what an entry is built from, side by side; build argument -> image."""
        if not entry.needs:
            return {}
        with ThreadPoolExecutor(len(entry.needs), "image") as pool:
            doing = _SideBySide(say)
            started = {
                argument: pool.submit(self._ensure_beside, doing, needed, step)
                for argument, needed in entry.needs.items()
            }
        return {argument: image.result() for argument, image in started.items()}

    def _ensure_beside(self, doing: "_SideBySide", needed: Entry, step: Step) -> Image:
        try:
            return self._ensure(needed, needed.name, step, doing.teller(needed.name))
        finally:
            doing.ended(needed.name)

    def _why_not(self, entry: Entry | None, asked: str) -> str:
        if self._here.find(entry, asked):
            return ""
        reasons = []
        if reference := entry.pull if entry else asked:
            mirrored = Reference.parse(reference).in_mirror(self._environ)
            reason = pull.ask(self._endpoint, mirrored, self._verdicts, self._environ)
            if not reason:
                return ""
            reasons.append(reason)
        if entry is not None and entry.bootstrap:
            reason = "" if self._allow_install and not packages.can_install() else bootstrap.obstacle()
        elif entry is not None and entry.folder is not None:
            lacking = ((needed.name, self._why_not(needed, needed.name)) for needed in entry.needs.values())
            reason = "; ".join(f"{name}: {why}" for name, why in lacking if why)
        else:
            return "; ".join(reasons)
        return "; ".join([*reasons, reason]) if reason else ""


class _SideBySide:
    """What several makers do at a time; when one ends, the word is another's that goes on."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._doing: dict[str, str] = {}

    def teller(self, name: str) -> Callable[[str], None]:
        """Return what the maker of one image tells what it does with."""

        def tell(text: str) -> None:
            self._doing[name] = text
            self._say(text)

        return tell

    def ended(self, name: str) -> None:
        """Forget one that has ended."""
        self._doing.pop(name, None)
        for text in list(self._doing.values())[-1:]:
            self._say(text)


def _shown(entry: Entry | None, asked: str) -> str:
    """Return an image as people know it: catalogue name and reference, or the reference alone."""
    return f"{entry.name} ({entry.pull or entry.reference})" if entry else asked


def _what_and_why(error: SctError) -> list[str]:
    return [f"{error.what}: {error.why}" if error.why else error.what]


def _both(tell: Callable[[str], None], turn: Turn) -> Callable[[str], None]:
    def say(text: str) -> None:
        tell(text)
        turn.note(text)

    return say
