"""An environment that is kept for the time of a measurement, in a state directory of its own."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measure import ROOT, ended

from sdcm import paths
from sdcm.broker.client import BrokerClient
from sdcm.broker.runs import kept_environment

SCT = [sys.executable, str(ROOT / "sct.py")]


@dataclass(frozen=True)
class Kept:
    """A kept environment.

    Attributes:
        client: A connection to its broker; what is leased by it ends with it.
        journal: Its journal.
        env: Environment variables for runs that are to use it.
    """

    client: BrokerClient
    journal: Path
    env: dict[str, str]


@contextmanager
def kept(folder: Path, environ: Mapping[str, str]) -> Iterator[Kept]:
    """Bring an environment with Docker up, and take it down after the block.

    Args:
        folder: Where its state is kept, and the tests of the measurement.
        environ: Environment variables.
    """
    env = {**environ, "SCT_STATE_DIR": str(folder / "state")}
    try:
        if ended([*SCT, "env", "up", "--service", "docker"], cwd=folder, env=env, shown=True).returncode:
            sys.exit("the environment did not come up")
        places = paths.from_environment(env)
        run = kept_environment(places)
        if run is None:
            sys.exit("the environment is not up")
        with BrokerClient(run.socket, "bench") as client:
            yield Kept(client, places.run_state(run.run_id) / "journal.jsonl", env)
    finally:
        ended([*SCT, "env", "down"], cwd=folder, env=env, shown=True)
