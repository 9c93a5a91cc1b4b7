"""A chosen test and what it needs, as the collecting pytest tells it."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Tells a collecting pytest where to write the selection, and a running one where it is.
ENVIRONMENT_VARIABLE = "SCT_SELECTION"
#: Tells a running pytest that of what it collects only the selection is to run: this machine's share, as `I/N`.
SHARE_VARIABLE = "SCT_SHARD"
#: Tells a pytest which command it collects for, `integration` or `unit`.
SUITE_VARIABLE = "SCT_SUITE"
#: Stands in a list of images for the image of the run's own node flavour, known once the engine is up.
NODE_IMAGE = "(node)"


@dataclass(frozen=True)
class SelectedTest:
    """One test of the selection.

    Attributes:
        nodeid: pytest's node id, without xdist's group suffix.
        file: Path of its file relative to pytest's root folder.
        services: Labels of the services it needs, sorted.
        images: Images it needs: catalogue names, references a test named itself, or `NODE_IMAGE`.
        nodes: How many database nodes it holds at a time through our fixtures.
        node_key: What nodes have in common that can serve it, see `sdcm.broker.protocol.node_key`; empty when it
            asks for none, or for one that nobody else can have.
        group: Name of its xdist group, empty without one.
        shared_lease: Its module, package or session fixtures hold a lease, so its module stays whole.
        skip_reason: Why it is known to be skipped, empty when it is not.
        alone: No other test may run beside it.
        weight: How many tests it counts for: so many fewer run beside it.
        limits: Names, each with how many tests that carry it may run at once.
    """

    nodeid: str
    file: str
    services: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    nodes: int = 0
    node_key: str = ""
    group: str = ""
    shared_lease: bool = False
    skip_reason: str = ""
    alone: bool = False
    weight: int = 1
    limits: tuple[tuple[str, int], ...] = ()

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "SelectedTest":
        """Rebuild a test from its JSON object."""
        values = dict(record)
        values["services"] = tuple(values["services"])
        values["images"] = tuple(values["images"])
        values["limits"] = tuple((str(name), int(limit)) for name, limit in values.get("limits", ()))
        return cls(**values)


def write(path: Path, tests: Iterable[SelectedTest]) -> None:
    """Write a selection; the file appears whole or not at all."""
    temporary = path.with_suffix(f".{os.getpid()}.part")
    temporary.write_text(json.dumps([vars(test) for test in tests]))
    temporary.replace(path)


def read(path: Path) -> tuple[SelectedTest, ...]:
    """Read a selection back."""
    return tuple(SelectedTest.from_record(record) for record in json.loads(path.read_text()))
