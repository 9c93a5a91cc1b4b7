"""An engine that stays up for all rounds, and what the runner itself would get from it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sdcm import paths
from sdcm.environment.catalogue import Catalogue
from sdcm.environment.engine import Engine, find_engine, hold_engine, missing_capabilities
from sdcm.environment.images import Image, Images
from sdcm.environment.kind_binary import ensure_kind_binary


@dataclass(frozen=True)
class PrintedStep:
    """A step of set-up that prints what it does."""

    log: Path
    deadline: float = 3600.0

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, flush=True)


@dataclass(frozen=True)
class HeldEngine:
    """The engine, the node image and the kind program that runs use on it.

    Attributes:
        engine: The engine.
        node_image: What clusters are made of.
        kind: The program.
    """

    engine: Engine
    node_image: Image
    kind: Path


@contextmanager
def held_engine(folder: Path) -> Iterator[HeldEngine]:
    """Hold the engine that runs here use, with the node image and kind there; logs go to `folder`."""
    places, step = paths.from_environment(), PrintedStep(folder / "engine.log")
    choice = find_engine(os.environ, places, allow_install=False)
    with hold_engine(choice, places, step) as engine:
        images = Images(engine, Catalogue.load(), places, allow_install=False, verdicts=folder / "verdicts.json")
        node_image = images.ensure("kind-node", step, built_here=bool(missing_capabilities()))
        yield HeldEngine(engine, node_image, ensure_kind_binary(engine, images, places, step))
