"""An engine for commands that need one without a run."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from sdcm import paths
from sdcm.environment.engine import Engine, find_engine, hold_engine
from sdcm.paths import Paths


class EchoStep:
    """A set-up step whose lines go straight to the terminal."""

    def __init__(self, name: str, log: Path, deadline: float) -> None:
        """Log to a file of its own."""
        self.name = name
        self._log = log
        self._deadline = deadline

    @property
    def log(self) -> Path:
        """File that all output of the step is appended to."""
        return self._log

    @property
    def deadline(self) -> float:
        """Seconds that the step may take."""
        return self._deadline

    def say(self, text: str) -> None:
        """Print a line of progress; standard output is the command's own."""
        click.echo(f"  {self.name:<16} {text}", err=True)


def echo_step(name: str, deadline: float = 3600.0) -> EchoStep:
    """Return a step that prints its lines and logs under the state directory."""
    logs = paths.make_private(paths.from_environment().state / "logs")
    return EchoStep(name, logs / f"{name.replace('/', '_').replace(':', '_')}.log", deadline)


@contextmanager
def engine_at_hand(*, allow_install: bool = False) -> Iterator[tuple[Engine, Paths]]:
    """Hold an engine for the time of the block; a private one is stopped after it unless others use it.

    SIGTERM and a closed terminal end the block as Ctrl-C does, so that a private engine does not stay.

    Raises:
        ServiceUnavailable: There is none.
        Interrupted: A signal came.
    """
    from sdcm.environment.engine import stop_if_unused
    from sdcm.run.signals import Interrupts

    places = paths.from_environment()
    with Interrupts():
        choice = find_engine(os.environ, places, allow_install=allow_install)
        try:
            with hold_engine(choice, places, echo_step("engine", 600.0)) as engine:
                yield engine, places
        finally:
            if choice.private:
                stop_if_unused(places)
