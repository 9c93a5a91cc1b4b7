"""Removing one leased container while the run goes on."""

from contextlib import suppress

from sdcm.broker.supplies import Supplies
from sdcm.errors import EnvironmentFailed
from sdcm.ownership import docker_objects, removers
from sdcm.ownership.docker_endpoint import Endpoint
from sdcm.ownership.docker_objects import DockerObject
from sdcm.ownership.ledger import Entry

_DEADLINE = 60.0


def remove_container(supplies: Supplies, entry: Entry, image: str, test: str) -> None:
    """Remove a container and journal what came of it; one that stays is in the ledger still, and is teardown's.

    Args:
        supplies: The run's environment.
        entry: The container in the ledger.
        image: What it was made from.
        test: The test it was made for.
    """
    left = removers.remove([entry], supplies.ledger, deadline=_DEADLINE)
    outcome = {"state": "left", "reason": left[0].reason} if left else {"state": "removed"}
    supplies.journal.write("container", name=entry.name, image=image, test=test, **outcome)


def pull_the_plug(endpoint: Endpoint, name: str) -> None:
    """Remove a container under the hands of whoever waits for it to come up.

    It is not written off: whoever waits does that, as only they know that it is not made again.
    """
    with suppress(EnvironmentFailed):
        docker_objects.remove(endpoint, DockerObject("container", name, name), deadline=_DEADLINE)
