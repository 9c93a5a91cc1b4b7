"""How an image is got: it is here, else a registry has it, else it is made, after what it needs."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from sdcm.environment import packages
from sdcm.environment.catalogue import Entry
from sdcm.environment.engine import Engine
from sdcm.environment.image_sources import bootstrap, build, pull
from sdcm.environment.image_sources.archives import Archives
from sdcm.environment.image_sources.builder_lock import my_turn
from sdcm.environment.image_sources.references import REGISTRY_VARIABLE, Reference
from sdcm.environment.image_sources.registries import Verdicts
from sdcm.environment.images_here import Image, ImagesHere
from sdcm.environment.step import Step
from sdcm.errors import EnvironmentFailed, SctError, ServiceUnavailable
from sdcm.ownership.ledger import Ledger


class Obtaining:
    """Gets images onto one engine; safe to use from several threads."""

    def __init__(
        self,
        engine: Engine,
        here: ImagesHere,
        *,
        locks: Path,
        allow_install: bool,
        verdicts: Verdicts,
        ledger: Ledger | None,
        environ: Mapping[str, str],
    ) -> None:
        """Get images onto `engine`.

        Args:
            engine: Where images are wanted.
            here: What it has.
            locks: Folder of the locks that keep two runs from making one image.
            allow_install: mmdebstrap may be installed when it is needed.
            verdicts: Which registries do not answer.
            ledger: The run's, for processes on the host that make an image.
            environ: For proxies, certificate authorities, registry credentials and the registry mirror.
        """
        self._engine = engine
        self._endpoint = engine.endpoint
        self._here = here
        self._locks = locks
        self._allow_install = allow_install
        self._verdicts = verdicts
        self._ledger = ledger
        self._environ = environ
        self._archives = Archives(engine.endpoint, environ)

    def ensure(self, entry: Entry | None, asked: str, step: Step, tell: Callable[[str], None]) -> Image:
        """Get an image in whichever way is the quickest.

        Args:
            entry: What the catalogue says of it; None for a reference that it does not know.
            asked: The name or reference that was asked for.
            step: Its deadline holds, its log is written to.
            tell: Told what is done.

        Raises:
            ServiceUnavailable: It can be neither pulled nor built here.
            BuildFailed: Its build failed, though the package registries answered.
            PullRefused: A registry has it, and its transfer failed.
            EngineSilent: The engine is not there.
        """
        if image := self._here.find(entry, asked):
            return image
        with self.turn(entry.name if entry else asked, step, tell) as say:
            if image := self._here.find(entry, asked):
                return image
            if image := self._from_archive(entry, asked, step, say):
                return image
            reasons: list[str] = []
            if reference := entry.pull if entry else asked:
                try:
                    return self.pull(asked, reference, step, say)
                except pull.PullRefused as exc:
                    if exc.kind.may_pass and (entry is None or not entry.is_buildable):
                        raise  # it is to be had, though not now
                    reasons.append(exc.why)
            if entry is None or not entry.is_buildable:
                raise self._unavailable(entry, asked, reasons)
            try:
                return self.make(entry, step, say)
            except (ServiceUnavailable, build.BuildFailed) as exc:
                if isinstance(exc, build.BuildFailed) and not exc.is_for_want_of_a_registry:
                    raise  # a broken build is to be mended: no test may hide it by a skip
                raise self._unavailable(entry, asked, [*reasons, *_what_and_why(exc)], exc) from exc

    def _from_archive(self, entry: Entry | None, asked: str, step: Step, say: Callable[[str], None]) -> Image | None:
        """Load the image from an archive; None where none holds it, or what it holds was made of another folder."""
        for reference in _references(entry, asked):
            if self._archives.load(reference, deadline=step.deadline, tell=say):
                found = self._here.find(entry, asked)
                return replace(found, source="loaded") if found else None
        return None

    def _unavailable(
        self, entry: Entry | None, asked: str, reasons: list[str], cause: SctError | None = None
    ) -> ServiceUnavailable:
        ways = "can be neither pulled nor built" if entry and entry.is_buildable else "is neither here nor pullable"
        mend = cause.mend if cause else f"docker load it, or set {REGISTRY_VARIABLE} to a registry that has it"
        evidence = cause.evidence if cause else ""
        return ServiceUnavailable(
            f"image {shown(entry, asked)} {ways}", why="; ".join(reasons), mend=mend, evidence=evidence
        )

    @contextmanager
    def turn(self, name: str, step: Step, tell: Callable[[str], None]) -> Iterator[Callable[[str], None]]:
        """Wait until no other process makes the image; gives what tells `tell`, and those that wait meanwhile."""
        with my_turn(self._locks, self._engine.host, name, deadline=step.deadline, tell=tell) as turn:

            def say(text: str) -> None:
                tell(text)
                turn.note(text)

            yield say

    def pull(self, name: str, reference: str, step: Step, say: Callable[[str], None]) -> Image:
        """Pull an image, from the registry mirror where there is one.

        Raises:
            PullRefused: It cannot be pulled.
            EngineSilent: The engine is not there.
        """
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

    def make(self, entry: Entry, step: Step, say: Callable[[str], None]) -> Image:
        """Build or bootstrap the entry, after what it needs.

        Raises:
            ServiceUnavailable: Something it needs is not to be had.
            BuildFailed: A step failed.
            EngineSilent: The engine is not there.
        """
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
            return self.ensure(needed, needed.name, step, doing.teller(needed.name))
        finally:
            doing.ended(needed.name)

    def why_not(self, entry: Entry | None, asked: str) -> str:
        """Return why `ensure` cannot succeed, found out within seconds; empty when it can."""
        if self._here.find(entry, asked) or any(map(self._archives.has, _references(entry, asked))):
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
            lacking = ((needed.name, self.why_not(needed, needed.name)) for needed in entry.needs.values())
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


def _references(entry: Entry | None, asked: str) -> list[str]:
    """Return the references by which an archive may have the image."""
    return [name for name in ((entry.pull, entry.reference) if entry else (asked,)) if name]


def shown(entry: Entry | None, asked: str) -> str:
    """Return an image as people know it: catalogue name and reference, or the reference alone."""
    return f"{entry.name} ({entry.pull or entry.reference})" if entry else asked


def _what_and_why(error: SctError) -> list[str]:
    return [f"{error.what}: {error.why}" if error.why else error.what]
