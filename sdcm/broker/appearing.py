"""What an engine tells of something that has appeared on it: whose it may be, and whether it is still there."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sdcm.broker.engine_events import EngineEvent
from sdcm.broker.spans import Span, Spans
from sdcm.environment.engine import Engine
from sdcm.errors import EnvironmentFailed
from sdcm.ownership import labels
from sdcm.ownership.docker_objects import KIND_CLUSTER, DockerObject
from sdcm.ownership.ledger import Entry, Ledger

_OUR_CLUSTER = re.compile(r"^sct-[0-9a-f]{8}$")
_IMAGE_ID = re.compile(r"^sha256:[0-9a-f]{64}$")


@dataclass
class Appeared:
    """Something without an owner that is known.

    Attributes:
        item: What it is.
        at: When it appeared, epoch seconds.
        image: Reference of a container's image.
        labelled: Node id on its label; empty without.
        ours: Whether it may be removed.
        sure: Whether nobody but this run's tests can have made it, as far as can be told.
        makers: Who may have made it.
        entry: Its line in the ledger.
    """

    item: DockerObject
    at: float
    image: str = ""
    labelled: str = ""
    ours: bool = False
    sure: bool = True
    makers: list[Span] = field(default_factory=list)
    entry: Entry | None = None

    @property
    def may_be_a_builders(self) -> bool:
        """Whether it may be a step of an image's build: those are made of an unnamed image."""
        return bool(_IMAGE_ID.match(self.image))


class EngineView:
    """One engine as a run that looks for leaks sees it; an engine that does not answer tells nothing."""

    def __init__(self, engine: Engine, run_id: str, spans: Spans, ledger: Ledger) -> None:
        """See `engine` as this run does: by its label, who made things when, and what it has made itself."""
        self._engine = engine
        self._run_id = run_id
        self._spans = spans
        self._ledger = ledger

    def look(self, event: EngineEvent) -> Appeared | None:
        """Return what has appeared; None for what has an owner that is known."""
        told = event.attributes if event.kind == "container" else self._labels(event)
        owner = told.get(labels.RUN)
        if (owner and owner != self._run_id) or _OUR_CLUSTER.match(told.get(KIND_CLUSTER, "")):
            return None
        if owner and any(entry.name in {event.name, event.id} for entry in self._ledger.entries()):
            return None
        if labels.ROLE in told and not owner:
            return None  # a probe of ours, gone in a moment
        alone = self.alone()
        private = self._engine.private
        makers = self._spans.makers(event.at)
        return Appeared(
            item=DockerObject(event.kind, event.id, event.name),
            at=event.at,
            image=event.attributes.get("image", "") if event.kind == "container" else "",
            labelled=told.get(labels.TEST, ""),
            ours=bool(owner) or (private and alone),
            sure=bool(owner) or alone,
            # A test that needs no engine hardly made it while one ran that does.
            makers=[span for span in makers if "docker" in span.services] or makers,
        )

    def is_left(self, found: Appeared) -> bool | None:
        """Return whether it is there and nobody's; None where the engine does not tell: then the ledger keeps it."""
        item = found.item
        if item.kind == "volume":
            # One that a container holds goes with it.
            wanted = {"all": "1", "filters": json.dumps({"volume": [item.id]})}
            if self._call("GET", "/containers/json", wanted)[1]:
                return False
        path = f"/{item.kind}s/{item.id}"
        status, answer = self._call("GET", f"{path}/json" if item.kind == "container" else path)
        if status != 200:
            return False if status == 404 else None
        if item.kind != "container":
            return True
        if (answer.get("State") or {}).get("Status") == "removing":
            return False
        found.image = self._image_name(found.image)
        # The classic builder's containers: made of an unnamed image, and without a log.
        log = ((answer.get("HostConfig") or {}).get("LogConfig") or {}).get("Type")
        return not (log == "none" and _IMAGE_ID.match(str((answer.get("Config") or {}).get("Image", ""))))

    def alone(self) -> bool:
        """Return whether no other run uses the engine: each that does has a network on it."""
        wanted = {"filters": json.dumps({"label": [labels.RUN]})}
        status, answer = self._call("GET", "/networks", wanted)
        return status == 200 and all(labels.is_ours(network.get("Labels"), self._run_id) for network in answer)

    def _labels(self, event: EngineEvent) -> dict[str, str]:
        """Return the labels of a network or volume, which its event does not tell."""
        status, answer = self._call("GET", f"/{event.kind}s/{event.id}")
        return dict(answer.get("Labels") or {}) if status == 200 else {}

    def _image_name(self, image: str) -> str:
        """Return the reference of an image given by its id, where it has one."""
        if not _IMAGE_ID.match(image):
            return image
        status, answer = self._call("GET", f"/images/{image}/json")
        return str((answer.get("RepoTags") or [image])[0]) if status == 200 else image

    def _call(self, method: str, path: str, query: Mapping[str, str] | None = None) -> tuple[int, Any]:
        with suppress(EnvironmentFailed):
            return self._engine.endpoint.call(method, path, query, timeout=10)
        return 0, None
