"""The images that are on an engine already, and which of them are ours."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from sdcm.environment.catalogue import Entry
from sdcm.environment.image_sources.build_context import STAGE
from sdcm.ownership import labels
from sdcm.ownership.docker_endpoint import Endpoint

Source = Literal["present", "pulled", "built", "loaded"]


@dataclass(frozen=True)
class Image:
    """An image that is on the engine.

    Attributes:
        name: Its name in the catalogue, or the reference it was asked for by.
        reference: What to start containers from.
        id: The engine's id of it, `sha256:...`.
        source: How it came: `present`, `pulled`, `built`, or `loaded` from an archive.
        seconds: What getting it took, its needs included.
    """

    name: str
    reference: str
    id: str
    source: Source
    seconds: float = 0.0


@dataclass(frozen=True)
class ImageRow:
    """One line of `images list`.

    Attributes:
        name: Name in the catalogue.
        reference: The image that is there, else the one that would be made.
        state: `present`, `outdated` (its folder has changed since) or `absent`.
        source: Where it would come from: `pull`, `build`, `pull or build`.
        flavour: Node flavour inside.
        size: Bytes, 0 when absent.
    """

    name: str
    reference: str
    state: Literal["present", "outdated", "absent"]
    source: str
    flavour: str
    size: int

    def __str__(self) -> str:
        """Return the row as one line."""
        size = f"{self.size / 2**20:.0f} MiB" if self.size else ""
        return f"{self.name:<16} {self.state:<9} {size:>9}  {self.source:<14} {self.reference}"


@dataclass(frozen=True)
class Removed:
    """What `clean --images` did.

    Attributes:
        names: References (or ids of untagged images) that are gone.
        kept: Reference -> why the engine kept it, for example a container made of it.
        freed: Bytes, by the images' own sizes; layers they shared count once for each.
    """

    names: tuple[str, ...]
    kept: Mapping[str, str]
    freed: int


class ImagesHere:
    """Looks at, and removes from, one engine's images."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def find(self, entry: Entry | None, asked: str) -> Image | None:
        """Return the image if it is there: the pulled one, or the one built from what the folder holds now.

        Args:
            entry: Its entry; None for an image that a test named by its reference.
            asked: What it was asked for by.

        Raises:
            EngineSilent: The engine is not there.
        """
        if entry is None:
            found = self.inspect(asked)
            return Image(asked, asked, found["Id"], "present") if found else None
        if entry.pull and (found := self.inspect(entry.pull)):
            return Image(entry.name, entry.pull, found["Id"], "present")
        if entry.is_buildable and (found := self.inspect(entry.reference)) and _build_digest(found) == entry.digest():
            return Image(entry.name, entry.reference, found["Id"], "present")
        return None

    def inspect(self, reference: str) -> dict[str, Any] | None:
        """Return what the engine knows of an image, None when it has none such."""
        status, answer = self._endpoint.call("GET", f"/images/{quote(reference)}/json")
        return answer if status == 200 and isinstance(answer, dict) else None

    def row(self, entry: Entry) -> ImageRow:
        """Return a line of `images list`."""
        ways = [way for way, there in (("pull", entry.pull), ("build", entry.is_buildable)) if there]
        source = " or ".join(ways)
        if present := self.find(entry, entry.name):
            size = (self.inspect(present.reference) or {}).get("Size", 0)
            return ImageRow(entry.name, present.reference, "present", source, entry.flavour, size)
        old = self.inspect(entry.reference)
        state: Literal["outdated", "absent"] = "outdated" if old else "absent"
        return ImageRow(entry.name, entry.reference, state, source, entry.flavour, (old or {}).get("Size", 0))

    def ours(self, also: Collection[str] = ()) -> list[str]:
        """Return the references (or ids of untagged images) that `remove_ours` would remove."""
        return [tag for image in self._ours(also) for tag in _tags(image)]

    def remove_ours(self, also: Collection[str] = ()) -> Removed:
        """Remove every image that carries a label of our builds, and those named in `also`."""
        names: list[str] = []
        freed = 0
        while True:  # an image that others are built on goes after them
            kept: dict[str, str] = {}
            before = len(names)
            for image in self._ours(also):
                tags = _tags(image)
                refusals = {tag: why for tag in tags if (why := self._delete(tag))}
                names += [tag for tag in tags if tag not in refusals]
                freed += 0 if refusals else int(image.get("Size", 0))
                kept |= refusals
            if not kept or len(names) == before:
                return Removed(tuple(names), kept, freed)

    def keep_newest(self, repository: str, count: int) -> list[str]:
        """Remove all but the newest tags of a repository; return those that are gone.

        What is built on an image keeps its layers, so taking a name away breaks nothing that is there.

        Args:
            repository: Its name without a tag.
            count: How many stay.
        """
        query = {"filters": json.dumps({"reference": [repository]})}
        listed = self._endpoint.call("GET", "/images/json", query)[1] or []
        tags = [
            tag
            for image in sorted(listed, key=lambda image: int(image["Created"]), reverse=True)
            for tag in _tags(image)
            if tag.startswith(f"{repository}:")
        ]
        return [tag for tag in tags[count:] if not self._delete(tag)]

    def _delete(self, name: str) -> str:
        """Remove an image; return empty when it is gone, else the engine's refusal."""
        status, answer = self._endpoint.call("DELETE", f"/images/{quote(name)}", timeout=120)
        return "" if status in {200, 404} else str((answer or {}).get("message", f"HTTP status {status}"))

    def _ours(self, also: Collection[str]) -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for label in (labels.BUILD, STAGE):
            query = {"filters": json.dumps({"label": [label]})}
            listed = self._endpoint.call("GET", "/images/json", query)[1]
            found |= {image["Id"]: image for image in listed or []}
        for image in (self._endpoint.call("GET", "/images/json")[1] or []) if also else []:
            if set(also) & set(image.get("RepoTags") or []):
                found.setdefault(image["Id"], image)
        return sorted(found.values(), key=lambda image: int(image["Created"]), reverse=True)


def _tags(image: Mapping[str, Any]) -> list[str]:
    return [tag for tag in image.get("RepoTags") or [] if tag != "<none>:<none>"] or [str(image["Id"])]


def _build_digest(inspected: Mapping[str, Any]) -> str:
    return str(((inspected.get("Config") or {}).get("Labels") or {}).get(labels.BUILD, ""))
