"""What tests leave on the engine: found by its event stream, named with its test, removed where it is ours.

An object is ours when it carries this run's label, or when it appeared without any on a private engine that no other
run uses. Anything else may be somebody else's: it is reported, and stays.
"""

import json
import re
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sdcm.broker.engine_events import EngineEvent, EngineEvents
from sdcm.broker.spans import Span, Spans
from sdcm.environment.engine import Engine
from sdcm.errors import EnvironmentFailed
from sdcm.journal import Journal
from sdcm.ownership import labels, removers
from sdcm.ownership.docker_objects import KIND_CLUSTER, DockerObject
from sdcm.ownership.ledger import Entry, Ledger

#: Seconds after a test's end that the engine may need to tell of what was created, and to finish what goes by itself.
_SETTLE = 1.0
_REMOVE_DEADLINE = 30.0
_OUR_CLUSTER = re.compile(r"^sct-[0-9a-f]{8}$")
_IMAGE_ID = re.compile(r"^sha256:[0-9a-f]{64}$")
_NOT_OURS = "not known to be this run's: whoever made it removes it"


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


class LeakWatch:
    """Watches one engine from when it is up until closed."""

    def __init__(self, run_id: str, spans: Spans, ledger: Ledger, journal: Journal) -> None:
        """Watch nothing yet.

        Args:
            run_id: The run whose label is ours.
            spans: Who made things when.
            ledger: Knows what the broker itself made; what is ours is written there too.
            journal: Where leaks are told of whose test's run has no journal of its own.
        """
        self._run_id = run_id
        self._spans = spans
        self._ledger = ledger
        self._journal = journal
        self._engine: Engine | None = None
        self._events: EngineEvents | None = None
        self._change = threading.Condition()
        self._appeared: dict[str, Appeared] = {}
        self._closed = False

    def watch_for(self, engine: Engine) -> None:
        """Be told of what happens on an engine."""
        self._engine = engine

    def start(self, engine: Engine) -> None:
        """Begin to watch an engine, in the background."""
        self.watch_for(engine)
        self._events = EngineEvents(engine.endpoint, self.take)
        threading.Thread(target=self._judge, name="leak-watch", daemon=True).start()

    def take(self, event: EngineEvent) -> None:
        """Take an event in; what has a known owner is passed over."""
        if not event.created:
            with self._change:
                gone = self._appeared.pop(event.id, None)
                self._change.notify_all()
            if gone is not None and gone.entry is not None:
                self._ledger.removed(gone.entry)
            return
        found = self._look(event)
        if found is None:
            return
        # A builder's containers come and go by the dozen; they are told from others once they stay.
        if found.ours and not _IMAGE_ID.match(found.image) and self._engine is not None:
            found.entry = self._ledger.will_make(found.item.kind, found.item.id, **self._engine.facts())
        with self._change:
            self._appeared[event.id] = found
            self._change.notify_all()

    def settle(self, worker: str, deadline: float) -> None:
        """Wait until there is a verdict on all that a worker's tests may have made."""
        end = time.monotonic() + deadline
        time.sleep(_SETTLE / 2)  # what was created last may not have been heard of yet
        with self._change:
            while any(maker.worker == worker for each in self._appeared.values() for maker in each.makers):
                left = end - time.monotonic()
                if left <= 0 or self._closed:
                    return
                self._change.wait(left)

    def close(self) -> None:
        """Give the last verdicts, on what appeared outside of every test too, and stop."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        if self._events is not None:
            self._events.close()
        with self._change:
            left, self._appeared = list(self._appeared.values()), {}
        # Without a private engine, what appeared outside of tests is nobody's business of ours.
        for found in _containers_first(left):
            if found.makers or found.ours:
                self._conclude(found)

    def pending(self) -> list[Appeared]:
        """Return what awaits its verdict."""
        with self._change:
            return list(self._appeared.values())

    # -- what an event tells ---------------------------------------------------------------------------------

    def _look(self, event: EngineEvent) -> Appeared | None:
        told = event.attributes if event.kind == "container" else self._labels(event)
        owner = told.get(labels.RUN)
        if (owner and owner != self._run_id) or _OUR_CLUSTER.match(told.get(KIND_CLUSTER, "")):
            return None
        if owner and any(entry.name in {event.name, event.id} for entry in self._ledger.entries()):
            return None
        if labels.ROLE in told and not owner:
            return None  # a probe of ours, gone in a moment
        alone = self._alone()
        private = self._engine is not None and self._engine.private
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

    def _labels(self, event: EngineEvent) -> dict[str, str]:
        """Return the labels of a network or volume, which its event does not tell."""
        status, answer = self._call("GET", f"/{event.kind}s/{event.id}")
        return dict(answer.get("Labels") or {}) if status == 200 else {}

    def _alone(self) -> bool:
        """Whether no other run uses the engine: each that does has a network on it."""
        wanted = {"filters": json.dumps({"label": [labels.RUN]})}
        status, answer = self._call("GET", "/networks", wanted)
        return status == 200 and all(labels.is_ours(network.get("Labels"), self._run_id) for network in answer)

    def _call(self, method: str, path: str, query: Mapping[str, str] | None = None) -> tuple[int, Any]:
        if self._engine is None:
            return 0, None
        with suppress(EnvironmentFailed):
            return self._engine.endpoint.call(method, path, query, timeout=10)
        return 0, None

    # -- verdicts --------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        """Give each verdict when it is due."""
        while True:
            with self._change:
                if self._closed:
                    return
                due, wait = self.due(time.time())
                if not due:
                    self._change.wait(wait)
                    continue
            for found in _containers_first(due):
                self._conclude(found)
                with self._change:
                    self._appeared.pop(found.item.id, None)
                    self._change.notify_all()

    def due(self, now: float) -> tuple[list[Appeared], float | None]:
        """Return what has outlived all who may have made it, else the seconds until the next look."""
        due, wait = [], None
        for found in self._appeared.values():
            if not found.makers:
                continue
            ends = [self._spans.over_since(maker) for maker in found.makers]
            if any(end is None for end in ends):
                # Nobody tells this thread of a span's end.
                wait = min(wait or 1.0, 1.0)
                continue
            left = max(end for end in ends if end is not None) + _SETTLE - now
            if left <= 0:
                due.append(found)
            else:
                wait = min(wait or left, left)
        return due, wait

    def _conclude(self, found: Appeared) -> None:
        """Tell of it, and remove it where it is ours, unless it is gone or belongs to something else."""
        left = self._is_left(found)
        if not left:
            if left is not None and found.entry is not None:
                self._ledger.removed(found.entry)
            return
        state, reason = ("removed", self._remove(found)) if found.ours else ("left", _NOT_OURS)
        tests = [found.labelled] if found.labelled else sorted({maker.label for maker in found.makers})
        self._tell(
            found.makers,
            kind=found.item.kind,
            name=found.item.name,
            image=found.image,
            test=tests[0] if len(tests) == 1 else "",
            during=tests if len(tests) > 1 else [],
            state="left" if reason else state,
            reason=reason,
            sure=found.sure and (found.ours or self._alone()),
        )

    def _is_left(self, found: Appeared) -> bool | None:
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

    def _image_name(self, image: str) -> str:
        """Return the reference of an image given by its id, where it has one."""
        if not _IMAGE_ID.match(image):
            return image
        status, answer = self._call("GET", f"/images/{image}/json")
        return str((answer.get("RepoTags") or [image])[0]) if status == 200 else image

    def _remove(self, found: Appeared) -> str:
        """Remove what is ours; return why it could not be."""
        if self._engine is None:
            return "there is no engine any more"
        facts = self._engine.facts()
        entry = found.entry or self._ledger.will_make(found.item.kind, found.item.id, **facts)
        left = removers.remove([entry], self._ledger, _REMOVE_DEADLINE)
        return left[0].reason if left else ""

    def _tell(self, makers: list[Span], **leak: Any) -> None:
        files = {maker.journal for maker in makers if maker.journal} - {str(self._journal.path)}
        if not files:
            self._journal.write("leak", **leak)
        for file in filter(Path.exists, map(Path, files)):
            journal = Journal(file)
            journal.write("leak", **leak)
            journal.close()


def _containers_first(items: Iterable[Appeared]) -> list[Appeared]:
    """Return what to judge in its order: a container takes its anonymous volumes with it, and leaves its network."""
    return sorted(items, key=lambda found: (found.item.kind != "container", found.at))
