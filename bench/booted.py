"""Nodes of the catalogue's Cassandra image, booted without a run around them: for benchmarks of the image."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import docker

from sdcm.containers.readiness import CqlProbe, NotReady

_MEMORY = {"CASSANDRA_HEAP": "256m", "CASSANDRA_DIRECT_MEMORY": "128m"}
_DEADLINE = 180.0


@contextmanager
def booted(
    engine: docker.DockerClient, image: str, arguments: Sequence[str] = (), environ: Mapping[str, str] | None = None
) -> Iterator[tuple[Any, float]]:
    """Give a node's container, and the seconds from the order to create it to the first login that was taken.

    Args:
        engine: Where; the container goes at the end of the block.
        image: Reference of the image.
        arguments: What Java gets besides; they win over the image's own.
        environ: Environment variables of the container.
    """
    started = time.perf_counter()
    container = engine.containers.run(
        image,
        list(arguments),
        detach=True,
        mem_limit="512m",
        memswap_limit="512m",
        environment={**_MEMORY, **(environ or {})},
    )
    try:
        container.reload()
        (network,) = container.attrs["NetworkSettings"]["Networks"].values()
        probe = CqlProbe(network["IPAddress"], 9042, "cassandra", "cassandra")
        while True:
            try:
                probe.ask()
            except NotReady as exc:
                container.reload()
                if container.status != "running" or time.perf_counter() - started > _DEADLINE:
                    sys.exit(f"{' '.join(arguments)}: {exc}\n{container.logs(tail=20).decode()}")
                time.sleep(0.05)
            else:
                break
        yield container, time.perf_counter() - started
    finally:
        container.remove(force=True, v=True)
