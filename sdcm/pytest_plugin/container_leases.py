"""Containers beside the database nodes, as fixtures lease them."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from sdcm.pytest_plugin.leasing import leased, watched

if TYPE_CHECKING:
    from sdcm.containers.container import Container
    from sdcm.containers.service import ContainerRequest


@contextmanager
def container_for(asking: pytest.FixtureRequest, wanted: "ContainerRequest") -> Iterator["Container"]:
    """Lease a started container for the time of the block; its log goes into a failed test's report.

    The test is skipped when the image is not to be had. Whether what runs inside is ready is for the caller to wait
    for.

    Args:
        asking: The asking fixture's request.
        wanted: The container.

    Raises:
        EnvironmentFailed: It did not start.
    """
    from sdcm.containers.service import ContainerRecord

    with leased(asking, "container", request=wanted.to_record()) as answer:
        record = ContainerRecord.from_record(answer["container"])
        with closing(record.open()) as container, watched(asking, container):
            yield container
