"""Brings an environment up that stays: what `env up` does."""

import os
from collections.abc import Iterable

from sdcm import journal as journals
from sdcm import paths
from sdcm.broker.client import BrokerClient
from sdcm.broker.opener import BrokerSpec, OpenBroker, engine_environ
from sdcm.ownership import labels
from sdcm.run.display import JournalDisplay
from sdcm.services.selected import NODE_IMAGE

_TEARDOWN_DEADLINE = 240.0


def environment_up(services: Iterable[str], *, setup: bool, db: str, keep_for: float) -> dict[str, str]:
    """Start a broker of its own that outlives this process.

    Args:
        services: Labels to bring up.
        setup: Packages may be installed.
        db: Node flavour.
        keep_for: Seconds the environment stays.

    Returns:
        Variables by which the environment is reached.

    Raises:
        SctError: A service did not come up; everything is taken down again.
    """
    places = paths.from_environment()
    run_id = labels.new_run_id()
    wanted = tuple(services)
    spec = BrokerSpec(
        run_id=run_id,
        services=wanted,
        images=(NODE_IMAGE,) if "docker" in wanted else (),
        allow_install=setup,
        db=db,
        environ=engine_environ(os.environ),
        keeps=True,
    )
    broker = OpenBroker.start(spec, places, os.environ)
    environ: dict[str, str] = {}
    try:
        with (
            JournalDisplay(places.run_state(run_id) / journals.FILE_NAME, os.environ),
            BrokerClient(broker.socket_path, "env up") as client,
        ):
            for service in wanted:
                environ |= client.ask("wait", service=service)["environ"]
            for image in spec.images:
                client.ask("image", image=image)
            client.ask("keep", seconds=keep_for)
    except BaseException:
        broker.end(os.environ, _TEARDOWN_DEADLINE)
        raise
    broker.hang_up()
    return environ
